package value

import (
	"slices"
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// SameText reports whether two texts are the same value of an attribute: letter by letter where it is caseExact, else
// without regard to case (RFC 7643 §2.2, §7). An attribute that the schema does not know, nil, is not caseExact.
func SameText(attr *schema.Attribute, a, b string) bool {
	if attr != nil && attr.CaseExact {
		return a == b
	}
	return a == b || schema.Fold(a) == schema.Fold(b)
}

// Absent reports whether a value is unassigned: null, an empty array and an object without assigned fields are the same as
// nothing at all (RFC 7643 §2.5).
func Absent(n *doc.Node) bool {
	switch n.Kind() {
	case doc.Invalid, doc.Null:
		return true
	case doc.Array:
		return !n.HasItems()
	case doc.Object:
		for _, f := range n.Fields() {
			if !Absent(f.Value) {
				return false
			}
		}
		return true
	}
	return false
}

// Equal reports whether two values mean the same. The order of fields and of elements makes no difference, nor do the case
// of names and values that are absent (RFC 7643 §2.1, §2.4, §2.5). The case of letters in a text does: a name that is
// spelled otherwise is a change, even where a search would find both. [doc.Node.Equal] is stricter: the order of elements
// counts there.
func Equal(a, b *doc.Node) bool {
	if a == b || a.Equal(b) {
		return true
	}
	if x, y := Absent(a), Absent(b); x || y {
		return x == y
	}
	if a.Kind() != b.Kind() || a.Kind() != doc.Object && a.Kind() != doc.Array {
		return false
	}
	if a.Kind() == doc.Array && count(a) != count(b) {
		return false
	}
	return Key(a) == Key(b)
}

// count returns the number of assigned elements.
func count(n *doc.Node) (c int) {
	for _, item := range n.Items() {
		if !Absent(item) {
			c++
		}
	}
	return c
}

// Key returns a text that two values have in common if and only if they are [Equal].
func Key(n *doc.Node) string { return string(appendKey(nil, n)) }

func appendKey(dst []byte, n *doc.Node) []byte {
	switch n.Kind() {
	case doc.Object:
		var parts []string
		for _, f := range n.Fields() {
			if !Absent(f.Value) {
				parts = append(parts, string(appendKey(append(doc.AppendString(nil, doc.Fold(f.Name)), ':'), f.Value)))
			}
		}
		return appendSorted(dst, '{', parts, '}')
	case doc.Array:
		var parts []string
		for _, item := range n.Items() {
			if !Absent(item) {
				parts = append(parts, Key(item))
			}
		}
		return appendSorted(dst, '[', parts, ']')
	case doc.String:
		return doc.AppendString(dst, n.Text())
	case doc.Invalid:
		return dst
	}
	return append(dst, n.Text()...)
}

func appendSorted(dst []byte, open byte, parts []string, end byte) []byte {
	slices.Sort(parts)
	dst = append(append(dst, open), strings.Join(parts, ",")...)
	return append(dst, end)
}
