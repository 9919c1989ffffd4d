package doc

import (
	"bytes"
	"hash/maphash"
	"sync"
)

// Set is a set of strings of one document: where they stand, not what they are. Time is linear in the strings, and memory
// is one table. The zero Set is empty.
type Set struct {
	slots []uint32 // where the inside of a string begins; 0 is free
	taken int
	few   [64]uint32
}

// room is how many slots there are for a string, at least: with this many, few strings fall on a slot that is taken.
const room = 3

// most slots that a set is made with because it expects so many strings; it may grow further.
const most = 1 << 19

// tables are large tables that nobody uses: to make one costs more than to fill it.
var tables = sync.Pool{New: func() any { return new([]uint32) }}

// Add puts a string, quotes included, into the set, and tells whether one of the same text was there.
func (s *Set) Add(d Doc, str Span) bool {
	text := d.raw[str.From+1 : str.To-1]
	if escaped(text) {
		text = []byte(d.In(str).Text())
	}
	return s.add(d.raw, str.From+1, text)
}

// Free ends the use of the set, and lets others have its memory.
func (s *Set) Free() {
	s.giveBack()
	*s = Set{}
}

func (s *Set) add(b []byte, at int, text []byte) bool {
	if room*s.taken >= len(s.slots) {
		s.grow(b, at)
	}
	slot := &s.slots[maphash.Bytes(seed, text)&uint64(len(s.slots)-1)]
	if *slot == 0 {
		*slot = uint32(at)
		s.taken++
		return false
	}
	return s.collide(b, at, text)
}

// collide is add where something is in the text's slot.
func (s *Set) collide(b []byte, at int, text []byte) bool {
	mask := uint64(len(s.slots) - 1)
	for i := maphash.Bytes(seed, text) & mask; ; i = (i + 1) & mask {
		slot := &s.slots[i]
		if *slot == 0 {
			*slot = uint32(at)
			s.taken++
			return false
		}
		if sameText(b, int(*slot), text) {
			return true
		}
	}
}

// sameText tells whether the string whose inside begins at the given place has the text.
func sameText(b []byte, at int, text []byte) bool {
	if inside := stringAt(b, at); !escaped(inside) {
		return string(inside) == string(text)
	}
	return Value{b[at-1 : skipString(b, at-1)]}.Text() == string(text)
}

// stringAt is the inside of the string which begins at the given place.
func stringAt(b []byte, at int) []byte { return b[at : skipString(b, at-1)-1] }

func escaped(b []byte) bool { return bytes.IndexByte(b, '\\') >= 0 }

// grow makes a larger table: at once as large as the rest of the document could need, judged by how much of it the strings
// took so far.
func (s *Set) grow(b []byte, at int) {
	if s.slots == nil {
		s.slots = s.few[:]
		return
	}
	first := at
	for _, e := range s.slots {
		if e != 0 {
			first = min(first, int(e))
		}
	}
	each := max(1, (at-first)/s.taken)
	expected := s.taken + (len(b)-at)/each
	size := 2 * len(s.slots)
	for size < room*expected && size < most {
		size *= 2
	}
	table := tables.Get().(*[]uint32)
	if cap(*table) < size {
		*table = make([]uint32, size)
	}
	slots := (*table)[:size]
	clear(slots)
	mask := uint64(size - 1)
	for _, e := range s.slots {
		if e == 0 {
			continue
		}
		text := stringAt(b, int(e))
		if escaped(text) {
			text = []byte(Value{b[e-1 : int(e)+len(text)+1]}.Text())
		}
		i := maphash.Bytes(seed, text) & mask
		for slots[i] != 0 {
			i = (i + 1) & mask
		}
		slots[i] = e
	}
	s.giveBack()
	s.slots = slots
}

func (s *Set) giveBack() {
	if len(s.slots) > len(s.few) {
		table := s.slots[:cap(s.slots)]
		tables.Put(&table)
	}
}
