package quirks

import (
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// The rules here are about the id, which nobody may change (RFC 7643 §3.1).

// givesOwnID is about the resource's own id in a PATCH.
func givesOwnID(p *pass, c *change) bool { return p.givesID(c) && p.d.In(c.meant).Text() == p.id }

// foreignIDRefused refuses a PATCH that would give the resource another id.
func foreignIDRefused(p *pass, c *change) (verdict, error) {
	if p.givesID(c) && p.d.In(c.meant).Text() != p.id {
		p.acc.count(foreignID, 1)
		return keep, scim.Errorf(400, scim.Mutability, "id is another one than that of the resource, and cannot be changed")
	}
	return keep, nil
}

func (p *pass) givesID(c *change) bool {
	return c.act != remove && c.kind == doc.String && !p.empty(c) && c.t.attr.Mutability == schema.ReadOnly && c.t.isID()
}
