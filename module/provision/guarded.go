package provision

import (
	"context"

	"github.com/caddy-scim/gateway/module/provision/api"
	"github.com/caddy-scim/gateway/module/provision/view"
	"github.com/caddy-scim/gateway/transforms/doc"
)

// guarded returns those of some users (the upstream's ids) who are protected. To the provider they do not exist, in a group no
// less than in a list: it neither sees them there, nor does it put them in or take them out. A provider that sets all
// members of a group, as some do with every change, would otherwise throw the owner out of it.
func (u *users) guarded(ctx context.Context, ids doc.Strings) (protected []string, err error) {
	if !u.Protects() || ids.Len() == 0 {
		return nil, nil
	}
	look := func(t *view.Table) { protected = t.Protected(ids) }
	if u.View.Known(look) {
		return protected, nil
	}
	if ids.Len() > fewMembers || len(u.Get) == 0 {
		return protected, u.items.Known(ctx, look)
	}
	for id := range ids.All() {
		it, err := u.items.Fetch(ctx, id, "")
		if api.Gone(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if it.Protected {
			protected = append(protected, id)
		}
	}
	return protected, nil
}
