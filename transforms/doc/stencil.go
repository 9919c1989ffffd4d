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

	next  []byte // the last piece of an element, the comma, and the first piece of the next
	write []byte // what is written for it
	back  int    // no backslash is between where the cursor was and here
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
	for _, hole := range strings {
		if inside := d.raw[hole.From+1 : hole.To-1]; len(inside) == 0 || bytes.IndexByte(inside, '\\') >= 0 {
			return s, false
		}
		s.hole[s.n] = Span{hole.From + 1 - element.From, hole.To - 1 - element.From}
		s.n++
	}
	s.next = joined(s.in[s.hole[s.n-1].To:], s.in[:s.hole[0].From])
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

// Repeat moves over the elements of a list from the cursor on, as long as they fit the stencil, are written without white
// space, and have not been in the set. The cursor stands at an element before, and behind the last element that fits
// afterwards. It returns how many they were, at most limit. If the stencil writes, the elements are cut.
func (c *Cursor) Repeat(s *Stencil, set *Set, e *Edit, limit int) (n int) {
	b := c.b
	first := s.in[:s.hole[0].From]
	if limit == 0 || !bytes.HasPrefix(b[c.i:], first) {
		return 0
	}
	var fill [MaxHoles]Span
	start := c.i // of the element
	i := start + len(first)
	for {
		// The cursor is at the first hole of an element whose first piece fits.
		ok := true
		for k := 0; ; {
			if s.back < i {
				s.findBackslash(b, i)
			}
			end := bytes.IndexByte(b[i:], '"')
			if end <= 0 || i+end > s.back {
				ok = false
				break
			}
			fill[k] = Span{i, i + end}
			i += end
			if k++; k == s.n {
				break
			}
			piece := s.in[s.hole[k-1].To:s.hole[k].From]
			if !bytes.HasPrefix(b[i:], piece) {
				ok = false
				break
			}
			i += len(piece)
		}
		if !ok {
			break
		}
		more := bytes.HasPrefix(b[i:], s.next)
		last := s.in[s.hole[s.n-1].To:]
		if !more && !bytes.HasPrefix(b[i:], last) {
			break
		}
		if s.id >= 0 && set != nil && set.add(b, fill[s.id], b[fill[s.id].From:fill[s.id].To]) {
			break
		}
		if s.changed {
			if n == 0 {
				e.Cut(start, start)
				e.out = append(append(e.out, s.Lead...), s.out[0]...)
			}
			for k := range s.n {
				if k > 0 {
					e.out = append(e.out, s.out[k]...)
				}
				if !s.skip[k] {
					e.out = append(e.out, b[fill[k].From:fill[k].To]...)
				}
			}
			e.pos = i + len(last)
		}
		n++
		if c.i = i + len(last); !more || n == limit {
			if s.changed {
				e.out = append(e.out, s.out[s.n]...)
			}
			return n
		}
		if s.changed {
			e.out = append(e.out, s.write...)
		}
		start = c.i + 1
		i += len(s.next)
	}
	if s.changed && n > 0 { // the comma and the first piece of an element that did not fit after all
		e.out = e.out[:len(e.out)-1-len(s.out[0])]
	}
	return n
}

// findBackslash looks for the next backslash once, so that no string needs to be searched for one.
func (s *Stencil) findBackslash(b []byte, from int) {
	if s.back = bytes.IndexByte(b[from:], '\\'); s.back < 0 {
		s.back = len(b)
		return
	}
	s.back += from
}
