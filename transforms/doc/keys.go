package doc

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"sync"
)

// key is a key of an object that is not closed yet.
type key struct {
	sum      uint64 // equal for equal keys; what it is made of depends on whether the object's keys are hashed
	from, to uint32 // where it stands, without the quotes
}

// keys remembers the keys of all open objects, so that a second one of the same name is noticed: a reader that takes the
// first of two and one that takes the last would see different documents. Names are the same when they are so after
// decoding and without regard to the case of ASCII letters, because that is when SCIM takes them for one (RFC 7643 §2.1).
//
// An object has few keys, as a rule: they are compared one by one. When there are more they go into one hash table, which
// all open objects share. Objects close in the opposite order of opening, so the keys that leave the table are always the
// latest ones, and to leave means to empty a slot: no other key can have been moved on because of it.
type keys struct {
	text   []byte
	open   []key
	table  []uint32 // index in open, plus one; as many as a power of two
	hashed int      // how many slots are taken

	name, other []byte // decoded keys, while they are compared
}

// spare are those that no scan uses: to make new ones for every document takes as long as to scan a small one.
var spare = sync.Pool{New: func() any { return &keys{open: make([]key, 0, 2*few)} }}

func borrowKeys(text []byte) *keys {
	k := spare.Get().(*keys)
	k.text = text
	return k
}

// giveBack keeps nothing of the document, nor the room for an object of very many keys.
func (k *keys) giveBack() {
	if cap(k.open) <= 16*few {
		*k = keys{open: k.open[:0]}
		spare.Put(k)
	}
}

// inTable is the bit of a sum that is set for the keys in the table.
const inTable = 1 << 63

// few is how many keys an object may have before they are hashed.
const few = 16

// The seed is drawn when the process starts, so that nobody can choose keys which all fall into one slot. What is accepted
// does not depend on it.
var seed = maphash.MakeSeed()

// add takes up one more key of the innermost object and reports whether it is new there.
func (k *keys) add(f *frame, from, to int, escaped bool) bool {
	name := k.text[from:to]
	if escaped {
		k.name = appendUnescaped(k.name[:0], name)
		name = k.name
	}
	base := int(f.base)
	if n := len(k.open) - base; n < few {
		sum := summary(name)
		for _, o := range k.open[base:] {
			if o.sum == sum && k.same(o, name) {
				return false
			}
		}
		k.open = append(k.open, key{sum, uint32(from), uint32(to)})
		return true
	}
	if !f.hashed {
		f.hashed = true
		for j := base; j < len(k.open); j++ {
			o := &k.open[j]
			o.sum = k.hash(base, k.decoded(*o))
			k.place(j)
		}
	}
	o := key{k.hash(base, name), uint32(from), uint32(to)}
	for slot := k.slot(o.sum); k.table[slot] != 0; slot = k.slot(uint64(slot) + 1) {
		if old := k.open[k.table[slot]-1]; old.sum == o.sum && k.same(old, name) {
			return false
		}
	}
	k.open = append(k.open, o)
	k.place(len(k.open) - 1)
	return true
}

// drop forgets the keys of the innermost object.
func (k *keys) drop(f *frame) {
	if f.hashed {
		for j := len(k.open); j > int(f.base); j-- {
			slot := k.slot(k.open[j-1].sum)
			for k.table[slot] != uint32(j) {
				slot = k.slot(uint64(slot) + 1)
			}
			k.table[slot] = 0
			k.hashed--
		}
	}
	k.open = k.open[:f.base]
}

// place puts the latest key whose sum is that of the table into it. The table is never more than half full.
func (k *keys) place(j int) {
	if 2*(k.hashed+1) > len(k.table) {
		k.grow()
		return
	}
	slot := k.slot(k.open[j].sum)
	for k.table[slot] != 0 {
		slot = k.slot(uint64(slot) + 1)
	}
	k.table[slot] = uint32(j + 1)
	k.hashed++
}

// grow doubles the table and places all keys again, the latest too, in the order in which they came: [keys.drop] needs it.
func (k *keys) grow() {
	k.table, k.hashed = make([]uint32, max(64, 2*len(k.table))), 0
	for j, o := range k.open {
		if o.sum&inTable != 0 {
			k.place(j)
		}
	}
}

func (k *keys) slot(sum uint64) int { return int(sum & uint64(len(k.table)-1)) }

// same compares a key with a decoded name.
func (k *keys) same(o key, name []byte) bool { return foldEqual(k.decoded(o), name) }

func (k *keys) decoded(o key) []byte {
	name := k.text[o.from:o.to]
	if bytes.IndexByte(name, '\\') < 0 {
		return name
	}
	k.other = appendUnescaped(k.other[:0], name)
	return k.other
}

// hash returns a name's place in the table. The object is part of it: equal keys of objects inside each other are no collision.
func (k *keys) hash(object int, name []byte) uint64 {
	var short [64]byte
	folded := append(short[:0], name...)
	for i, c := range folded {
		folded[i] = lower(c)
	}
	return maphash.Bytes(seed, folded) + uint64(object)*0x9E3779B97F4A7C15 | inTable
}

// summary returns a number that is equal for names that are equal without regard to case, and seldom otherwise: made of the
// length, the first and the last eight bytes, all bytes with the bit set that tells a small letter from a capital.
func summary(name []byte) uint64 {
	n := len(name)
	if n >= 8 {
		first := binary.LittleEndian.Uint64(name) | 0x20*ones
		last := binary.LittleEndian.Uint64(name[n-8:]) | 0x20*ones
		return (first ^ bits.RotateLeft64(last*0x9E3779B97F4A7C15, 29) ^ uint64(n)) &^ inTable
	}
	sum := uint64(n) << 56
	for i, c := range name {
		sum |= uint64(c|0x20) << (8 * i)
	}
	return sum
}
