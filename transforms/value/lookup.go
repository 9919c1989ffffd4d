package value

import (
	"slices"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// Lookup is a value that a resource must have in an attribute.
type Lookup struct{ Attribute, Value string }

// Key returns what an index has the lookup under. Two values that [SameText] takes for the same have the same key, whatever
// the attribute; what an index finds is to be checked by the caller.
func (l Lookup) Key() string { return l.Attribute + "\x00" + schema.Fold(l.Value) }

// In reports whether a resource has the value, by the rules of the attribute.
func (l Lookup) In(rt *schema.ResourceType, res *doc.Node) bool {
	at := At(rt, l.Attribute)
	attr := rt.Attribute(at.URI, at.Name, at.Sub)
	return slices.ContainsFunc(Texts(rt, res, l.Attribute), func(text string) bool { return SameText(attr, text, l.Value) })
}

// Lookups returns lookups of indexed attributes that together find every resource for which a filter can hold: an index by
// [Texts] and [Lookup.Key] leaves none out. It is false where the filter has no such; then every resource has to be looked
// at.
func Lookups(f filter.Filter, rt *schema.ResourceType, indexed func(attribute string) bool) ([]Lookup, bool) {
	return lookups(f, rt, filter.Attr{}, indexed)
}

// lookups works on a filter whose attributes are named relative to those of outer.
func lookups(f filter.Filter, rt *schema.ResourceType, outer filter.Attr, indexed func(string) bool) ([]Lookup, bool) {
	switch f := f.(type) {
	case *filter.Compare:
		at := f.Attr
		if outer.Name != "" {
			at = filter.Attr{URI: outer.URI, Name: outer.Name, Sub: f.Attr.Name}
		}
		attribute, def := leaf(rt, at)
		if f.Op != filter.Eq || f.Value.Kind != doc.String || f.Value.Text == "" || !indexed(attribute) {
			return nil, false
		}
		if def != nil && def.Type == schema.DateTime { // one moment has many texts
			return nil, false
		}
		return []Lookup{{attribute, f.Value.Text}}, true
	case *filter.And:
		if found, ok := lookups(f.Left, rt, outer, indexed); ok {
			return found, true
		}
		return lookups(f.Right, rt, outer, indexed)
	case *filter.Or:
		left, ok := lookups(f.Left, rt, outer, indexed)
		if !ok {
			return nil, false
		}
		right, ok := lookups(f.Right, rt, outer, indexed)
		if !ok {
			return nil, false
		}
		return append(left, right...), true
	case *filter.ValuePath:
		return lookups(f.Filter, rt, f.Attr, indexed)
	}
	return nil, false
}

// leaf returns the canonical path of what a comparison looks at: a complex attribute is compared by its value
// (RFC 7644 §3.4.2.2), and the value of a simple one is the attribute itself (RFC 7643 §2.4).
func leaf(rt *schema.ResourceType, at filter.Attr) (string, *schema.Attribute) {
	def := rt.Attribute(at.URI, at.Name, "")
	switch {
	case def == nil:
	case def.Type == schema.Complex && at.Sub == "":
		at.Sub = "value"
	case def.Type != schema.Complex && doc.FoldEqual(at.Sub, "value"):
		at.Sub = ""
	}
	if doc.FoldEqual(at.URI, rt.Core.ID) {
		at.URI = ""
	}
	return at.String(), rt.Attribute(at.URI, at.Name, at.Sub)
}
