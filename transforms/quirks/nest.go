package quirks

import (
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// nest makes nested objects of dotted keys and keys with a URN in a POST (Q54). A value that would take the place of another
// one is refused: which of them counts is nobody's to guess (H4).
func (n *Normalizer) nest(rt *schema.ResourceType, d doc.Doc, acc *Account) (doc.Doc, error) {
	root := doc.Tree(d.Value())
	var (
		flat   []string
		nested = map[string]bool{} // folded
	)
	for _, f := range root.Fields() {
		if strings.ContainsAny(f.Name, ".:") && !strings.Contains(f.Name, "[") {
			flat = append(flat, f.Name)
		}
	}
	for _, name := range flat {
		t, err := n.resolve(rt, name)
		if err != nil || t.path.Filter != nil || t.path.Attr.Name == "" {
			continue
		}
		if t.path.Attr.URI != "" && rt.Schema(t.path.Attr.URI) == nil {
			continue // of an extension that nobody declared: only its author knows what the key means (T2)
		}
		value := root.Get(name)
		steps := make([]string, 0, 3)
		for _, step := range []string{t.path.Attr.URI, t.path.Attr.Name, t.path.Attr.Sub} {
			if step != "" {
				steps = append(steps, step)
			}
		}
		if whole := rt.Attribute(t.path.Attr.URI, t.path.Attr.Name, ""); whole != nil && whole.MultiValued && t.path.Attr.Sub != "" {
			continue // of which element?
		}
		if !put(root, steps, value) {
			return d, scim.Errorf(400, scim.InvalidSyntax, "%s is there twice: as a key of its own, and inside of what it belongs to", t.canon)
		}
		nested[doc.Fold(name)] = true
		acc.note(dottedKeysCreate, name, "", strings.Join(steps, " → "))
	}
	if len(nested) == 0 {
		return d, nil
	}
	for name := range nested {
		root.Delete(name)
	}
	return root.Doc(), nil
}

// put sets a value inside nested objects, which are made where there are none. It is false where something is there.
func put(at *doc.Node, steps []string, value *doc.Node) bool {
	inner := at.Get(steps[0])
	if inner.Kind() == doc.Null {
		inner = nil // in a POST, null says that there is nothing (RFC 7643 §2.5)
	}
	if len(steps) == 1 {
		if inner != nil {
			return false
		}
		at.Set(steps[0], value)
		return true
	}
	if inner == nil {
		inner = doc.NewObject()
		if !put(inner, steps[1:], value) {
			return false
		}
		at.Set(steps[0], inner)
		return true
	}
	return inner.Kind() == doc.Object && put(inner, steps[1:], value)
}
