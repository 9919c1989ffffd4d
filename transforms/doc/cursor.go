package doc

import "unsafe"

// Span is a place in a document: the bytes from From up to To.
type Span struct{ From, To int }

// Cursor reads a scanned document once, from front to back. Unlike [Value.Fields] it does not look for the end of a value
// before it is asked to, so that however deep a value lies, its bytes are read once. It is a plain value: a copy is a
// bookmark.
type Cursor struct {
	b []byte
	i int
}

// Cursor stands at the document's root.
func (d Doc) Cursor() Cursor { return Cursor{d.raw, space(d.raw, 0)} }

// Cursor stands at the value.
func (v Value) Cursor() Cursor { return Cursor{v.raw, 0} }

// At stands at the value that begins at offset.
func (d Doc) At(offset int) Cursor { return Cursor{d.raw, offset} }

// In returns the value that fills the span.
func (d Doc) In(s Span) Value { return Value{d.raw[s.From:s.To]} }

// Alias returns the text in the span, of which it is no copy: like the document, it does not change.
func (d Doc) Alias(s Span) string {
	return unsafe.String(unsafe.SliceData(d.raw[s.From:s.To]), s.To-s.From) //nolint:gosec // see Editor.Doc
}

// Offset returns where the cursor stands.
func (c *Cursor) Offset() int { return c.i }

// Kind returns the kind of the value at the cursor.
func (c *Cursor) Kind() Kind { return Value{c.b[c.i:]}.Kind() }

// Jump moves the cursor to the value, the comma or the bracket at offset.
func (c *Cursor) Jump(offset int) { c.i = offset }

// Open steps into the array or object at the cursor.
func (c *Cursor) Open() { c.i = space(c.b, c.i+1) }

// More reports whether the opened array or object has another member, and moves there. When there is none, it moves behind
// the closing bracket.
func (c *Cursor) More() bool {
	i := space(c.b, c.i)
	switch c.b[i] {
	case ',':
		c.i = space(c.b, i+1)
		return true
	case ']', '}':
		c.i = i + 1
		return false
	}
	c.i = i
	return true
}

// Key reads an object's key and moves to its value.
func (c *Cursor) Key() Span {
	end := skipString(c.b, c.i)
	key := Span{c.i, end}
	i := space(c.b, end)
	c.i = space(c.b, i+1)
	return key
}

// Skip moves behind the value at the cursor.
func (c *Cursor) Skip() Span {
	from := c.i
	c.i = skip(c.b, from)
	return Span{from, c.i}
}

// In returns the value that fills the span, such as a key.
func (c *Cursor) In(s Span) Value { return Value{c.b[s.From:s.To]} }

// Next moves behind the value at the cursor, and returns it.
func (c *Cursor) Next() Value { return c.In(c.Skip()) }
