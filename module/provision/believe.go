package provision

import (
	"context"
	"errors"
	"net/http"

	"github.com/caddy-scim/gateway/module/provision/api"
	"github.com/caddy-scim/gateway/module/provision/view"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// The organization is believed only what it has shown. Between it and the gateway there may be proxies, log-in pages and
// servers under repair, whose answers look like its own: a 404 of theirs does not say that somebody is gone, and a 200 of
// theirs does not say that somebody is revoked.

// doubtful reports whether a 404 has to be confirmed by the organization's list: it is not in the API's own form; or the
// operation takes access away, so that "there is nobody" would end it as if that had happened; or it is about a group,
// which a provider that is told so gives up, with the memberships that it was about to end or to make; or the list has
// shown the item a moment ago.
func (s *session) doubtful(k *kind, id string, err error) bool {
	shown := false
	k.view.Known(func(t *view.Table) { shown = t.Get(id) != nil })
	return shown || errors.Is(err, plan.ErrForeign) || k == s.group || k == s.user && s.takesAccess()
}

// takesAccess reports whether the operation deletes or may deactivate a user.
func (s *session) takesAccess() bool {
	if s.op == nil || s.op.Type.Name != s.user.rt.Name {
		return false
	}
	return s.op.Verb == scim.Delete || s.op.Verb == scim.Patch || s.op.Verb == scim.Replace
}

// confirmGone returns err, which says that an item is not there, or a 502 where the organization's list shows the item.
// What is known of the list counts where it agrees; otherwise the list is read now.
func (s *session) confirmGone(ctx context.Context, k *kind, id string, err error) error {
	if k.view.Unlisted(id) {
		return err
	}
	listed := false
	if listErr := k.view.Refresh(ctx, s.list(k, func(shown string, _ doc.Value) { listed = listed || shown == id })); listErr != nil {
		return listErr
	}
	if !listed {
		return err
	}
	return &scim.Error{
		Status: http.StatusBadGateway, Cause: err,
		Detail: "something answered that the " + k.name + " is not there, whom the organization's list shows: is there a proxy between the gateway and the organization?",
	}
}

// mustShow returns an error unless a user is, by what was read after the change, active or not as was asked for.
func (s *session) mustShow(it *view.Entry, active bool) error {
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

// mustBeGone returns an error unless an item that was just removed is not there any more. An API that goes on showing what
// it deleted has soft_delete in its mapping.
func (s *session) mustBeGone(ctx context.Context, k *kind, id, key string) error {
	if s.config.Ledger.SoftDelete {
		return nil
	}
	var err error
	if len(k.Get) == 0 {
		_, err = s.search(ctx, k, id)
	} else if _, err = s.get(ctx, k, id, key); errors.Is(err, plan.ErrForeign) {
		err = s.confirmGone(ctx, k, id, err)
	}
	switch {
	case api.Gone(err):
		return nil
	case err != nil:
		return err
	}
	return scim.Errorf(http.StatusBadGateway, "", "the organization answered that the %s is deleted, and goes on showing it", k.name)
}
