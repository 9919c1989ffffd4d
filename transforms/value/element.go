package value

import (
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// Element returns the element of a multi-valued attribute that a value filter describes: what
// `type eq "work" and primary eq true` says, and nothing else. It is nil where the filter is anything but comparisons with
// eq joined by and, or contradicts itself, for then nobody can tell what to make (Q38). A nil filter describes an empty
// element.
func Element(f filter.Filter, attr *schema.Attribute) *doc.Node {
	n := doc.NewObject()
	if f == nil {
		return n
	}
	for term := range filter.Terms(f) {
		c, ok := term.(*filter.Compare)
		if !ok || c.Op != filter.Eq || c.Attr.Sub != "" || c.Attr.URI != "" || c.Value.Kind == doc.Null {
			return nil
		}
		name := c.Attr.Name
		if sub := attr.SubAttribute(name); sub != nil {
			name = sub.Name
		}
		v := c.Value.Node()
		if old := n.Get(name); old != nil && !old.Equal(v) {
			return nil
		}
		n.Set(name, v)
	}
	return n
}
