package doc

import (
	"bytes"
	"math/bits"
	"sync"
)

// Set is a set of strings of one document: where they stand, not what they are. The zero Set is empty.
//
// Members are few or thousands, and nearly never twice in a list. So what every string goes through is small enough to stay
// in the processor's cache, and knows of most strings at once that they are new: a table of tags of two bytes, which are
// part of a digest. Only for a tag that was there the strings themselves are searched, and if that happens too often, a map
// takes over. Time is linear in the strings, whatever they are.
type Set struct {
	tags     []uint64 // four together; 0 is free
	runs     []run
	n        int                   // strings
	searched int                   // strings, in all searches
	seen     map[string]struct{}   // the texts, if there were too many searches
	mapped   struct{ runs, n int } // runs that are in the map, and strings of the next one

	fewTags [16]uint64
	fewRuns [4]run
}

// run are strings of one length of which each stands as far behind the one before.
type run struct {
	at      int // where the inside of the first one begins
	length  int // of the inside
	stride  int
	n       int
	escaped bool // there are escapes in them
}

const (
	room     = 2   // tags that there is room for, at least, for one that is there
	believed = 256 // strings after which as many are believed to come as are expected, and not only 32 times as many
	patience = 16  // times that all strings are searched before there is a map

	tagOnes  = 0x0001000100010001
	tagHighs = 0x8000 * tagOnes
)

// spareTags are large tables that nobody uses: to make one costs more than to fill it.
var spareTags = sync.Pool{New: func() any { return new([]uint64) }}

// Add puts a string, quotes included, into the set, and tells whether one of the same text was there.
func (s *Set) Add(d Doc, str Span) bool {
	text := d.raw[str.From+1 : str.To-1]
	if bytes.IndexByte(text, '\\') < 0 {
		return s.add(d.raw, str.From+1, text)
	}
	decoded := []byte(d.In(str).Text())
	sum, _ := digest(decoded)
	s.reserve(d.raw, 1, 0)
	return s.put(d.raw, run{str.From + 1, len(text), 0, 1, true}, decoded, sum)
}

// Free ends the use of the set, and lets others have its memory.
func (s *Set) Free() {
	s.giveBack(s.tags)
	*s = Set{}
}

// add is Add for the inside of a string without escapes.
func (s *Set) add(b []byte, at int, text []byte) bool {
	sum, _ := digest(text)
	s.reserve(b, 1, 0)
	return s.put(b, run{at, len(text), 0, 1, false}, text, sum)
}

// addAll adds strings without escapes, one of each element, and returns how many: it ends at one that was there, or has a
// quote in it.
func (s *Set) addAll(b []byte, elements [][MaxHoles]Span, hole int) int {
	for k := range elements {
		at := elements[k][hole]
		text := b[at.From:at.To]
		if bytes.IndexByte(text, '"') >= 0 || s.add(b, at.From, text) {
			return k
		}
	}
	return len(elements)
}

// addRow adds strings without escapes of one length, each as far behind the one before, and returns how many: it ends at one
// that was there, or has a quote in it. They are at most as many as a batch.
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
	s.reserve(b, n, s.n+(len(b)-at)/stride)
	for k, sum := range sums[:n] {
		// This is tag, written out for one that is new and has room: it is what most of the time goes to.
		tag := max(1, sum>>48)
		four := &s.tags[sum&uint64(len(s.tags)-1)]
		if f := free(*four); f != 0 && free(*four^tag*tagOnes) == 0 {
			*four |= tag << ((bits.TrailingZeros64(f) - 15) & 63)
		} else if !s.tag(sum) {
			s.keep(run{at, length, stride, k, false})
			if i := at + k*stride; s.put(b, run{i, length, 0, 1, false}, b[i:i+length], sum) {
				return k
			}
			return k + 1
		}
	}
	s.keep(run{at, length, stride, n, false})
	return n
}

// put adds the only string of a run.
func (s *Set) put(b []byte, r run, text []byte, sum uint64) bool {
	if !s.tag(sum) && s.find(b, text) {
		return true
	}
	s.keep(r)
	return false
}

