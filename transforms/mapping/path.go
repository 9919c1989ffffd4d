package mapping

import "github.com/caddy-scim/gateway/transforms/doc"

// path is an operator's path into JSON, compiled. Unlike a [doc.Path], the zero path is the whole document: most paths of
// a mapping may be left out.
type path struct{ doc.Path }

func parsePath(text string) (path, error) {
	p, err := doc.ParsePath(text)
	if err != nil {
		return path{}, fault("bad path %q: %v", text, err)
	}
	return path{p}, nil
}

// whole tells whether the path is the document itself.
func (p path) whole() bool { return p.IsZero() || p.String() == "@this" }

// find is the value at the path; invalid where there is none.
func (p path) find(v doc.Value) doc.Value {
	if p.IsZero() || v.Kind() == doc.Invalid {
		return v
	}
	return v.Find(p.Path)
}
