package patch

import (
	"iter"

	"github.com/caddy-scim/gateway/transforms/doc"
)

// Raw is one operation as it stands in a document, whatever is wrong with it. What is not there is no value.
type Raw struct{ Op, Path, Value doc.Value }

// Each walks over the operations of a PATCH document as they stand in it.
func Each(d doc.Doc) iter.Seq[Raw] {
	return func(yield func(Raw) bool) {
		all, _ := operationsOf(d)
		for op := range all.Items() {
			if !yield(read(op)) {
				return
			}
		}
	}
}

// Empty reports whether a document is a PATCH without operations: it changes nothing.
func Empty(d doc.Doc) bool {
	all, ok := operationsOf(d)
	for range all.Items() {
		return false
	}
	return ok
}

// operationsOf returns the array of operations, and whether there is one.
func operationsOf(d doc.Doc) (doc.Value, bool) {
	v, _ := d.Value().Lookup("Operations")
	return v, v.Kind() == doc.Array
}

// read takes the members of an operation. What is no object has none.
func read(op doc.Value) (r Raw) {
	for key, v := range op.Fields() {
		switch {
		case key.Is("op"):
			r.Op = v
		case key.Is("path"):
			r.Path = v
		case key.Is("value"):
			r.Value = v
		}
	}
	return r
}
