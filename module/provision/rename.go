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
func (w *writer) intendRename(ctx context.Context, sub *subject, after *doc.Node) (end func(known bool), err error) {
	if !w.IDChanges {
		return func(bool) {}, nil
	}
	wanted := after.Clone()
	wanted.Delete("id")
	in, err := w.begins(ctx, wanted)
	if err != nil {
		return nil, err
	}
	in.ID, in.Renames = sub.id, true
	return w.intents.begin(ctx, w.Name+" "+sub.id, in)
}

// follow returns the item of a resource that is not there any more under its id, after a change that was carried out.
func (w *writer) follow(ctx context.Context, sub *subject, after *doc.Node) (*items.Item, error) {
	w.View.Removed(sub.entry.ID)
	if w.IDChanges {
		w.View.Expire()
		for _, l := range w.Names(after) {
			for other, err := range w.holders(ctx, l, "") {
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
		Detail: "the organization took the change of the " + w.Name + " and shows none under that id any more: if its ids change with names, the mapping has to say id_changes",
	}
}
