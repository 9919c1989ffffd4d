package doc

import "bytes"

// batch is how many elements are taken together, at most: first all of them are compared with the stencil, then looked for
// in the set, then written. So each step is a short loop of its own, and the processor has many elements in work at once
// instead of waiting for one.
const batch = 16

// Repeat moves over the elements of a list from the cursor on, as long as they fit the stencil, are written without white
// space, and have not been in the set. The cursor stands at an element before, and behind the last element that fits
// afterwards. It returns how many they were, at most limit. If the stencil writes, the elements are cut.
func (c *Cursor) Repeat(s *Stencil, set *Set, e *Edit, limit int) (n int) {
	b := c.b
	first, last := s.in[:s.hole[0].From], s.in[s.hole[s.n-1].To:]
	if limit == 0 || !bytes.HasPrefix(b[c.i:], first) {
		return 0
	}
	var (
		found [batch][MaxHoles]Span // where the strings of elements are
		i     = c.i + len(first)
		more  = true
	)
	for size := 1; more && n < limit; size = min(2*size, batch) {
		var fit int
		if fit, i, more = s.match(b, i, found[:min(size, limit-n)]); s.id >= 0 {
			fresh := set.addAll(b, found[:fit], s.id)
			more = more && fresh == fit
			fit = fresh
		}
		if fit == 0 {
			break
		}
		if s.changed {
			if n == 0 {
				e.Cut(c.i, c.i)
				e.Write(s.Lead)
				e.WriteRaw(s.out[0])
			} else {
				e.WriteRaw(s.write)
			}
			s.fill(e, b, found[:fit])
		}
		n += fit
		c.i = found[fit-1][s.n-1].To + len(last)
		if more && s.n == 1 && s.id == 0 {
			length := found[fit-1][0].To - found[fit-1][0].From
			if row := s.row(b, i, length, set, e, limit-n); row > 0 {
				moved := row * (length + len(s.next.text))
				n, i, c.i, size = n+row, i+moved, c.i+moved, 1
			}
		}
	}
	if s.changed && n > 0 {
		e.WriteRaw(s.out[s.n])
		e.pos = c.i
	}
	return n
}

// row moves over elements whose only string is as long as that of the element before, as identifiers are. The text is at
// the hole of the first one.
func (s *Stencil) row(b []byte, i, length int, set *Set, e *Edit, limit int) (n int) {
	stride := length + len(s.next.text)
	for n < limit {
		want := min(limit-n, batch)
		fit := set.addRow(b, i, length, stride, s.alike(b, i, length, want))
		if s.changed && fit > 0 {
			s.fillRow(e, b, i, length, fit)
		}
		i += fit * stride
		if n += fit; fit < want {
			break
		}
	}
	return n
}

// fillRow writes what is between elements, and an element's string, for each of a row. Of short ones there is a sheet on
// which all but the strings stands already.
func (s *Stencil) fillRow(e *Edit, b []byte, i, length, n int) {
	stride, unit := length+len(s.next.text), len(s.write)+length
	if unit > 256 {
		for range n {
			e.WriteRaw(s.write)
			e.WriteRaw(b[i : i+length])
			i += stride
		}
		return
	}
	if len(s.sheet) != batch*unit {
		s.sheet = make([]byte, batch*unit)
		for k := range batch {
			copy(s.sheet[k*unit:], s.write)
		}
	}
	for to := unit; to <= n*unit; to += unit {
		copy(s.sheet[to-length:to], b[i:i+length])
		i += stride
	}
	e.WriteRaw(s.sheet[:n*unit])
}

// alike tells how many elements of one length fit the stencil, if there is no quote in their string.
func (s *Stencil) alike(b []byte, i, length, want int) (n int) {
	next := len(s.next.text)
	if i+length > s.back && !s.plain(b, i, i+length) {
		return 0
	}
	for i += length; n < want && i+next <= len(b) && i <= s.back && s.next.is(b[i:i+next]); n++ {
		i += next + length
	}
	return n
}

// match finds the strings of the elements that fit the stencil. The text is at the first hole of an element whose first
// piece fits, before and, where more is true, behind them.
//
// Where the next element begins is guessed from the one before, and then checked, so that the processor need not wait for
// the end of one string to begin with the next. Whether there is a quote in what was guessed is left to the set.
func (s *Stencil) match(b []byte, i int, found [][MaxHoles]Span) (n int, at int, more bool) {
	var (
		last  = s.in[s.hole[s.n-1].To:]
		guess = len(b)
	)
	if s.id == 0 {
		guess = s.hole[0].To - s.hole[0].From
	}
	for n < len(found) {
		end := i + guess
		if end >= len(b) || b[end] != '"' {
			if end = i + bytes.IndexByte(b[i:], '"'); end <= i {
				return n, i, false
			}
		}
		if end > s.back && !s.plain(b, i, end) {
			return n, i, false
		}
		fill := &found[n]
		fill[0] = Span{i, end}
		if s.n > 1 {
			if end = s.rest(b, end, fill); end < 0 {
				return n, i, false
			}
		}
		if !bytes.HasPrefix(b[end:], s.next.text) {
			if bytes.HasPrefix(b[end:], last) {
				n++
			}
			return n, i, false
		}
		n++
		i = end + len(s.next.text)
	}
	return n, i, true
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

// fill writes the strings of elements and what is between them.
func (s *Stencil) fill(e *Edit, b []byte, found [][MaxHoles]Span) {
	for k := range found {
		if k > 0 {
			e.WriteRaw(s.write)
		}
		for h, hole := range found[k][:s.n] {
			if h > 0 {
				e.WriteRaw(s.out[h])
			}
			if !s.skip[h] {
				e.WriteRaw(b[hole.From:hole.To])
			}
		}
	}
}

// piece is a text that is compared again and again.
type piece struct {
	text []byte
	head [16]byte // how a longer one begins
	tail [16]byte // and ends
}

// is tells whether a text of the same length is the same. One of 16 to 32 bytes is compared here and now, without a call.
func (p *piece) is(text []byte) bool {
	if len(text) < 16 || len(text) > 32 {
		return string(text) == string(p.text)
	}
	return [16]byte(text) == p.head && [16]byte(text[len(text)-16:]) == p.tail
}

func newPiece(text []byte) piece {
	p := piece{text: text}
	if len(text) >= 16 {
		p.head, p.tail = [16]byte(text), [16]byte(text[len(text)-16:])
	}
	return p
}
