package patch

import (
	"slices"
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
	"github.com/caddy-scim/gateway/transforms/value"
)

// assigned returns a checked value as it goes into a resource: names as the schema spells them, without what a client cannot
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
	if sub != nil && sub.Mutability == schema.Immutable && !value.Absent(old) && !value.Equal(old, doc.Tree(v)) {
		return scim.Errorf(400, scim.Mutability, "%s.%s is immutable and has a value already", name, sub.Name)
	}
	if v.Kind() == doc.Null {
		into.Delete(spelled)
		return nil
	}
	into.Set(spelled, doc.Tree(v))
	return nil
}

// Described returns the element that a value filter without a match describes, so that it can be made (Q38): it says what the
// element is for, by a type that the schema knows, and nothing beyond that but whether it is the primary one. It is nil for
// any other filter: nobody who asks for the address x@example.com means that there should be such an address, and nobody
// becomes a member because a part of one was to change.
func Described(f filter.Filter, attr *schema.Attribute) *doc.Node {
	if identified(attr) {
		return nil
	}
	n := value.Element(f, attr)
	for _, field := range n.Fields() {
		switch {
		case doc.FoldEqual(field.Name, "primary"):
		case !doc.FoldEqual(field.Name, "type"), !isKind(attr.SubAttribute("type"), field.Value):
			return nil
		}
	}
	return n
}

// untyped is what Microsoft's validator calls an element without a type (Q51).
const untyped = "untyped"

// isKind reports whether a value is a type of elements that the schema suggests (RFC 7643 §7); any is where it suggests none.
func isKind(attr *schema.Attribute, v *doc.Node) bool {
	return attr == nil || len(attr.Canonical) == 0 || v.Kind() == doc.String &&
		slices.ContainsFunc(append([]string{untyped}, attr.Canonical...), func(c string) bool { return doc.FoldEqual(c, v.Text()) })
}

// carryOver gives an element what the filter that selected it says about it, where the element does not say it itself:
// replacing emails[type eq "work"] with an address leaves it the address for work (RFC 7644 §3.5.2.3, Q38).
func carryOver(f filter.Filter, attr *schema.Attribute, n *doc.Node) {
	for _, f := range value.Element(f, attr).Fields() {
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

// blank reports whether a value is an externalId without anything in it, which identifies nothing (RFC 7643 §3.1). Kept, it
// would be what the next resource without one is found to have too.
func (t *target) blank(v doc.Value) bool {
	return t.Attr.URI == "" && t.Attr.Name == "externalId" && t.Def != nil && v.Kind() == doc.String && strings.TrimSpace(v.Text()) == ""
}
