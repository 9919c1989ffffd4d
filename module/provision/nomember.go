package provision

import (
	"context"
	"net/http"
	"slices"

	"github.com/caddy-scim/gateway/module/provision/api"
	"github.com/caddy-scim/gateway/module/provision/view"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// fewMembers is how many members are looked up one by one rather than by listing the organization.
const fewMembers = 5

// mustExist refuses members whom the organization does not have: most upstreams drop them without a word, and the
// provider would believe that they are in the group.
func (u *users) mustExist(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	m, err := u.marks(ctx)
	if err != nil {
		return err
	}
	var unknown []string
	look := func(t *view.Table) {
		unknown = only(ids, func(id string) bool {
			e := t.Get(m.Upstream(id))
			return (e == nil || e.Protected) && !m.Waits(id)
		})
	}
	switch {
	case slices.ContainsFunc(ids, func(id string) bool { return m.Hidden(id) || m.ID(m.Upstream(id)) != id }):
		return noMember()
	case u.View.Known(look):
	case len(ids) <= fewMembers && len(u.Get) > 0:
		unknown = only(ids, func(id string) bool { return !m.Waits(id) })
	default:
		if err := u.items.Known(ctx, look); err != nil {
			return err
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	// The view is not the last word: they may have been created elsewhere since.
	if len(unknown) <= fewMembers && len(u.Get) > 0 {
		for _, id := range unknown {
			it, err := u.items.Fetch(ctx, m.Upstream(id), "")
			if api.Gone(err) || err == nil && it.Protected {
				return noMember()
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	u.View.Expire()
	if err := u.items.Known(ctx, look); err != nil {
		return err
	}
	if len(unknown) > 0 {
		return noMember()
	}
	return nil
}

func noMember() error {
	return scim.Errorf(http.StatusBadRequest, scim.InvalidValue, "members names a user that the organization does not have; nothing was changed")
}
