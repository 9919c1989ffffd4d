package provision

import (
	"context"
	"net/http"

	"github.com/caddy-scim/gateway/module/provision/items"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// Some organizations make ids of names, so that a change of a name makes another id. The provider goes on with the id that it
// knows; the ledger remembers which one the organization has for it.

// intendRename writes down that a resource is about to get another name, and may get another id. What is returned ends it.
func (rs *resources) intendRename(ctx context.Context, sub *subject, after *doc.Node) (end func(known bool), err error) {
	if !rs.IDChanges {
		return func(bool) {}, nil
	}
	wanted := after.Clone()
	wanted.Delete("id")
	in, err := rs.begins(ctx, wanted)
	if err != nil {
		return nil, err
	}
	in.ID, in.Renames = sub.id, true
	return rs.intents.begin(ctx, rs.Name+" "+sub.id, in)
}

// follow returns the item of a resource that is not there any more under its id, after a change that was carried out.
func (rs *resources) follow(ctx context.Context, sub *subject, after *doc.Node) (*items.Item, error) {
	rs.View.Removed(sub.entry.ID)
	if rs.IDChanges {
		rs.View.Expire()
		for _, l := range rs.Names(after) {
			for other, err := range rs.holders(ctx, l, "") {
				switch {
				case err != nil:
					return nil, err
				case other.entry == nil, other.entry.Protected:
				case other.id == sub.id, other.id == other.entry.ID && !other.linked(): // nobody else's
					return &items.Item{Entry: other.entry, Value: other.value}, nil
				}
			}
		}
	}
	return nil, &scim.Error{
		Status: http.StatusBadGateway,
		Detail: "the organization took the change of the " + rs.Name + " and shows none under that id any more: if its ids change with names, the mapping has to say id_changes",
	}
}
