package patch

import (
	"slices"
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// assigned is a checked value as it goes into a resource: names as the schema spells them, without what a client cannot
// set (RFC 7643 §2.2: readOnly values in a request are ignored) and without null, which means no value (RFC 7643 §2.5).
func assigned(attr *schema.Attribute, v doc.Value) *doc.Node {
	n := doc.Tree(v)
	if attr != nil && attr.Type == schema.Complex && n.Kind() == doc.Object {
		tidy(attr, n)
	}
	return n
}

func tidy(attr *schema.Attribute, n *doc.Node) {
	for _, f := range slices.Clone(n.Fields()) {
		sub := attr.SubAttribute(f.Name)
		switch {
		case f.Value.Kind() == doc.Null, sub != nil && sub.Mutability == schema.ReadOnly:
			n.Delete(f.Name)
		case sub != nil && sub.Name != f.Name:
			n.Rename(f.Name, sub.Name)
		}
	}
}

// merge sets sub-attributes of a complex value and leaves the others as they are (RFC 7644 §3.5.2.3). Those that are
// null lose their value.
func merge(attr *schema.Attribute, name string, into *doc.Node, v doc.Value) error {
	for key, val := range v.Fields() {
		sub := attr.SubAttribute(key.Text())
		spelled := key.Text()
		if sub != nil {
			if sub.Mutability == schema.ReadOnly {
				continue
			}
			spelled = sub.Name
		}
		if err := setSub(sub, name, spelled, into, val); err != nil {
			return err
		}
	}
	return nil
}

// setSub sets one sub-attribute; null takes its value away. An immutable one can be set once (RFC 7644 §3.5.2).
func setSub(sub *schema.Attribute, name, spelled string, into *doc.Node, v doc.Value) error {
	old := into.Get(spelled)
	if sub != nil && sub.Mutability == schema.Immutable && !absent(old) && !same(old, doc.Tree(v)) {
		return scim.Errorf(400, scim.Mutability, "%s.%s is immutable and has a value already", name, sub.Name)
	}
	if v.Kind() == doc.Null {
		into.Delete(spelled)
		return nil
	}
	into.Set(spelled, doc.Tree(v))
	return nil
}

// made is the element that a value filter describes: what `type eq "work" and primary eq true` says, and nothing else.
// It is nil where the filter is anything but comparisons with eq joined by and, or contradicts itself (Q38).
func made(f filter.Filter, attr *schema.Attribute) *doc.Node {
	n := doc.NewObject()
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

// carryOver gives an element what the filter that selected it says about it, where the element does not say it itself:
// replacing emails[type eq "work"] with an address leaves it the address for work (RFC 7644 §3.5.2.3, Q38).
func carryOver(f filter.Filter, attr *schema.Attribute, n *doc.Node) {
	for _, f := range made(f, attr).Fields() {
		if n.Get(f.Name) == nil {
			n.Set(f.Name, f.Value)
		}
	}
}

// valuesOf collects the strings of `value eq "a"` or several of them joined by or; false for any other filter.
func valuesOf(f filter.Filter, values []string) ([]string, bool) {
	switch f := f.(type) {
	case *filter.Or:
		values, ok := valuesOf(f.Left, values)
		if !ok {
			return nil, false
		}
		return valuesOf(f.Right, values)
	case *filter.Compare:
		if f.Op == filter.Eq && f.Attr.Sub == "" && f.Attr.URI == "" && doc.FoldEqual(f.Attr.Name, "value") && f.Value.Kind == doc.String {
			return append(values, f.Value.Text), true
		}
	}
	return nil, false
}

// valueOf is what an element is about: its value, or the element itself in a list of simple values.
func valueOf(n *doc.Node) *doc.Node {
	if n.Kind() == doc.Object {
		return n.Get("value")
	}
	return n
}

// absent tells whether a value is unassigned: null, an empty array and an object without assigned fields are the same
// as nothing at all (RFC 7643 §2.5).
func absent(n *doc.Node) bool {
	switch n.Kind() {
	case doc.Invalid, doc.Null:
		return true
	case doc.Array:
		return len(n.Items()) == 0
	case doc.Object:
		for _, f := range n.Fields() {
			if !absent(f.Value) {
				return false
			}
		}
		return true
	}
	return false
}

// blank tells whether a value is an externalId without anything in it, which identifies nothing (RFC 7643 §3.1). Kept, it
// would be what the next resource without one is found to have too.
func (t *target) blank(v doc.Value) bool {
	return t.at.URI == "" && t.at.Name == "externalId" && t.attr != nil && v.Kind() == doc.String && strings.TrimSpace(v.Text()) == ""
}

// same compares two values by what they mean: names without case, order of fields and of elements aside, unassigned
// values aside (RFC 7643 §2.1, §2.4, §2.5).
func same(a, b *doc.Node) bool {
	if a == b || a.Equal(b) {
		return true
	}
	if x, y := absent(a), absent(b); x || y {
		return x == y
	}
	if a.Kind() != b.Kind() || a.Kind() != doc.Object && a.Kind() != doc.Array {
		return false
	}
	if a.Kind() == doc.Array && count(a) != count(b) {
		return false
	}
	return string(canonical(nil, a)) == string(canonical(nil, b))
}

// count is the number of assigned elements.
func count(n *doc.Node) (c int) {
	for _, item := range n.Items() {
		if !absent(item) {
			c++
		}
	}
	return c
}

// canonical prints a value so that two values mean the same if and only if they print the same.
func canonical(dst []byte, n *doc.Node) []byte {
	switch n.Kind() {
	case doc.Object:
		var parts []string
		for _, f := range n.Fields() {
			if !absent(f.Value) {
				parts = append(parts, string(canonical(append(doc.AppendString(nil, doc.Fold(f.Name)), ':'), f.Value)))
			}
		}
		return join(dst, '{', parts, '}')
	case doc.Array:
		var parts []string
		for _, item := range n.Items() {
			if !absent(item) {
				parts = append(parts, string(canonical(nil, item)))
			}
		}
		return join(dst, '[', parts, ']')
	case doc.String:
		return doc.AppendString(dst, n.Text())
	case doc.Invalid:
		return dst
	}
	return append(dst, n.Text()...)
}

func join(dst []byte, open byte, parts []string, end byte) []byte {
	slices.Sort(parts)
	dst = append(append(dst, open), strings.Join(parts, ",")...)
	return append(dst, end)
}
