package doc

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"sync"
)

// key is a key of an object that is not closed yet.
type key struct {
	sum      uint64 // equal for equal keys
	from, to uint32 // where it stands, without the quotes
}

// keys remembers the keys of all open objects, so that a second one of the same name is noticed: a reader that takes the
// first of two and one that takes the last would see different documents. Names are the same when they are so after
// decoding and without regard to the case of ASCII letters, because that is when SCIM takes them for one (RFC 7643 §2.1).
//
// An object has few keys, as a rule: they are compared one by one. When there are more, all of them go into a set.
type keys struct {
	text []byte
	open []key
	sets []map[string]struct{} // of the open objects with many keys: all of them, folded

	name, other []byte // decoded keys, while they are compared
}

// spare are those that no scan uses: to make new ones for every document takes as long as to scan a small one.
var spare = sync.Pool{New: func() any { return &keys{open: make([]key, 0, 2*few)} }}

func borrowKeys(text []byte) *keys {
	k := spare.Get().(*keys)
	k.text = text
	return k
}

// giveBack keeps nothing of the document.
func (k *keys) giveBack() {
	*k = keys{open: k.open[:0]}
	spare.Put(k)
}

// few is how many keys an object may have before they are put into a set.
const few = 64

// add takes up one more key of the innermost object and reports whether it is new there.
func (k *keys) add(f *frame, from, to int, escaped bool) bool {
	name := k.text[from:to]
	if escaped {
		k.name = appendUnescaped(k.name[:0], name)
		name = k.name
	}
	if f.many {
		return k.put(name)
	}
	sum, others := summary(name), k.open[f.base:]
	for _, o := range others {
		if o.sum == sum && foldEqual(k.decoded(o), name) {
			return false
		}
	}
	k.open = append(k.open, key{sum, uint32(from), uint32(to)})
	if len(others) == few {
		f.many = true
		k.sets = append(k.sets, make(map[string]struct{}, 4*few))
		for _, o := range k.open[f.base:] {
			k.put(k.decoded(o))
		}
	}
	return true
}

// put puts a name into the set of the innermost object and reports whether it is new there.
func (k *keys) put(name []byte) bool {
	set := k.sets[len(k.sets)-1]
	before := len(set)
	set[Fold(string(name))] = struct{}{}
	return len(set) > before
}

// drop forgets the keys of the innermost object.
func (k *keys) drop(f *frame) {
	if f.many {
		k.sets = k.sets[:len(k.sets)-1]
	}
	k.open = k.open[:f.base]
}

func (k *keys) decoded(o key) []byte {
	name := k.text[o.from:o.to]
	if bytes.IndexByte(name, '\\') < 0 {
		return name
	}
	k.other = appendUnescaped(k.other[:0], name)
	return k.other
}

// summary returns a number that is equal for names that are equal without regard to case, and seldom otherwise: made of the
// length, the first and the last eight bytes, all bytes with the bit set that tells a small letter from a capital.
func summary(name []byte) uint64 {
	n := len(name)
	if n >= 8 {
		first := binary.LittleEndian.Uint64(name) | 0x20*ones
		last := binary.LittleEndian.Uint64(name[n-8:]) | 0x20*ones
		return first ^ bits.RotateLeft64(last*0x9E3779B97F4A7C15, 29) ^ uint64(n)
	}
	sum := uint64(n) << 56
	for i, c := range name {
		sum |= uint64(c|0x20) << (8 * i)
	}
	return sum
}