// keep adds a run to the last one, if it goes on from there, or else behind it.
func (s *Set) keep(r run) {
	if r.n == 0 {
		return
	}
	s.n += r.n
	if i := len(s.runs) - 1; i >= 0 {
		last := &s.runs[i]
		stride := last.stride
		if last.n == 1 {
			stride = r.at - last.at
		}
		if r.length == last.length && r.escaped == last.escaped && r.at == last.at+last.n*stride && (r.n == 1 || r.stride == stride) {
			last.n, last.stride = last.n+r.n, stride
			return
		}
	}
	s.runs = append(s.runs, r)
}

// tag puts a tag into the table and tells whether it is new.
func (s *Set) tag(sum uint64) bool {
	tag, mask := max(1, sum>>48), uint64(len(s.tags)-1)
	for i := sum & mask; ; i = (i + 1) & mask {
		four := s.tags[i]
		if free(four^tag*tagOnes) != 0 {
			return false
		}
		if f := free(four); f != 0 {
			s.tags[i] = four | tag<<(bits.TrailingZeros64(f)-15)
			return true
		}
	}
}

// free has the high bit of a tag set where the tag is 0. Above one that is 0 it may be set as well; nowhere else.
func free(four uint64) uint64 { return (four - tagOnes) &^ four & tagHighs }

// find tells whether a text is there whose tag is.
func (s *Set) find(b, text []byte) bool {
	if s.seen == nil {
		if s.searched += s.n; s.searched <= patience*s.n+1<<12 {
			for i := range s.runs {
				if s.runs[i].has(b, text) {
					return true
				}
			}
			return false
		}
		s.seen = make(map[string]struct{}, 2*s.n)
	}
	for at := &s.mapped; at.runs < len(s.runs); at.runs, at.n = at.runs+1, 0 {
		r := &s.runs[at.runs]
		for ; at.n < r.n; at.n++ {
			s.seen[string(r.text(b, at.n))] = struct{}{}
		}
		if at.runs == len(s.runs)-1 {
			break // it may grow
		}
	}
	_, was := s.seen[string(text)]
	return was
}

// has tells whether one of the strings has the text.
func (r *run) has(b, text []byte) bool {
	if !r.escaped && r.length != len(text) {
		return false
	}
	for k := range r.n {
		// Most strings differ in their first bytes, and need no more than a look at them.
		if at := r.at + k*r.stride; !r.escaped && len(text) > 4 && string(b[at:at+4]) != string(text[:4]) {
			continue
		}
		if string(r.text(b, k)) == string(text) {
			return true
		}
	}
	return false
}

// text is that of the string with a number.
func (r *run) text(b []byte, k int) []byte {
	at := r.at + k*r.stride
	if r.escaped {
		return appendUnescaped(nil, b[at:at+r.length])
	}
	return b[at : at+r.length]
}

// reserve makes room for the tags of some more strings. As many may be expected at last; so many are believed only when
// there are some already, for the table is cleared before it is used.
func (s *Set) reserve(b []byte, more, expected int) {
	n := s.n + more
	if n < believed {
		expected = min(expected, 32*n)
	}
	if room*n <= 4*len(s.tags) && (n < believed || room*expected <= 4*len(s.tags)) {
		return
	}
	if s.tags == nil {
		s.tags, s.runs = s.fewTags[:], s.fewRuns[:0]
		s.reserve(b, more, expected)
		return
	}
	size := 2 * len(s.tags)
	for 4*size < room*max(n, expected) {
		size *= 2
	}
	table := spareTags.Get().(*[]uint64)
	if cap(*table) < size {
		*table = make([]uint64, size)
	}
	was := s.tags
	s.tags = (*table)[:size]
	clear(s.tags)
	for i := range s.runs {
		r := &s.runs[i]
		for k := range r.n {
			sum, _ := digest(r.text(b, k))
			s.tag(sum) // where the same tag is there, it stands for both
		}
	}
	s.giveBack(was)
}

func (s *Set) giveBack(tags []uint64) {
	if len(tags) > len(s.fewTags) {
		spareTags.Put(&tags)
	}
}
