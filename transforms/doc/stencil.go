package doc

import (
	"bytes"
	"hash/maphash"
)

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
//
// Where the next element begins is guessed from the one before, and then checked, so that the processor need not wait for
// the end of one string to begin with the next.
func (c *Cursor) Repeat(s *Stencil, set *Set, e *Edit, limit int) (n int) {
	b := c.b
	first, last := s.in[:s.hole[0].From], s.in[s.hole[s.n-1].To:]
	if limit == 0 || !bytes.HasPrefix(b[c.i:], first) {
		return 0
	}
	var (
		fill  [MaxHoles]Span
		out   []byte
		done  = c.i // what was moved over
		guess = s.hole[0].To - s.hole[0].From
	)
	for i := c.i + len(first); ; {
		// The text is at the first hole of an element whose first piece fits.
		end := i + guess
		if end >= len(b) || b[end] != '"' || bytes.IndexByte(b[i:end], '"') >= 0 {
			if end = i + bytes.IndexByte(b[i:], '"'); end <= i {
				break
			}
		}
		if end > s.back && !s.plain(b, i, end) {
			break
		}
		fill[0] = Span{i, end}
		if s.n > 1 {
			if end = s.rest(b, end, &fill); end < 0 {
				break
			}
		}
		more := bytes.HasPrefix(b[end:], s.next)
		if !more && !bytes.HasPrefix(b[end:], last) {
			break
		}
		if s.id >= 0 {
			id := fill[s.id]
			text := b[id.From:id.To]
			if room*set.taken >= len(set.slots) {
				set.grow(b, id.From)
			}
			// This is Set.add, written out: it is what most of the time goes to.
			slot := &set.slots[maphash.Bytes(seed, text)&uint64(len(set.slots)-1)]
			if *slot == 0 {
				*slot = uint32(id.From)
				set.taken++
			} else if set.collide(b, id.From, text) {
				break
			}
		}
		after := done
		done, i = end+len(last), end+len(s.next)
		if n++; n == limit {
			more = false
		}
		if s.changed {
			if n == 1 {
				e.Cut(after, after)
				out = append(append(e.out, s.Lead...), s.out[0]...)
			}
			piece := s.write
			if !more {
				piece = s.out[s.n]
			}
			out = s.fill(out, b, &fill, piece)
		}
		if !more {
			if s.changed {
				e.out, e.pos = out, done
			}
			c.i = done
			return n
		}
	}
	if s.changed && n > 0 { // the comma and the first piece of an element that did not fit after all
		e.out, e.pos = out[:len(out)-1-len(s.out[0])], done
	}
	c.i = done
	return n
}

// rest finds the strings of an element after the first one, and returns the place behind the last one, which is less than
// 0 if the element does not fit.
func (s *Stencil) rest(b []byte, i int, fill *[MaxHoles]Span) int {
	for k := 1; k < s.n; k++ {
		piece := s.in[s.hole[k-1].To:s.hole[k].From]
		if !bytes.HasPrefix(b[i:], piece) {
			return -1
		}
		i += len(piece)
		end := i + bytes.IndexByte(b[i:], '"')
		if end <= i || end > s.back && !s.plain(b, i, end) {
			return -1
		}
		fill[k] = Span{i, end}
		i = end
	}
	return i
}

// plain tells whether a text is free of backslashes. It looks for the next one wherever it is, so that not every string
// has to be searched.
func (s *Stencil) plain(b []byte, from, to int) bool {
	if s.back < from {
		if s.back = bytes.IndexByte(b[from:], '\\'); s.back < 0 {
			s.back = len(b)
		} else {
			s.back += from
		}
	}
	return to <= s.back
}

// fill writes the strings of an element, what is between them, and what is behind them.
func (s *Stencil) fill(out, b []byte, fill *[MaxHoles]Span, behind []byte) []byte {
	for k := range s.n {
		if k > 0 {
			out = append(out, s.out[k]...)
		}
		if !s.skip[k] {
			out = append(out, b[fill[k].From:fill[k].To]...)
		}
	}
	return append(out, behind...)
}
