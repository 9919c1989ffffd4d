package plan

import "github.com/caddy-scim/gateway/transforms/doc"

// Path is an operator's path into JSON, compiled. Unlike a [doc.Path], the zero Path is the whole document: most paths of a
// mapping may be left out.
type Path struct{ doc.Path }

// whole reports whether the path is the document itself.
func (p Path) whole() bool { return p.IsZero() || p.String() == "@this" }

// find returns the value at the path; invalid where there is none.
func (p Path) find(v doc.Value) doc.Value {
	if p.IsZero() || v.Kind() == doc.Invalid {
		return v
	}
	return v.Find(p.Path)
}
