package provision

import (
	"context"
	"net/http"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// Some organizations make ids of names, so that a change of a name makes another id. The provider goes on with the id that it
// knows; the ledger remembers which one the organization has for it.

// intendRename writes down that a resource is about to get another name, and may get another id. What is returned ends it.
func (s *session) intendRename(ctx context.Context, k *kind, sub *subject, after *doc.Node) (end func(known bool), err error) {
	if !k.IDChanges {
		return func(bool) {}, nil
	}
	wanted := after.Clone()
	wanted.Delete("id")
	in, err := s.begins(ctx, k, wanted)
	if err != nil {
		return nil, err
	}
	in.ID, in.Renames = sub.id, true
	return s.intend(ctx, k.name+" "+sub.id, in)
}

// follow returns the item of a resource that is not there any more under its id, after a change that was carried out.
func (s *session) follow(ctx context.Context, k *kind, sub *subject, after *doc.Node) (*item, error) {
	k.view.Removed(sub.entry.ID)
	if k.IDChanges {
		k.view.Expire()
		for _, l := range s.names(k, after) {
			for other, err := range s.holders(ctx, k, l, "") {
				switch {
				case err != nil:
					return nil, err
				case other.entry == nil, other.entry.Protected:
				case other.id == sub.id, other.id == other.entry.ID && !other.linked(): // nobody else's
					return &item{other.entry, other.value}, nil
				}
			}
		}
	}
	return nil, &scim.Error{
		Status: http.StatusBadGateway,
		Detail: "the organization took the change of the " + k.name + " and shows none under that id any more: if its ids change with names, the mapping has to say id_changes",
	}
}

// names returns the lookups that find a resource by what no other one has.
func (s *session) names(k *kind, res *doc.Node) []lookup {
	looked := k.rivalLookups(res, true)
	if name, ok := k.writtenName(res); ok {
		looked = append(looked, lookup{Attribute: k.identity, Value: name})
	}
	return looked
}
