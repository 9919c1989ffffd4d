package doc

import "bytes"

// MaxHoles is how many strings may differ between elements that have the same [Stencil].
const MaxHoles = 4

// Stencil is an element of a list with holes in it, the insides of strings, and what is written in its place. Lists from
// outside are thousands of elements that differ in a few strings: what was found out about one holds for those which
// follow it and fit, and they need not be opened.
type Stencil struct {
	in   []byte         // the element's text
	hole [MaxHoles]Span // in it
	n    int
	id   int // the hole that has to be different in each element; -1 where none has to

	// Lead is written before the first element that [Cursor.Repeat] moves over.
	Lead string

	changed bool
	out     [MaxHoles + 1][]byte // what is written for the pieces between the holes
	skip    [MaxHoles]bool       // holes whose text is left out

	next  piece  // the last piece of an element, the comma, and the first piece of the next
	write []byte // what is written for it
	sheet []byte // that and a hole, many times
	back  int    // where the next backslash is, if that is behind what was moved over
}

// Stencil makes a stencil of the element that fills the span, which is an object, an array or a string. The strings,
// quotes included and in order, become its holes. It is false where there are too many of them, or one that is empty or
// has an escape.
func (d Doc) Stencil(element Span, strings []Span, id int) (s Stencil, ok bool) {
	in := d.In(element)
	if kind := in.Kind(); len(strings) == 0 || len(strings) > MaxHoles || kind != Object && kind != Array && kind != String {
		return s, false
	}
	s = Stencil{in: in.raw, id: id, back: -1}
	if d.plain {
		s.back = len(d.raw)
	}
	for _, hole := range strings {
		if inside := d.raw[hole.From+1 : hole.To-1]; len(inside) == 0 || bytes.IndexByte(inside, '\\') >= 0 {
			return s, false
		}
		s.hole[s.n] = Span{hole.From + 1 - element.From, hole.To - 1 - element.From}
		s.n++
	}
	s.next = newPiece(joined(s.in[s.hole[s.n-1].To:], s.in[:s.hole[0].From]))
	return s, true
}

func joined(last, first []byte) []byte {
	return append(append(append([]byte(nil), last...), ','), first...)
}

// Piece is the text before the hole with the given number, or behind the last one, as a place in the element.
func (s *Stencil) Piece(i int) Span {
	piece := Span{0, len(s.in)}
	if i > 0 {
		piece.From = s.hole[i-1].To
	}
	if i < s.n {
		piece.To = s.hole[i].From
	}
	return piece
}

// Holes is the number of holes.
func (s *Stencil) Holes() int { return s.n }

// Write sets what is written instead of elements: a text for each piece, and the holes between them but for those to be
// skipped. Without it, elements stay as they are.
func (s *Stencil) Write(pieces [][]byte, skip [MaxHoles]bool) {
	s.changed, s.skip = true, skip
	copy(s.out[:], pieces)
	s.write = joined(s.out[s.n], s.out[0])
}
