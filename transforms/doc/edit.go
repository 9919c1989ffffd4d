package doc

// Edit makes a changed copy of a document in one pass: places are cut out and text is written in their stead, from front
// to back; everything else is copied byte for byte. Nothing is allocated before the first change, and a document in which
// nothing was changed is returned as it came. What is written has to be valid JSON in its place; it is not scanned again.
type Edit struct {
	src []byte
	out []byte
	pos int // what of src has been copied or cut
}

// Edit begins a changed copy.
func (d Doc) Edit() Edit { return Edit{src: d.raw} }

// Cut leaves out the bytes from one offset up to another, which may be none, and is where the next Write goes. Neither may lie before
// what was cut last.
func (e *Edit) Cut(from, to int) {
	if e.out == nil {
		e.out = make([]byte, 0, len(e.src)+len(e.src)/8+64)
	}
	e.out = append(e.out, e.src[e.pos:from]...)
	e.pos = to
}

// Write appends text at the last cut.
func (e *Edit) Write(text string) { e.out = append(e.out, text...) }

// WriteRaw appends the text of a value at the last cut.
func (e *Edit) WriteRaw(raw []byte) { e.out = append(e.out, raw...) }

// WriteString appends s as a JSON string at the last cut.
func (e *Edit) WriteString(s string) { e.out = AppendString(e.out, s) }

// Grow makes room for n more bytes than the document has.
func (e *Edit) Grow(n int) {
	if free := cap(e.out) - len(e.out); free < len(e.src)-e.pos+n {
		e.out = append(make([]byte, 0, len(e.out)+len(e.src)-e.pos+n), e.out...)
	}
}

// Changed tells whether anything was cut or written.
func (e *Edit) Changed() bool { return e.out != nil }

// Len is the length that the copy has so far, were the rest of the document copied.
func (e *Edit) Len() int { return len(e.out) + len(e.src) - e.pos }

// Doc is the changed copy, or d itself where nothing changed.
func (e *Edit) Doc() Doc {
	if e.out == nil {
		return Doc{e.src}
	}
	e.out = append(e.out, e.src[e.pos:]...)
	e.pos = len(e.src)
	return Doc{e.out}
}
