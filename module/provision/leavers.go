package provision

import (
	"context"
	"net/http"
	"slices"

	"github.com/caddy-scim/gateway/module/dryrun"
	"github.com/caddy-scim/gateway/module/guard"
	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/provision/api"
	"github.com/caddy-scim/gateway/module/provision/items"
	"github.com/caddy-scim/gateway/module/provision/view"
	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/patch"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// How access is taken away. A PATCH or PUT that deactivates is a change like others ([users.change]); what is different is
// that it comes first ([resources.update]), that the guard is asked ([resources.permit]), and that it counts when it shows. Where
// the organization cannot deactivate, users are removed instead ([resources.retire]). A DELETE takes a user away whole.

// disables reports whether a change of a user takes access away.
func (k *kind) disables(sub *subject, after *doc.Node, changed []string) bool {
	return patch.Touches(changed, "active") && !after.Get("active").True() && sub.entry != nil && sub.res.Get("active").True() &&
		(len(k.Disable) > 0 || k.DisableAs == plan.DisableDelete)
}

// setActive makes the calls that deactivate or activate a user.
func (rs *resources) setActive(ctx context.Context, env *plan.Env, active bool) error {
	calls := rs.Disable
	if active {
		calls = rs.Enable
	}
	if len(calls) == 0 {
		return notSwitchable()
	}
	_, err := rs.items.Run(ctx, calls, env)
	return err
}

func notSwitchable() error {
	return scim.Errorf(http.StatusBadRequest, scim.InvalidValue, "users of this organization cannot be deactivated or activated")
}

// mustShow returns an error unless a user is, by what was read after the change, active or not as was asked for.
func (rs *resources) mustShow(it *view.Entry, active bool) error {
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
	if patch.Touches(changed, "active") {
		var err error
		if sub, err = u.update(ctx, sub, only, []string{"active"}, nil); err != nil {
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

// delete removes the member, or does what the configuration says.
func (u *users) delete(ctx context.Context) (*scim.Answer, error) {
	if u.config.Delete == DeleteRefuse {
		return nil, scim.Errorf(http.StatusForbidden, "", "users of this organization are not deleted through SCIM; deactivate them")
	}
	err := u.in(ctx, u.op.ID, func(sub *subject) error {
		err := u.take(ctx, sub)
		if err == nil {
			u.said(ctx, sub, ledger.Deleted)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &scim.Answer{Status: http.StatusNoContent}, nil
}

// take takes a user whom the provider deletes from the organization, or only the access. The user is locked.
func (u *users) take(ctx context.Context, sub *subject) (err error) {
	if sub.entry == nil {
		return u.deleted(ctx, sub, false)
	}
	if u.config.Delete == DeleteRevoke {
		if sub.res.Get("active").True() {
			after := sub.res.Clone()
			after.Set("active", doc.NewBool(false))
			if sub, err = u.update(ctx, sub, after, []string{"active"}, nil); err != nil {
				return err
			}
		}
		return u.deleted(ctx, sub, true)
	}
	ticket, err := u.permit(ctx, guard.Deletes, sub)
	if err == nil {
		err = u.remove(ctx, sub)
		ticket.End(err)
	}
	if err != nil {
		return err
	}
	trace.Say(ctx, trace.Removed, sub.id, "")
	return u.deleted(ctx, sub, u.config.Ledger.SoftDelete)
}

// remove makes the calls that remove an item, and has it shown that it is gone. That it was gone before is what was asked
// for.
func (rs *resources) remove(ctx context.Context, sub *subject) error {
	env := items.Env(sub.entry.ID, sub.entry.Name(), sub.value)
	env.SCIM = sub.res
	_, err := rs.items.Run(ctx, rs.Delete, env)
	if err == nil && rs.dry() {
		return dryrun.NotDone()
	}
	if err == nil {
		err = rs.items.MustBeGone(ctx, sub.entry.ID, sub.entry.Name())
	}
	if err != nil && !api.Gone(err) {
		return err
	}
	rs.View.Removed(sub.entry.ID)
	return nil
}

// deleted forgets a resource; one that the upstream goes on showing has to be remembered as deleted.
func (rs *resources) deleted(ctx context.Context, sub *subject, shown bool) error {
	if rs.dry() {
		rs.plans(ctx, trace.Removed, sub, nil)
		return dryrun.NotDone()
	}
	change := erase
	if shown {
		change = func(r *ledger.Record) { r.Deleted = true }
	}
	rs.book.Keep(ctx, sub.id, change)
	if rs.IsUser() {
		rs.leaveAll(ctx, sub.id)
	}
	return nil
}
