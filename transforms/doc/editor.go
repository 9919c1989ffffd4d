package doc

import (
	"strings"
	"unsafe"
)

// Editor makes a changed copy of a document in one pass: places are cut out and text is written in their stead, from front
// to back; everything else is copied byte for byte. Nothing is allocated before the first change, and a document in which
// nothing was changed is returned as it came. What is written has to be valid JSON in its place; it is not scanned again.
type Editor struct {
	src     []byte
	out     strings.Builder // unlike a slice made in full size, it is not cleared before it is written
	changed bool
	pos     int // what of src has been copied or cut
}

// Begin begins a changed copy of a document; the editor is a new one.
func (e *Editor) Begin(d Doc) { e.src = d.raw }

// BeginIn begins a changed copy of one value in a document.
func (e *Editor) BeginIn(d Doc, s Span) { e.src, e.pos = d.raw[:s.To], s.From }

// Cut leaves out the bytes from one offset up to another, which may be none, and is where the next Write goes. Neither may
// lie before what was cut last.
func (e *Editor) Cut(from, to int) { e.Replace(from, to, "") }

// Replace cuts, and writes text in its place.
func (e *Editor) Replace(from, to int, text string) {
	if !e.changed {
		e.changed = true
		n := len(e.src) - e.pos
		e.out.Grow(n + n/64 + 16)
	}
	e.out.Write(e.src[e.pos:from])
	e.pos = to
	e.out.WriteString(text)
}

// Write appends text at the last cut.
func (e *Editor) Write(text string) { e.out.WriteString(text) }

// WriteString appends s as a JSON string at the last cut.
func (e *Editor) WriteString(s string) {
	var short [128]byte
	e.out.Write(AppendString(short[:0], s))
}

// Grow makes room for n more bytes than the document has.
func (e *Editor) Grow(n int) {
	e.out.Grow(len(e.src) - e.pos + n)
}

// Changed reports whether anything was cut or written.
func (e *Editor) Changed() bool { return e.changed }

// Len returns the length that the copy has so far, were the rest of the document copied.
func (e *Editor) Len() int { return e.out.Len() + len(e.src) - e.pos }

// Doc returns the changed copy, or d itself where nothing changed.
func (e *Editor) Doc() Doc {
	if !e.changed {
		return Doc{raw: e.src[e.pos:]}
	}
	e.out.Write(e.src[e.pos:])
	e.pos = len(e.src)
	out := e.out.String()
	return Doc{raw: unsafe.Slice(unsafe.StringData(out), len(out))} //nolint:gosec // a document is not changed, no more than a string
}
