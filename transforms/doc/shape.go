package doc

import "bytes"

// MaxHoles is how many strings may differ between values of one [Shape].
const MaxHoles = 4

// Shape is the text of a value with holes in it: the insides of strings that have no escape. Lists from outside are
// thousands of values of the same shape; one that fits needs not be opened to know what is in it.
type Shape struct {
	text  []byte
	holes [MaxHoles]Span // inside text
	n     int
}

// Shape makes a shape of the value that fills the span. The holes are strings in it, quotes included, in order; it is
// false where there are too many of them, or where one has an escape.
func (d Doc) Shape(value Span, strings []Span) (s Shape, ok bool) {
	if len(strings) > MaxHoles {
		return s, false
	}
	s.text = d.raw[value.From:value.To]
	for _, hole := range strings {
		if bytes.IndexByte(d.raw[hole.From:hole.To], '\\') >= 0 {
			return s, false
		}
		s.holes[s.n] = Span{hole.From + 1 - value.From, hole.To - 1 - value.From}
		s.n++
	}
	return s, true
}

// Holes is the number of holes.
func (s *Shape) Holes() int { return s.n }

// Piece is the text before the hole with the given number, or behind the last one, as a place in the value that the shape
// was made of.
func (s *Shape) Piece(i int) Span {
	piece := Span{0, len(s.text)}
	if i > 0 {
		piece.From = s.holes[i-1].To
	}
	if i < s.n {
		piece.To = s.holes[i].From
	}
	return piece
}

// Match moves behind the value at the cursor if it has the shape, and tells what fills the holes: the insides of strings,
// none of them empty. It takes the one look at the value's bytes that copying them takes.
func (c *Cursor) Match(s *Shape, fill *[MaxHoles]Span) bool {
	b, from := c.b[c.i:], 0
	for i := range s.n {
		piece := s.text[from:s.holes[i].From]
		if !bytes.HasPrefix(b, piece) {
			return false
		}
		b = b[len(piece):]
		n := bytes.IndexByte(b, '"')
		if n <= 0 || bytes.IndexByte(b[:n], '\\') >= 0 {
			return false
		}
		at := len(c.b) - len(b)
		fill[i] = Span{at, at + n}
		b = b[n:]
		from = s.holes[i].To
	}
	piece := s.text[from:]
	if !bytes.HasPrefix(b, piece) {
		return false
	}
	// A value ends where its shape does: with a bracket or a quote. Numbers and words alone are no shape worth having.
	if last := piece[len(piece)-1]; last != '}' && last != ']' && last != '"' {
		return false
	}
	c.i = len(c.b) - len(b) + len(piece)
	return true
}
