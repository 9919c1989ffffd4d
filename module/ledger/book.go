package ledger

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"

	"go.uber.org/zap"
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
	now    *Record   // stored with what is owed; nil where nothing is remembered

	writing   *writing // the write under way
	withdrawn int      // counts changes that were taken back
}

type change struct{ apply func(*Record) }

type writing struct {
	done chan struct{}
	err  error
}

func newBook(l *Ledger, root string) *Book {
	b := &Book{ledger: l, root: root}
	b.reset()
	return b
}

// The most records and values that are remembered not to be there. Clients may ask for any.
const mostAbsent = 50_000

func (b *Book) reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	kept := b.slots
	b.age++
	b.slots, b.found, b.none, b.index = make(map[string]*slot), make(map[string][]string), make(map[string]bool), nil
	for id, s := range kept {
		if len(s.owed) == 0 && !s.unsure && s.writing == nil {
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
	if s := b.slots[id]; s != nil && s.read {
		defer b.mu.Unlock()
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

// Put changes a record in the storage and then in memory, for what has to be on disk before something happens. An error
// means that nothing was changed.
func (b *Book) Put(ctx context.Context, id string, apply func(*Record)) error {
	if b == nil {
		return nil
	}
	if _, err := b.Get(ctx, id); err != nil {
		return err
	}
	c := &change{apply}
	b.owe(id, c)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), b.ledger.current().Patience)
	defer cancel()
	err := b.store(ctx, id)
	if err == nil || !b.withdraw(id, c) {
		return nil
	}
	b.ledger.later()
	return err
}

// Keep changes a record in memory, and then in the storage: it is told of what has happened, which is so whether the
// storage takes it or not. What it does not take stays in memory and is written as soon as it can be. Keep works where the
// record cannot even be read, and waits for the storage only as long as the storage has shown no trouble. It reports whether
// the storage has the change.
func (b *Book) Keep(ctx context.Context, id string, apply func(*Record)) bool {
	if b == nil {
		return true
	}
	b.owe(id, &change{apply})
	setting := b.ledger.current()
	if b.ledger.troubled() {
		return false // written with the rest
	}
	if setting.Away != nil && setting.Away(ctx) {
		b.ledger.later()
		return false
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), setting.Patience)
	defer cancel()
	if err := b.store(ctx, id); err != nil {
		setting.Log.Error("the ledger could not be written; what it lacks is kept in memory until it can be", zap.Error(err))
		b.ledger.later()
		return false
	}
	return true
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

// owe makes a change in memory.
func (b *Book) owe(id string, c *change) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.slot(id)
	s.owed = append(s.owed, c)
	b.renew(id, s)
}

// withdraw takes a change back, and reports whether the storage had not taken it.
func (b *Book) withdraw(id string, c *change) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.slots[id]
	if s == nil {
		return false
	}
	i := slices.Index(s.owed, c)
	if i < 0 {
		return false
	}
	s.owed = slices.Delete(s.owed, i, i+1)
	s.unsure = true
	s.withdrawn++
	b.renew(id, s)
	return true
}

// owing returns the ids of records that the storage does not have as they are.
func (b *Book) owing() (ids []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, s := range b.slots {
		if len(s.owed) > 0 || s.unsure {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// store waits until the storage has a record as it is.
func (b *Book) store(ctx context.Context, id string) error {
	for {
		b.mu.Lock()
		s := b.slots[id]
		if s == nil || len(s.owed) == 0 && !s.unsure {
			b.mu.Unlock()
			return nil
		}
		w, mine := s.writing, s.writing == nil
		if mine {
			// In a goroutine of its own, since there are storages that do not know of contexts; and no second write of a key
			// begins before the first one has returned.
			w = &writing{done: make(chan struct{})}
			s.writing = w
			go b.write(id, s, w) //nolint:gosec // it outlives the request on purpose
		}
		b.mu.Unlock()
		select {
		case <-w.done:
		case <-ctx.Done():
			return errors.New("ledger: the storage does not answer")
		}
		if mine && w.err != nil {
			return w.err
		}
	}
}

// write makes the storage hold what is so now.
func (b *Book) write(id string, s *slot, w *writing) {
	defer close(w.done)
	b.mu.Lock()
	read, age := s.read, b.age
	b.mu.Unlock()
	if !read {
		r, err := b.load(context.Background(), id)
		b.mu.Lock()
		switch {
		case err != nil:
			s.writing, w.err = nil, err
		case age == b.age:
			b.has(id, s, r)
		}
		b.mu.Unlock()
		if err != nil {
			return
		}
	}
	b.mu.Lock()
	if age != b.age { // it is read again before anything is written over it
		s.writing = nil
		b.mu.Unlock()
		return
	}
	stored, now, unsure, withdrawn, n := s.stored, s.now, s.unsure, s.withdrawn, len(s.owed)
	b.mu.Unlock()

	err := b.transfer(id, stored, now, unsure)

	b.mu.Lock()
	defer b.mu.Unlock()
	s.writing, w.err = nil, err
	switch {
	case err != nil:
		s.unsure = true
	case withdrawn != s.withdrawn, age != b.age:
		s.unsure = true // what was written is not so any more: once again
	default:
		s.stored, s.owed, s.unsure = now, s.owed[n:], false
		b.renew(id, s)
	}
}

// slot returns the place of a record, a new one where it has none. The mutex is held.
func (b *Book) slot(id string) *slot {
	s := b.slots[id]
	if s == nil {
		if len(b.slots) >= 2*mostAbsent {
			b.sweep()
		}
		s = new(slot)
		b.slots[id] = s
	}
	return s
}

// sweep forgets which records are not there.
func (b *Book) sweep() {
	maps.DeleteFunc(b.slots, func(_ string, s *slot) bool {
		return s.now == nil && len(s.owed) == 0 && !s.unsure && s.writing == nil
	})
}

// has puts what the storage holds into a slot. The mutex is held.
func (b *Book) has(id string, s *slot, r *Record) {
	s.read, s.stored = true, r
	b.renew(id, s)
}

// renew makes a slot's record of what the storage holds and what is owed to it. The mutex is held.
func (b *Book) renew(id string, s *slot) {
	old := s.now
	r := s.stored
	if len(s.owed) > 0 {
		if r = r.Clone(); r == nil {
			r = &Record{ID: id}
		}
		for _, c := range s.owed {
			c.apply(r)
		}
		r.ID = id
	}
	if r != nil && r.empty() {
		r = nil
	}
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
