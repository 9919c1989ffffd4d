package doc

import (
	"bytes"
	"math/bits"
	"sync"
)

// Set is a set of strings of one document: where they stand, not what they are. The zero Set is empty.
//
// Members are few or thousands, and nearly never twice in a list. So what every string goes through is small enough to stay
// in the processor's cache, and knows of most strings at once that they are new: a table of tags of two bytes. Only for a
// tag that was there the list of all strings is searched, and if that happens too often, a map takes over. Time is linear in
// the strings, whatever they are.
type Set struct {
	entries
	place    int // how many bits of an entry are the place
	searched int // entries, in all searches
	seen     map[string]struct{}
	few      struct {
		groups [16]uint64
		all    [32]uint64
	}
}

// entries is the memory of a set.
type entries struct {
	groups []uint64 // the tags, four together; 0 is free
	all    []uint64 // where the inside of a string begins, and above that as much of its digest as there is room for
}

const (
	room     = 2       // tags that there is room for, at least, for one that is there
	most     = 1 << 17 // groups that a set is made with because it expects so many strings; it may grow further
	patience = 16      // times that all entries are searched before there is a map

	tagOnes  = 0x0001000100010001
	tagHighs = 0x8000 * tagOnes
)

// spareSets are large ones that nobody uses: to make one costs more than to fill it.
var spareSets = sync.Pool{New: func() any { return new(entries) }}

// Add puts a string, quotes included, into the set, and tells whether one of the same text was there.
func (s *Set) Add(d Doc, str Span) bool {
	text := d.raw[str.From+1 : str.To-1]
	if escaped(text) {
		text = []byte(d.In(str).Text())
	}
	sum, _ := digest(text)
	return s.add(d.raw, str.From+1, text, sum)
}

// Free ends the use of the set, and lets others have its memory.
func (s *Set) Free() {
	s.giveBack()
	*s = Set{}
}

func (s *Set) add(b []byte, at int, text []byte, sum uint64) bool {
	s.reserve(b, 1, 0)
	return s.put(b, at, text, sum)
}

// addAll adds strings without escapes, one of each element, and returns how many: it ends at one that was there, or has a
// quote in it.
func (s *Set) addAll(b []byte, elements [][MaxHoles]Span, hole int) int {
	for k := range elements {
		at := elements[k][hole]
		text := b[at.From:at.To]
		sum, above := digest(text)
		if !above && bytes.IndexByte(text, '"') >= 0 || s.add(b, at.From, text, sum) {
			return k
		}
	}
	return len(elements)
}

// addRow adds strings of one length, each as far behind the one before, and returns how many of them: it ends at one that
// was there, or has a quote in it. They are at most as many as a batch.
func (s *Set) addRow(b []byte, at, length, stride, n int) int {
	var sums [batch]uint64
	for k, i := 0, at; k < n; k, i = k+1, i+stride {
		text := b[i : i+length]
		sum, above := digest(text)
		if !above && bytes.IndexByte(text, '"') >= 0 {
			n = k
			break
		}
		sums[k] = sum
	}
	s.reserve(b, n, (len(b)-at)/stride)
	for k, sum := range sums[:n] {
		// This is put, written out for a string that is new and whose group is not full: it is what most of the time goes to.
		entry := sum<<(s.place&63) | uint64(at)
		tag := entry>>48 | 1
		group := &s.groups[sum&uint64(len(s.groups)-1)]
		if f := free(*group); f != 0 && free(*group^tag*tagOnes) == 0 {
			*group |= tag << ((bits.TrailingZeros64(f) - 15) & 63)
			s.all = append(s.all, entry)
		} else if s.put(b, at, b[at:at+length], sum) {
			return k
		}
		at += stride
	}
	return n
}

// put is add where there is room.
func (s *Set) put(b []byte, at int, text []byte, sum uint64) bool {
	entry := sum<<s.place | uint64(at)
	if !s.tag(entry) && s.find(b, entry, text) {
		return true
	}
	s.all = append(s.all, entry)
	return false
}

// tag puts an entry's tag into the table and tells whether it is new.
func (s *Set) tag(entry uint64) bool {
	mask := uint64(len(s.groups) - 1)
	tag := entry>>48 | 1
	for i := entry >> s.place & mask; ; i = (i + 1) & mask {
		group := s.groups[i]
		if free(group^tag*tagOnes) != 0 {
			return false
		}
		if f := free(group); f != 0 {
			s.groups[i] = group | tag<<(bits.TrailingZeros64(f)-15)
			return true
		}
	}
}

// free has the high bit of a tag set where the tag is 0. Above one that is 0 it may be set as well; nowhere else.
func free(group uint64) uint64 { return (group - tagOnes) &^ group & tagHighs }

// find tells whether a string is there whose tag is.
func (s *Set) find(b []byte, entry uint64, text []byte) bool {
	if s.seen == nil {
		if s.searched += len(s.all); s.searched <= patience*len(s.all)+1<<12 {
			for _, e := range s.all {
				if (e^entry)>>s.place == 0 && sameText(b, s.at(e), text) {
					return true
				}
			}
			return false
		}
		s.seen = make(map[string]struct{}, 2*len(s.all))
	}
	for _, e := range s.all[len(s.seen):] {
		s.seen[textAt(b, s.at(e))] = struct{}{}
	}
	_, was := s.seen[string(text)]
	return was
}

// at is the place of an entry's string.
func (s *Set) at(entry uint64) int { return int(entry & (1<<s.place - 1)) }

// sameText tells whether the string whose inside begins at the given place has the text.
func sameText(b []byte, at int, text []byte) bool {
	return textAt(b, at) == string(text)
}

// textAt is the text of the string whose inside begins at the given place.
func textAt(b []byte, at int) string { return Value{b[at-1 : skipString(b, at-1)]}.Text() }

func escaped(b []byte) bool { return bytes.IndexByte(b, '\\') >= 0 }

// reserve makes room for some more strings: if it has to, at once as much as is needed for as many as are expected at last.
func (s *Set) reserve(b []byte, more, expected int) {
	n := room * (len(s.all) + more)
	if n <= 4*len(s.groups) {
		return
	}
	if s.groups == nil {
		s.groups, s.all, s.place = s.few.groups[:], s.few.all[:0], bits.Len(uint(len(b)))
		s.reserve(b, more, expected)
		return
	}
	size := 2 * len(s.groups)
	for 4*size < n || 4*size < room*expected && size < most {
		size *= 2
	}
	l := spareSets.Get().(*entries)
	if cap(l.groups) < size {
		l.groups = make([]uint64, size)
	}
	was := s.entries
	s.groups, s.all = l.groups[:size], append(l.all[:0], was.all...)
	clear(s.groups)
	for _, e := range s.all {
		s.tag(e) // if the same tag is there, it stands for both
	}
	if len(was.groups) > len(s.few.groups) {
		*l = was
		spareSets.Put(l)
	}
}

func (s *Set) giveBack() {
	if len(s.groups) > len(s.few.groups) {
		l := s.entries
		spareSets.Put(&l)
	}
}
