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
		list, _ := operationsOf(d)
		for item := range list.Items() {
			if !yield(read(item)) {
				return
			}
		}
	}
}

// Empty reports whether a document is a PATCH without operations: it changes nothing.
func Empty(d doc.Doc) bool {
	list, ok := operationsOf(d)
	for range list.Items() {
		return false
	}
	return ok
}

// operationsOf returns the array of operations, and whether there is one.
func operationsOf(d doc.Doc) (doc.Value, bool) {
	if d.IsZero() {
		return doc.Value{}, false
	}
	list, _ := d.Value().Lookup("Operations")
	return list, list.Kind() == doc.Array
}

// read takes the members of an operation.
func read(v doc.Value) (r Raw) {
	for key, v := range v.Fields() {
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
