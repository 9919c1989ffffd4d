// Package synced remembers what the provider last said of each group: its name, and whom it named as a member. It decides
// nothing: it is for those who want to know what was done to a group past the provider ("caddy scim drift").
//
// What is said is noted in memory and goes to the ledger a moment later, all notes about one group in one write: no request
// waits for it. A process that is killed loses the notes of that moment.
package synced

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/caddy-scim/gateway/module/ledger"
)

// pause is how long notes wait for others.
const pause = 2 * time.Second

// writing is how long notes may be written where somebody waits for it.
const writing = 5 * time.Second

// Groups are the groups of one organization. The methods that note something do nothing on nil.
type Groups struct {
	book *ledger.Book
	turn func(context.Context) (done func(), err error)

	one sync.Mutex // writes

	mu      sync.Mutex
	notes   map[string]*note
	counted map[string]bool // the groups whose first members this process has noted
	timer   *time.Timer
}

// New returns the groups that a book of the ledger knows. turn waits until this process may write.
func New(book *ledger.Book, turn func(context.Context) (done func(), err error)) *Groups {
	return &Groups{book: book, turn: turn, notes: map[string]*note{}, counted: map[string]bool{}}
}

// note is what was said of a group and is not in the ledger yet.
type note struct {
	forgotten bool // what the ledger has
	whole     bool // named is all that counts
	name      string
	named     ledger.IDs
	unnamed   ledger.IDs
	counted   bool
	before    ledger.IDs
}

// Named notes the name that the provider gives a group.
func (g *Groups) Named(group, name string) { g.note(group, func(n *note) { n.name = name }) }

// Made notes that a group was made: nobody is in it whom the provider does not name.
func (g *Groups) Made(group, name string) {
	g.note(group, func(n *note) { *n = note{forgotten: true, name: name, counted: true} })
	g.isCounted(group)
}

// Found notes who is in a group, before the provider changes who is. Only the first time counts.
func (g *Groups) Found(group string, members []string) {
	if g == nil || g.isCounted(group) {
		return
	}
	before := ledger.MakeIDs(members...)
	g.note(group, func(n *note) {
		if !n.counted {
			n.counted, n.before = true, before
		}
	})
}

func (g *Groups) isCounted(group string) (was bool) {
	if g == nil {
		return true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	was = g.counted[group]
	g.counted[group] = true
	return was
}

// Add notes members whom the provider names.
func (g *Groups) Add(group string, members []string) {
	if len(members) > 0 {
		ids := ledger.MakeIDs(members...)
		g.note(group, func(n *note) { n.named, n.unnamed = n.named.With(ids), n.unnamed.Without(ids) })
	}
}

// Remove notes members whom the provider has taken out.
func (g *Groups) Remove(group string, members []string) {
	if len(members) > 0 {
		ids := ledger.MakeIDs(members...)
		g.note(group, func(n *note) { n.named, n.unnamed = n.named.Without(ids), n.unnamed.With(ids) })
	}
}

// Set notes the members where the provider has named all of them.
func (g *Groups) Set(group string, members []string) {
	ids := ledger.MakeIDs(members...)
	g.note(group, func(n *note) { n.whole, n.named, n.unnamed = true, ids, nil })
}

// Forget notes that the provider has deleted a group.
func (g *Groups) Forget(group string) {
	g.note(group, func(n *note) { *n = note{forgotten: true} })
	if g != nil {
		g.mu.Lock()
		defer g.mu.Unlock()
		delete(g.counted, group)
	}
}

func (g *Groups) note(group string, say func(*note)) {
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	n := g.notes[group]
	if n == nil {
		n = new(note)
		g.notes[group] = n
	}
	say(n)
	if g.timer == nil {
		g.timer = time.AfterFunc(pause, g.later)
	}
}

// later writes the notes when it is this process's turn. Where it is not, another gateway leads by now, or nobody knows: the next
// note tries again.
func (g *Groups) later() {
	g.mu.Lock()
	g.timer = nil
	g.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	done, err := g.turn(ctx)
	if err != nil {
		return
	}
	defer done()
	g.Write(ctx)
}

// Write writes the notes into the ledger, which keeps what the storage does not take.
func (g *Groups) Write(ctx context.Context) {
	g.one.Lock()
	defer g.one.Unlock()
	g.mu.Lock()
	notes := g.notes
	g.notes = map[string]*note{}
	g.mu.Unlock()
	for _, group := range slices.Sorted(maps.Keys(notes)) {
		if ctx.Err() != nil {
			return // it has taken too long: what was said in this moment is lost
		}
		g.book.Keep(ctx, group, notes[group].apply)
	}
}

// HandOver writes the notes before another process may lead.
func (g *Groups) HandOver() {
	ctx, cancel := context.WithTimeout(context.Background(), writing)
	defer cancel()
	g.Write(ctx)
}

// Drop forgets what another process may know better by now.
func (g *Groups) Drop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.notes, g.counted = map[string]*note{}, map[string]bool{}
}

// All returns what is known of all groups, by the provider's ids. It is for a person who asks.
func (g *Groups) All(ctx context.Context) (map[string]*ledger.Synced, error) {
	g.Write(ctx)
	records, err := g.book.All(ctx)
	if err != nil {
		return nil, err
	}
	all := make(map[string]*ledger.Synced, len(records))
	for _, r := range records {
		if r.Synced != nil {
			all[r.ID] = r.Synced
		}
	}
	return all, nil
}

// apply puts a note into a record.
func (n *note) apply(r *ledger.Record) {
	var s ledger.Synced
	switch {
	case n.forgotten && !n.counted && !n.whole && n.name == "" && len(n.named) == 0:
		*r = ledger.Record{}
		return
	case r.Synced != nil && !n.forgotten:
		s = *r.Synced
	}
	if n.name != "" {
		s.Name = n.name
	}
	if n.whole {
		s.Members, s.TooMany = nil, false
	}
	s.Members = s.Members.Without(n.unnamed).With(n.named)
	if n.counted && !s.Counted {
		s.Counted, s.Before = true, n.before.Without(s.Members)
	}
	if s.TooMany = s.TooMany || len(s.Members) > ledger.MostIDs; s.TooMany {
		s.Members = nil
	}
	if len(s.Before) > ledger.MostIDs {
		s.Before, s.TooMany = nil, true
	}
	*r = ledger.Record{Synced: &s}
}
