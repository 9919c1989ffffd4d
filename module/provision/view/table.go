package view

import (
	"cmp"
	"hash/maphash"
	"iter"
	"slices"
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/value"
)

// An Entry is what is kept in memory of one item of the upstream: enough to answer lists and to find a resource, without
// the item itself. Its exported fields do not change once it is in a table.
type Entry struct {
	ID        string  // the upstream's id
	Key       string  // what paths name the item by; empty where that is the id
	SCIM      doc.Doc // the item as a resource, without schemas and meta
	Word      uint8   // of the membership's state: an index into States
	Protected bool    // whether the provider is not to see or change it
	Inactive  bool    // whether it is a user without access

	hash  uint64 // of the item as the upstream showed it; 0 where that is not known
	place uint64 // in the order of lists; the view's own, under its lock
	asked Asked  // when what it says was asked for; the view's own, under its lock
}

// States are the words of [plan.States] behind an empty one: a byte each instead of a string, for every member.
var States = append([]string{""}, plan.States()...)

// Word returns a state as entries have it.
func Word(state string) uint8 { return uint8(max(0, slices.Index(States, state))) }

// Resource returns the entry as a tree of its own.
func (e *Entry) Resource() *doc.Node { return doc.Tree(e.SCIM.Value()) }

// State returns how far the membership has come; it is empty where the mapping does not say.
func (e *Entry) State() string { return States[e.Word] }

// Name returns what paths name the item by.
func (e *Entry) Name() string { return cmp.Or(e.Key, e.ID) }

// Table holds the items of one resource type, found by id and by the values of a few attributes, in an order that a
// change of others does not disturb. It is used under the lock of its view; the entries that it hands out are safe to keep.
type Table struct {
	byID    map[string]*Entry
	indexes []index
	ordered []*Entry        // those that are not protected, by place
	guarded map[string]bool // ids of those that are
	active  int             // how many of ordered are active, or have no active
	next    uint64          // place of the next new entry
}

// index leads from the hash of a value to the entries that have it. Nearly always that is one entry, so that only others
// cost a slice.
type index struct {
	attribute string // canonical path
	first     map[uint64]*Entry
	more      map[uint64][]*Entry
}

var seed = maphash.MakeSeed()

func newTable(attributes []string) *Table {
	t := &Table{byID: make(map[string]*Entry), guarded: make(map[string]bool)}
	for _, attribute := range attributes {
		t.indexes = append(t.indexes, index{attribute, make(map[uint64]*Entry), make(map[uint64][]*Entry)})
	}
	return t
}

// Get returns the entry with an id of the upstream's; nil where there is none.
func (t *Table) Get(id string) *Entry { return t.byID[id] }

// Find returns the entries whose attribute, one of those that the view was made with, may have a value. The caller checks
// them by the attribute's own rules.
func (t *Table) Find(attribute, value string) []*Entry {
	for i := range t.indexes {
		if x := &t.indexes[i]; x.attribute == attribute {
			h := hashed(value)
			if first := x.first[h]; first != nil {
				return append([]*Entry{first}, x.more[h]...)
			}
		}
	}
	return nil
}

// All returns the entries that are not protected, in list order: as the upstream listed them first, new ones at the end.
// Pages neither overlap nor leave anything out then, however the upstream sorts.
func (t *Table) All() []*Entry { return slices.Clone(t.ordered) }

