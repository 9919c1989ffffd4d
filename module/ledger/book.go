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
	room  int                 // how many slots there may be before those of records that are not there are given up
	due   map[string]bool     // the ids of slots that are due
	found map[string][]string // the ids of records in memory by what they keep, the last one last
	none  map[string]bool     // the values for which the storage has no pointer
	index *index              // of the special records; nil until they were read
}

// A slot is the place of a record in memory. What is remembered is what the storage holds, with what is owed to it.
type slot struct {
	read   bool      // whether the storage was read since the last reset
	stored *Record   // what it holds; nil where it holds nothing
	owed   []*change // what it does not hold yet, in order
	now    *Record   // the two together; nil where nothing is remembered

	unsure  bool      // a write failed: nobody knows what the storage holds
	was     []*Record // before another gateway may have written: what the storage may have held; nil where that does not matter
	writing *writing  // the write under way
}

// due reports whether the storage does not have the record as it is.
func (s *slot) due() bool { return len(s.owed) > 0 || s.unsure }

func newBook(l *Ledger, root string) *Book {
	b := &Book{ledger: l, root: root}
	b.reset(false)
	return b
}

// mostAbsent is how many values, and about how many records, are remembered not to be there at least. Clients may ask for any.
const mostAbsent = 50_000

// reset makes everything be read again. others tells that another gateway may have written.
func (b *Book) reset(others bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	kept := b.slots
	b.age++
	b.slots, b.due, b.room = make(map[string]*slot), make(map[string]bool), 2*mostAbsent
	b.found, b.none, b.index = make(map[string][]string), make(map[string]bool), nil
	for id, s := range kept {
		if others {
			s.yield(id)
		}
		s.stale()
		if !s.due() && s.writing == nil {
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
	id, doubted := b.holder(key)
	known, age := b.none[key] || !slices.Contains(b.keys, attribute), b.age
	b.mu.Unlock()
	switch {
	case id != "" && !doubted, id == "" && known:
		return id, nil
	case id == "":
		var err error
		if id, err = awaited(ctx, b, age, key, func(ctx context.Context) (string, error) { return b.pointed(ctx, key) }); err != nil {
			return "", err
		}
	}
	if id != "" { // a pointer is a hint: what counts is the record
		if _, err := b.Get(ctx, id); err != nil {
			return "", err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if id, _ = b.holder(key); id == "" && age == b.age {
		if len(b.none) >= mostAbsent {
			clear(b.none)
		}
		b.none[key] = true
	}
	return id, nil
}

// holder returns the id of a record in memory that keeps a value; doubted says that it has to be read first, since another
// gateway may have written it. The mutex is held.
func (b *Book) holder(key string) (id string, doubted bool) {
	ids := b.found[key]
	if len(ids) == 0 {
		return "", false
	}
	id = ids[len(ids)-1]
	return id, b.slots[id].was != nil
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

// All returns all records of the book, ordered by their ids: one read of the storage each. It is for a person who asks.
func (b *Book) All(ctx context.Context) ([]*Record, error) {
	if b == nil {
		return nil, nil
	}
	stored, err := b.listedIn(ctx, "records")
	if err == nil {
		err = b.readOwed(ctx)
	}
	if err != nil {
		return nil, err
	}
	all := make(map[string]*Record, len(stored))
	for _, r := range stored {
		all[r.ID] = r
	}
	b.mu.Lock()
	for id, s := range b.slots { // memory knows what the storage lacks
		switch {
		case s.now != nil:
			all[id] = s.now.Clone()
		case s.read:
			delete(all, id)
		}
	}
	b.mu.Unlock()
	return slices.SortedFunc(maps.Values(all), func(x, y *Record) int { return strings.Compare(x.ID, y.ID) }), nil
}

// readOwed reads the records that something is owed to, where they were not: another gateway may have written them.
func (b *Book) readOwed(ctx context.Context) error {
	for _, id := range b.owing() {
		if _, err := b.Get(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// complete reports whether every record is in memory. The mutex is held.
func (b *Book) complete() bool { return b.listed && b.index != nil }

// slot returns the place of a record, a new one where it has none. The mutex is held.
func (b *Book) slot(id string) *slot {
	s := b.slots[id]
	if s == nil {
		if len(b.slots) >= b.room {
			maps.DeleteFunc(b.slots, func(_ string, s *slot) bool { return s.now == nil && !s.due() && s.writing == nil })
			b.room = 2 * max(len(b.slots), mostAbsent)
		}
		s = &slot{read: b.complete()}
		b.slots[id] = s
	}
	return s
}

// has puts what the storage holds into a slot. The mutex is held.
func (b *Book) has(id string, s *slot, r *Record) {
	if s.was != nil && !slices.ContainsFunc(s.was, r.equal) {
		s.owed = slices.DeleteFunc(s.owed, func(c *change) bool { return !c.blind }) // who has led since knows better
	}
	s.was, s.read, s.stored = nil, true, r
	b.renew(id, s)
}

// renew makes a slot's record of what the storage holds and what is owed to it. The mutex is held.
func (b *Book) renew(id string, s *slot) { b.show(id, s, s.stored.with(id, s.owed)) }

// show makes a slot's record one that others find. The mutex is held.
func (b *Book) show(id string, s *slot, r *Record) {
	old := s.now
	s.now = r
	delete(b.due, id)
	if s.due() {
		b.due[id] = true
	}
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
