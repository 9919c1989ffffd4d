package filter

import (
	"iter"
	"slices"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// Match reports whether the filter holds for a resource of the given type (RFC 7644 §3.4.2.2).
//
// A comparison holds when it holds for any of the attribute's values. A complex value without a sub-attribute in the
// filter is compared by its "value". Without a value (absent, null or an empty list: RFC 7643 §2.5) an attribute is equal
// to null, not equal to anything else, and neither contains nor precedes anything. A value of another kind than the
// literal is not equal to it. An attribute that the type does not know is compared by the kind of the literal, a string
// without regard to case, which is the default of RFC 7643 §2.2.
func Match(f Filter, res *doc.Node, rt *schema.ResourceType) bool {
	return scope{node: res, rt: rt}.holds(f)
}

// MatchElement reports whether the filter inside the brackets of a value path holds for one value of the attribute before
// them. A nil attribute is an unknown one.
func MatchElement(f Filter, elem *doc.Node, attr *schema.Attribute) bool {
	return scope{node: elem, parent: attr, element: true}.holds(f)
}

// scope is what attributes are named relative to: a resource, or one element of an attribute.
type scope struct {
	node    *doc.Node
	rt      *schema.ResourceType
	parent  *schema.Attribute
	element bool
}

func (s scope) holds(f Filter) bool {
	switch f := f.(type) {
	case *And:
		return s.holds(f.Left) && s.holds(f.Right)
	case *Or:
		return s.holds(f.Left) || s.holds(f.Right)
	case *Not:
		return !s.holds(f.Filter)
	case *ValuePath:
		n, def := s.find(f.Attr.URI, f.Attr.Name)
		for elem := range elements(n) {
			if MatchElement(f.Filter, elem, def) {
				return true
			}
		}
	case *Present:
		n, _ := s.find(f.Attr.URI, f.Attr.Name)
		for elem := range elements(n) {
			if f.Attr.Sub != "" {
				elem = member(elem, f.Attr.Sub)
			}
			if filled(elem) {
				return true
			}
		}
	case *Compare:
		return s.compares(f)
	}
	return false
}

func (s scope) compares(c *Compare) bool {
	n, def := s.find(c.Attr.URI, c.Attr.Name)
	sub := c.Attr.Sub
	if sub == "" && def != nil && def.Type == schema.Complex && c.Value.Kind != doc.Null {
		sub = "value"
	}
	if sub != "" {
		def = def.SubAttribute(sub)
	}
	empty := true
	for elem := range elements(n) {
		empty = false
		leaf := elem
		if sub != "" {
			leaf = member(elem, sub)
		} else if elem.Kind() == doc.Object && c.Value.Kind != doc.Null {
			leaf = elem.Get("value")
		}
		none := true
		for v := range elements(leaf) {
			if none = false; c.holds(v, def) {
				return true
			}
		}
		if none && c.holds(nil, def) {
			return true
		}
	}
	return empty && c.holds(nil, def)
}

// find returns the attribute's value and its definition; either may be nil.
func (s scope) find(uri, name string) (*doc.Node, *schema.Attribute) {
	if s.element {
		n := member(s.node, name)
		if n == s.node {
			return n, s.parent
		}
		return n, s.parent.SubAttribute(name)
	}
	if s.rt == nil {
		if uri != "" {
			return s.node.Get(uri).Get(name), nil
		}
		return s.node.Get(name), nil
	}
	return s.rt.Value(s.node, uri, name), s.rt.Attribute(uri, name, "")
}

// member returns a sub-attribute of an element. The "value" of an element that is no object is the element (RFC 7643 §2.4).
func member(elem *doc.Node, name string) *doc.Node {
	if elem.Kind() != doc.Object && doc.FoldEqual(name, "value") {
		return elem
	}
	return elem.Get(name)
}

// elements walks over the values of an attribute, which are none where it is unassigned, and itself where it has one.
func elements(n *doc.Node) iter.Seq[*doc.Node] {
	return func(yield func(*doc.Node) bool) {
		switch n.Kind() {
		case doc.Invalid, doc.Null:
		case doc.Array:
			for _, item := range n.Items() {
				if item.Kind() != doc.Null && !yield(item) {
					return
				}
			}
		default:
			yield(n)
		}
	}
}

// filled reports whether a value makes its attribute "present": neither empty nor null, or complex with a value in it.
func filled(n *doc.Node) bool {
	switch n.Kind() {
	case doc.Invalid, doc.Null:
		return false
	case doc.String:
		return n.Text() != ""
	case doc.Array:
		return slices.ContainsFunc(n.Items(), filled)
	case doc.Object:
		return slices.ContainsFunc(n.Fields(), func(f doc.Field) bool { return filled(f.Value) })
	}
	return true
}
