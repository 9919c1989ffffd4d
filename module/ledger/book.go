package ledger

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/singleflight"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/value"
)

// Book is the part of a ledger for one resource type. It is safe for concurrent use. Methods that read do nothing and find
// nothing on the nil Book.
type Book struct {
	ledger *Ledger
	root   string
	listed bool // every record is in the list of special ones, without a pointer

	reads singleflight.Group

	mu    sync.Mutex
	age   int // counts resets
	keys  []string
	slots map[string]*slot
	due   map[string]bool     // the ids of slots that the storage does not have as they are
	found map[string][]string // the ids of records in memory by what they keep, the last one last
	none  map[string]bool     // the values for which the storage has no pointer
	index *index              // of the special records; nil until they were read
}

// A slot is the place of a record in memory.
type slot struct {
	read   bool      // whether the storage was read
	stored *Record   // what the storage holds; nil where it holds nothing
	owed   []*change // what it does not hold yet, in order
	unsure bool      // a write failed: nobody knows what the storage holds
	was    []*Record // before another gateway may have written: what the storage may have held; nil where that does not matter
	now    *Record   // stored with what is owed; nil where nothing is remembered

	writing   *writing // the write under way
	withdrawn int      // counts changes that were taken back
}

func newBook(l *Ledger, root string) *Book {
	b := &Book{ledger: l, root: root, due: make(map[string]bool)}
	b.reset(false)
	return b
}

// The most records and values that are remembered not to be there. Clients may ask for any.
const mostAbsent = 50_000

// reset makes everything be read again. others tells that another gateway may have written.
func (b *Book) reset(others bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	kept := b.slots
	b.age++
	b.slots, b.found, b.none, b.index = make(map[string]*slot), make(map[string][]string), make(map[string]bool), nil
	for id, s := range kept {
		if others && (b.due[id] || s.writing != nil) {
			s.yield(id)
			b.written(id, s)
		}
		if !b.due[id] && s.writing == nil {
			continue
		}
		s.read, s.stored, s.now = false, nil, nil
		b.slots[id] = s
		b.renew(id, s)
	}
}

// Get returns the record of a resource; nil where there is none.
func (b *Book) Get(ctx context.Context, id string) (*Record, error) {
	if b == nil {
		return nil, nil
	}
	b.mu.Lock()
	if s := b.slots[id]; s != nil && s.read || s == nil && b.complete() {
		defer b.mu.Unlock()
		if s == nil {
			return nil, nil
		}
		return s.now.Clone(), nil
	}
	age := b.age
	b.mu.Unlock()
	r, err := awaited(ctx, b, age, b.record(id), func(ctx context.Context) (*Record, error) { return b.load(ctx, id) })
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.slot(id)
	if !s.read && age == b.age {
		b.has(id, s, r)
	}
	return s.now.Clone(), nil
}

// Find returns the id of the resource for which value was remembered as the attribute; empty where there is none. Letters
// are compared without ASCII case: the caller checks what was found by the rules of the attribute.
func (b *Book) Find(ctx context.Context, attribute, value string) (string, error) {
	if b == nil {
		return "", nil
	}
	key := b.pointer(attribute, value)
	b.mu.Lock()
	ids, age := b.found[key], b.age
	known := len(ids) > 0 || b.none[key] || !slices.Contains(b.keys, attribute)
	b.mu.Unlock()
	if len(ids) > 0 {
		return ids[len(ids)-1], nil
	}
	if known {
		return "", nil
	}
	id, err := awaited(ctx, b, age, key, func(ctx context.Context) (string, error) { return b.pointed(ctx, key) })
	if err != nil {
		return "", err
	}
	if id != "" { // a pointer is a hint: what counts is the record
		if _, err := b.Get(ctx, id); err != nil {
			return "", err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if ids := b.found[key]; len(ids) > 0 {
		return ids[len(ids)-1], nil
	}
	if age == b.age {
		if len(b.none) >= mostAbsent {
			clear(b.none)
		}
		b.none[key] = true
	}
	return "", nil
}

// Recall returns a record as far as memory has it, and reports whether it is known for certain.
func (b *Book) Recall(id string) (r *Record, certain bool) {
	if b == nil {
		return nil, true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.slots[id]
	if s == nil {
		return nil, false
	}
	return s.now.Clone(), s.read
}

// complete reports whether every record is in memory. The mutex is held.
func (b *Book) complete() bool { return b.listed && b.index != nil }

// slot returns the place of a record, a new one where it has none. The mutex is held.
func (b *Book) slot(id string) *slot {
	s := b.slots[id]
	if s == nil {
		if len(b.slots) >= 2*mostAbsent {
			b.sweep()
		}
		s = &slot{read: b.complete()}
		b.slots[id] = s
	}
	return s
}

// sweep forgets which records are not there.
func (b *Book) sweep() {
	maps.DeleteFunc(b.slots, func(id string, s *slot) bool {
		return s.now == nil && !b.due[id] && s.writing == nil
	})
}

// has puts what the storage holds into a slot. The mutex is held.
func (b *Book) has(id string, s *slot, r *Record) {
	if s.was != nil && !slices.ContainsFunc(s.was, r.equal) {
		s.owed = slices.DeleteFunc(s.owed, func(c *change) bool { return !c.blind }) // who has led since knows better
	}
	s.was, s.read, s.stored = nil, true, r
	b.renew(id, s)
	b.written(id, s)
}

// written notes it if the storage has a record as it is. The mutex is held.
func (b *Book) written(id string, s *slot) {
	if len(s.owed) == 0 && !s.unsure {
		delete(b.due, id)
	}
}

// renew makes a slot's record of what the storage holds and what is owed to it. The mutex is held.
func (b *Book) renew(id string, s *slot) {
	old, r := s.now, s.stored.with(id, s.owed)
	s.now = r
	if b.index != nil {
		b.index.change(old, r, b.listed)
	}
	before, after := b.kept(old), b.kept(r)
	for _, key := range before {
		if slices.Contains(after, key) {
			continue
		}
		if ids := slices.DeleteFunc(slices.Clone(b.found[key]), func(other string) bool { return other == id }); len(ids) > 0 {
			b.found[key] = ids
		} else {
			delete(b.found, key)
		}
	}
	for _, key := range after {
		if !slices.Contains(before, key) {
			b.found[key] = append(b.found[key], id)
			delete(b.none, key)
		}
	}
}

// kept returns the pointers to a record by what it keeps, each once: by an attribute that is remembered whole, by all values
// of its sub-attribute.
func (b *Book) kept(r *Record) (keys []string) {
	if r == nil {
		return nil
	}
	for _, attribute := range b.keys {
		kept, ok := r.Kept[attribute]
		sub := ""
		if dot := strings.LastIndexByte(attribute, '.'); !ok && dot > strings.LastIndexByte(attribute, ':') {
			kept, sub = r.Kept[attribute[:dot]], attribute[dot+1:]
		}
		d, err := doc.Scan(kept.Value)
		if err != nil {
			continue // nothing is kept
		}
		for _, text := range value.TextsIn(doc.Tree(d.Value()), sub) {
			if key := b.pointer(attribute, text); !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
	}
	return keys
}
