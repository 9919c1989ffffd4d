package items

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

// doubtful reports whether a 404 has to be confirmed by the organization's list: it is not in the API's own form, or the
// list has shown the item a moment ago, or whoever asks always wants to know.
func (s *Items) doubtful(id string, err error) bool {
	shown := false
	s.View.Known(func(t *view.Table) { shown = t.Get(id) != nil })
	return shown || errors.Is(err, plan.ErrForeign) || s.Doubts
}

// ConfirmGone returns err, which says that an item is not there, or a 502 where the organization's list shows the item.
// What is known of the list counts where it agrees; otherwise the list is read now.
func (s *Items) ConfirmGone(ctx context.Context, id string, err error) error {
	if s.View.Unlisted(id) {
		return err
	}
	switch listed, listErr := s.look(ctx, id); {
	case listErr != nil:
		return listErr
	case listed.Kind() == doc.Invalid:
		return err
	}
	return &scim.Error{
		Status: http.StatusBadGateway, Cause: err,
		Detail: "something answered that the " + s.Name + " is not there, whom the organization's list shows: is there a proxy between the gateway and the organization?",
	}
}

// MustBeGone returns an error unless an item that was just removed is not there any more. An API that goes on showing what
// it deleted has soft_delete in its mapping.
func (s *Items) MustBeGone(ctx context.Context, id, key string) error {
	if s.SoftDelete {
		return nil
	}
	var err error
	if len(s.Get) == 0 {
		_, err = s.search(ctx, id)
	} else if _, err = s.get(ctx, id, key); errors.Is(err, plan.ErrForeign) {
		err = s.ConfirmGone(ctx, id, err)
	}
	switch {
	case api.Gone(err):
		return nil
	case err != nil:
		return err
	}
	return scim.Errorf(http.StatusBadGateway, "", "the organization answered that the %s is deleted, and goes on showing it", s.Name)
}
