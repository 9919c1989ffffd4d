package doc

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"sync"
)

// Set is a set of strings of one document: where they stand, not what they are. Time is linear in the strings, whatever
// they are, and memory is one table. The zero Set is empty.
type Set struct {
	slots  []entry
	taken  int
	probes int  // looks at slots that others had taken
	strong bool // hashes are those of package maphash
	few    [32]entry
}

// entry is some bits of a string's hash and where the inside of the string begins; 0 is no entry.
type entry struct{ hash, at uint32 }

// tables are large tables that nobody uses: to make one costs more than to fill it.
var tables = sync.Pool{New: func() any { return new([]entry) }}

// most slots that a set begins with because it expects so many strings; it may grow further.
const most = 1 << 18

// Add puts a string, quotes included, into the set, and tells whether one of the same text was there.
func (s *Set) Add(d Doc, str Span) bool {
	id := Span{str.From + 1, str.To - 1}
	text := d.raw[id.From:id.To]
	if escaped(text) {
		text = []byte(d.In(str).Text())
	}
	return s.add(d.raw, id, text)
}

// Free ends the use of the set, and lets others have its memory.
func (s *Set) Free() {
	if len(s.slots) > len(s.few) {
		table := s.slots[:cap(s.slots)]
		tables.Put(&table)
	}
	s.slots = nil
}

func (s *Set) add(b []byte, id Span, text []byte) bool {
	if 2*s.taken >= len(s.slots) {
		s.grow(b, id)
	}
	h := s.sum(text)
	mask := uint32(len(s.slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		e := &s.slots[i]
		if e.at == 0 {
			*e = entry{h, uint32(id.From)}
			s.taken++
			return false
		}
		if e.hash == h && sameText(b, int(e.at), text) {
			return true
		}
		if s.probes++; s.probes > 8*s.taken+64 && !s.strong {
			s.rehash(b)
			return s.add(b, id, text)
		}
	}
}

// sum is the hash of a text. The cheap one looks at three places of a text only: it tells identifiers apart that are made
// at random or counted. When it does not, which an attacker can bring about, the set changes over to one that looks at all.
func (s *Set) sum(text []byte) uint32 {
	n := len(text)
	if s.strong || n < 8 {
		sum := maphash.Bytes(seed, text)
		return uint32(sum ^ sum>>32)
	}
	first, last := binary.LittleEndian.Uint64(text), binary.LittleEndian.Uint64(text[n-8:])
	middle := binary.LittleEndian.Uint64(text[n/2-4:])
	hi, lo := bits.Mul64(first^salt[0], last^salt[1])
	sum := hi ^ lo ^ bits.RotateLeft64((middle^salt[2])*salt[3], 32) + uint64(n)
	return uint32(sum ^ sum>>32)
}

// salt is drawn when the process starts.
var salt = func() (s [4]uint64) {
	for i := range s {
		s[i] = maphash.Bytes(seed, []byte{byte(i)}) | 1
	}
	return s
}()

// sameText tells whether the string whose inside begins at the given place has the text.
func sameText(b []byte, at int, text []byte) bool {
	v := Value{b[at-1 : skipString(b, at-1)]}
	if inside := v.raw[1 : len(v.raw)-1]; !escaped(inside) {
		return string(inside) == string(text)
	}
	return v.Text() == string(text)
}

func escaped(b []byte) bool { return bytes.IndexByte(b, '\\') >= 0 }

// grow makes a larger table: at once as large as the rest of the document could need, judged by how much of it the strings
// took so far.
func (s *Set) grow(b []byte, id Span) {
	if s.slots == nil {
		s.slots = s.few[:]
		return
	}
	first := id.From
	for _, e := range s.slots {
		if e.at != 0 {
			first = min(first, int(e.at))
		}
	}
	each := max(1, (id.From-first)/s.taken)
	expected := s.taken + (len(b)-id.From)/each
	size := 2 * len(s.slots)
	for 2*size < 3*expected && size < most {
		size *= 2
	}
	s.move(size, func(e entry) uint32 { return e.hash })
}

// rehash changes over to the hash that looks at all of a text.
func (s *Set) rehash(b []byte) {
	s.strong = true
	s.move(len(s.slots), func(e entry) uint32 {
		at := int(e.at)
		v := Value{b[at-1 : skipString(b, at-1)]}
		if inside := v.raw[1 : len(v.raw)-1]; !escaped(inside) {
			return s.sum(inside)
		}
		return s.sum([]byte(v.Text()))
	})
}

// move puts all entries into a new table.
func (s *Set) move(size int, hash func(entry) uint32) {
	old := s.slots
	table := tables.Get().(*[]entry)
	if cap(*table) < size {
		*table = make([]entry, size)
	}
	s.slots = (*table)[:size]
	clear(s.slots)
	mask := uint32(size - 1)
	for _, e := range old {
		if e.at == 0 {
			continue
		}
		e.hash = hash(e)
		i := e.hash & mask
		for s.slots[i].at != 0 {
			i = (i + 1) & mask
		}
		s.slots[i] = e
	}
	if len(old) > len(s.few) {
		old = old[:cap(old)]
		tables.Put(&old)
	}
}
