package provision

import (
	"context"
	"net/http"
	"slices"

	"github.com/caddy-scim/gateway/module/provision/view"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// How access is taken away. A PATCH or PUT that deactivates is a change like others ([users.change]); what is different is
// that it comes first ([resources.update]), that the guard is asked ([resources.guarding]), and that it counts when it shows. Where
// the organization cannot deactivate, users are removed instead ([users.retire]). A DELETE is in remove.go.

// disables reports whether a change of a user takes access away.
func (k *kind) disables(sub *subject, after *doc.Node, changed []string) bool {
	return touches(changed, "active") && !after.Get("active").True() && sub.entry != nil && sub.res.Get("active").True() &&
		(len(k.Disable) > 0 || k.DisableAs == plan.DisableDelete)
}

// setActive makes the calls that deactivate or activate a user.
func (u *users) setActive(ctx context.Context, env *plan.Env, active bool) error {
	calls := u.Disable
	if active {
		calls = u.Enable
	}
	if len(calls) == 0 {
		return notSwitchable()
	}
	_, err := u.items.Run(ctx, calls, env)
	return err
}

func notSwitchable() error {
	return scim.Errorf(http.StatusBadRequest, scim.InvalidValue, "users of this organization cannot be deactivated or activated")
}

// mustShow returns an error unless a user is, by what was read after the change, active or not as was asked for.
func (u *users) mustShow(it *view.Entry, active bool) error {
	is := it.Resource().Get("active")
	if is == nil || is.True() == active {
		return nil
	}
	detail := "the organization answered that the user is revoked, and goes on showing an active user"
	if active {
		detail = "the organization answered that the user is active again, and goes on showing a revoked user"
	}
	return scim.Errorf(http.StatusBadGateway, "", "%s", detail)
}

// lockOut deactivates a user while the ledger cannot be read. Nothing else is changed: what the ledger holds may have a say
// in it, and the provider repeats what is refused.
func (u *users) lockOut(ctx context.Context, sub *subject, after *doc.Node, changed []string) (*subject, error) {
	if sub.entry == nil || after.Get("active").Kind() != doc.Bool || after.Get("active").True() {
		e := unreadable(u.blind)
		e.NoAccess = sub.entry == nil
		return nil, e
	}
	only := sub.res.Clone()
	only.Set("active", doc.NewBool(false))
	if touches(changed, "active") {
		var err error
		if sub, err = u.update(ctx, sub, only, []string{"active"}); err != nil {
			return nil, err
		}
	}
	if slices.ContainsFunc(changed, func(path string) bool { return path != "active" }) {
		e := unreadable(u.blind)
		e.NoAccess = true
		return nil, e
	}
	return sub, nil
}
