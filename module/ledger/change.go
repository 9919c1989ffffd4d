package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
)

type change struct {
	apply func(*Record)
	told  bool // an intent on disk tells of it, or it may be lost
	blind bool // made while nobody could be asked who leads: whatever the record is by now
}

// with returns a record with changes made; nil where nothing is remembered.
func (r *Record) with(id string, changes []*change) *Record {
	if len(changes) > 0 {
		if r = r.Clone(); r == nil {
			r = &Record{ID: id}
		}
		for _, c := range changes {
			c.apply(r)
		}
		r.ID = id
	}
	if r == nil || r.empty() {
		return nil
	}
	return r
}

func (r *Record) equal(other *Record) bool {
	a, err := json.Marshal(r)
	b, err2 := json.Marshal(other)
	return err == nil && err2 == nil && bytes.Equal(a, b)
}

// yield prepares a slot for what another gateway may have written. What an intent on disk told of was its to settle. The rest
// is still so if the record is as this gateway knew it: without what is owed, or with the first of it.
func (s *slot) yield(id string) {
	if s.read {
		s.was = nil
		for n := range len(s.owed) + 1 {
			s.was = append(s.was, s.stored.with(id, s.owed[:n]))
		}
	}
	s.owed = slices.DeleteFunc(slices.Clone(s.owed), func(c *change) bool { return c.told })
}

type writing struct {
	done  chan struct{}
	err   error
	stale bool // what is written is not so any more
}

// stale tells the write under way that the record is another one by now.
func (s *slot) stale() {
	if s.writing != nil {
		s.writing.stale = true
	}
}

// Put changes a record in the storage and then in memory, for what has to be on disk before something happens. An error
// means that nothing was changed.
func (b *Book) Put(ctx context.Context, id string, apply func(*Record)) error {
	if b == nil {
		return nil
	}
	if b.ledger.away(ctx) {
		return errAway
	}
	if _, err := b.Get(ctx, id); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), b.ledger.current().Patience)
	defer cancel()
	c := &change{apply: apply}
	b.owe(id, c)
	err := b.store(ctx, id)
	if err == nil || !b.withdraw(id, c) {
		return nil
	}
	b.ledger.later()
	return err
}

// Keep changes a record in memory, and then in the storage: it is told of what has happened, which is so whether the
// storage takes it or not. What it does not take stays in memory and is written as soon as it can be. Keep works where the
// record cannot even be read, and waits for the storage only as long as the storage has shown no trouble.
func (b *Book) Keep(ctx context.Context, id string, apply func(*Record)) {
	if b == nil {
		return
	}
	b.owe(id, &change{apply: apply, blind: b.ledger.blind(ctx)})
	if !b.ledger.writable(ctx) {
		return // written with the rest
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), b.ledger.current().Patience)
	defer cancel()
	if err := b.store(ctx, id); err != nil {
		b.ledger.failed(err)
	}
}

// Owe is Keep for what an intent on disk tells of until it is ended, for the end of an intent, and for what may be lost: it is
// written in the background, and not waited for.
func (b *Book) Owe(ctx context.Context, id string, apply func(*Record)) {
	if b == nil {
		return
	}
	b.owe(id, &change{apply: apply, told: true})
	b.ledger.write(ctx)
}

// owe makes a change in memory.
func (b *Book) owe(id string, c *change) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.slot(id)
	s.owed = append(s.owed, c)
	b.show(id, s, s.now.with(id, []*change{c}))
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
	s.stale()
	b.renew(id, s)
	return true
}

// owing returns the ids of records that the storage does not have as they are.
func (b *Book) owing() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Sorted(maps.Keys(b.due))
}

// owes returns how many they are.
func (b *Book) owes() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.due)
}

// flush waits until the storage has all records as they are, and returns what went wrong.
func (b *Book) flush(ctx context.Context) error {
	ids := b.owing()
	errs := make([]error, min(atOnce, len(ids)))
	var wg sync.WaitGroup
	for worker := range errs {
		wg.Go(func() {
			for i := worker; i < len(ids); i += atOnce {
				if err := b.store(ctx, ids[i]); err != nil {
					errs[worker] = err
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// store waits until the storage has a record as it is.
func (b *Book) store(ctx context.Context, id string) error {
	for {
		b.mu.Lock()
		s := b.slots[id]
		if s == nil || !s.due() {
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
			return fmt.Errorf("ledger: %w", errSilent)
		}
		if mine && w.err != nil {
			return w.err
		}
	}
}

// before waits until a record may leave the storage, or get another one in its place. An intent is what a crash finds: it goes
// after everything that was remembered before it was ended.
func (b *Book) before(stored *Record, unsure bool) error {
	if b != b.ledger.Intents || stored == nil && !unsure {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), b.ledger.current().Patience)
	defer cancel()
	return b.ledger.flushRecords(ctx)
}

// write makes the storage hold what is so now. What the storage was not asked for yet is read first.
func (b *Book) write(id string, s *slot, w *writing) {
	defer close(w.done)
	b.mu.Lock()
	read := s.read
	b.mu.Unlock()
	var r *Record
	var err error
	if !read {
		r, err = b.load(context.Background(), id)
	}
	b.mu.Lock()
	begin := err == nil && !w.stale // else it is read again before anything is written over it
	if begin && !read {
		b.has(id, s, r)
	}
	stored, now, unsure, n := s.stored, s.now, s.unsure, len(s.owed)
	b.mu.Unlock()

	if begin {
		if err = b.before(stored, unsure); err == nil {
			err = b.transfer(id, stored, now, unsure)
		}
	}

	b.mu.Lock()
	defer b.mu.Unlock()
	s.writing, w.err = nil, err
	switch {
	case !begin:
		return
	case err != nil, w.stale:
		s.unsure = true // once again
	default:
		s.stored, s.owed, s.unsure = now, s.owed[n:], false
	}
	b.renew(id, s)
}