// Page returns up to n of the entries of [Table.All] without those whose ids are hidden, from the one with the index skip on,
// and how many there are. What it costs does not grow with the table.
func (t *Table) Page(skip, n int, hidden []string) (page []*Entry, total int) {
	var out []int // where the hidden ones are
	for _, id := range hidden {
		if e := t.byID[id]; e != nil {
			if i, ok := t.position(e); ok {
				out = append(out, i)
			}
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	total = len(t.ordered) - len(out)
	at := min(max(skip, 0), total)
	for ; len(out) > 0 && out[0] <= at; out = out[1:] {
		at++
	}
	for ; at < len(t.ordered) && len(page) < n; at++ {
		if len(out) > 0 && out[0] == at {
			out = out[1:]
			continue
		}
		page = append(page, t.ordered[at])
	}
	return page, total
}

// Protected returns those of some ids whose entries are protected.
func (t *Table) Protected(ids doc.Strings) (found []string) {
	if len(t.guarded) == 0 {
		return nil
	}
	for id := range ids.All() {
		if t.guarded[id] {
			found = append(found, id)
		}
	}
	return found
}

// Active returns how many of the entries of [Table.All] are active; those that know no activity all are.
func (t *Table) Active() int { return t.active }

// put adds an entry, in the place of one with the same id.
func (t *Table) put(e *Entry) {
	old := t.byID[e.ID]
	if old == e {
		return
	}
	if old != nil {
		e.place = old.place
		t.unindex(old)
	} else {
		t.next++
		e.place = t.next
	}
	t.byID[e.ID] = e
	t.list(old, e)
	for x, h := range t.hashes(e) {
		if x.first[h] == nil {
			x.first[h] = e
		} else {
			x.more[h] = append(x.more[h], e)
		}
	}
}

// drop removes the entry with an id, if there is one.
func (t *Table) drop(id string) {
	e := t.byID[id]
	if e == nil {
		return
	}
	delete(t.byID, id)
	t.list(e, nil)
	t.unindex(e)
}

// list puts an entry in the place of an old one in the order of lists; nil is none.
func (t *Table) list(old, e *Entry) {
	if old != nil {
		delete(t.guarded, old.ID)
	}
	if e != nil && e.Protected {
		t.guarded[e.ID] = true
	}
	was, is := old != nil && !old.Protected, e != nil && !e.Protected
	if was && !old.Inactive {
		t.active--
	}
	if is && !e.Inactive {
		t.active++
	}
	switch {
	case was && is:
		i, _ := t.position(old)
		t.ordered[i] = e
	case was:
		i, _ := t.position(old)
		t.ordered = slices.Delete(t.ordered, i, i+1)
	case is:
		i, _ := t.position(e)
		t.ordered = slices.Insert(t.ordered, i, e)
	}
}

func (t *Table) position(e *Entry) (int, bool) {
	return slices.BinarySearchFunc(t.ordered, e.place, func(o *Entry, place uint64) int { return cmp.Compare(o.place, place) })
}

func (t *Table) unindex(e *Entry) {
	for x, h := range t.hashes(e) {
		rest := slices.DeleteFunc(append([]*Entry{x.first[h]}, x.more[h]...), func(o *Entry) bool { return o == e })
		delete(x.first, h)
		delete(x.more, h)
		if len(rest) > 0 {
			x.first[h] = rest[0]
		}
		if len(rest) > 1 {
			x.more[h] = rest[1:]
		}
	}
}

// hashes returns the places of an entry in the indexes, each once.
func (t *Table) hashes(e *Entry) iter.Seq2[*index, uint64] {
	return func(yield func(*index, uint64) bool) {
		res := e.Resource()
		for i := range t.indexes {
			var done []uint64
			for _, text := range texts(res, t.indexes[i].attribute) {
				h := hashed(text)
				if slices.Contains(done, h) {
					continue
				}
				if done = append(done, h); !yield(&t.indexes[i], h) {
					return
				}
			}
		}
	}
}

func hashed(value string) uint64 { return maphash.String(seed, schema.Fold(value)) }

// texts returns the texts of an attribute or sub-attribute, given by its canonical path.
func texts(res *doc.Node, attribute string) []string {
	if i := strings.LastIndexByte(attribute, ':'); i >= 0 { // of an extension
		res, attribute = res.Get(attribute[:i]), attribute[i+1:]
	}
	name, sub, _ := strings.Cut(attribute, ".")
	return value.TextsIn(res.Get(name), sub)
}
