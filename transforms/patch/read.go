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
		c, ok := operationsOf(d)
		if !ok {
			return
		}
		for c.Open(); c.More(); {
			if !yield(read(d, &c)) {
				return
			}
		}
	}
}

// Empty reports whether a document is a PATCH without operations: it changes nothing.
func Empty(d doc.Doc) bool {
	c, ok := operationsOf(d)
	if ok {
		c.Open()
	}
	return ok && !c.More()
}

// operationsOf returns a cursor at the array of operations, and whether there is one.
func operationsOf(d doc.Doc) (c doc.Cursor, ok bool) {
	if d.Value().Kind() != doc.Object {
		return c, false
	}
	c = d.Cursor()
	for c.Open(); c.More(); c.Skip() {
		if d.In(c.Key()).Is("Operations") {
			return c, c.Kind() == doc.Array
		}
	}
	return c, false
}

// read takes the members of the operation at the cursor, and moves behind it. What is no object has none.
func read(d doc.Doc, c *doc.Cursor) (r Raw) {
	if c.Kind() != doc.Object {
		c.Skip()
		return r
	}
	for c.Open(); c.More(); {
		switch key, v := d.In(c.Key()), d.In(c.Skip()); {
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
