package ledger

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/caddy-scim/gateway/transforms/doc"
)

// Marks are what lists must know of a book: whose id is another than the upstream's, who waits to be created, what was
// deleted although the upstream still shows it. They are of the moment in which they are asked. The zero value has none.
type Marks struct {
	mu *sync.Mutex
	x  *index
}

// index holds the special records, by all that they are looked for by.
type index struct {
	keys    func(*Record) []string
	records map[string]*Record
	ids     map[string]string   // the provider's id by the upstream's
	waiting map[string][]string // ids of users who wait to be created, by their keys
	waits   []string            // ids of all of them, in order
	deleted map[string]bool     // ids of what the provider has deleted
	groups  map[string][]string // ids of groups, by the users who join them
}

func newIndex(keys func(*Record) []string) *index {
	return &index{
		keys: keys, records: make(map[string]*Record), ids: make(map[string]string),
		waiting: make(map[string][]string), deleted: make(map[string]bool), groups: make(map[string][]string),
	}
}

// Marks returns the marks of a book, which are read with the first use.
func (b *Book) Marks(ctx context.Context) (Marks, error) {
	if b == nil {
		return Marks{}, nil
	}
	for {
		if m := b.RecallMarks(); m.x != nil {
			return m, nil
		}
		b.mu.Lock()
		age := b.age
		b.mu.Unlock()
		records, err := awaited(ctx, b, age, "", b.specials)
		if err == nil {
			err = b.readOwed(ctx)
		}
		if err != nil {
			return Marks{}, err
		}
		b.mark(age, records)
	}
}

// mark makes the index of what was read, unless that was forgotten meanwhile.
func (b *Book) mark(age int, records []*Record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.index == nil && age == b.age {
		for _, r := range records {
			if s := b.slot(r.ID); !s.read {
				b.has(r.ID, s, r)
			}
		}
		b.index = newIndex(b.ledger.current().WaitingKeys)
		for _, s := range b.slots {
			b.index.change(nil, s.now, b.listed)
		}
	}
}

// RecallMarks returns the marks as far as memory has them.
func (b *Book) RecallMarks() Marks {
	if b == nil {
		return Marks{}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.index == nil {
		return Marks{}
	}
	return Marks{&b.mu, b.index}
}

// change puts a record in the place of an old one; nil is none.
func (x *index) change(old, r *Record, listed bool) {
	if old != nil && x.records[old.ID] != nil {
		delete(x.records, old.ID)
		if x.ids[old.Upstream] == old.ID {
			delete(x.ids, old.Upstream)
		}
		for _, key := range x.waitingKeys(old) {
			drop(x.waiting, key, old.ID)
		}
		if i, ok := slices.BinarySearch(x.waits, old.ID); ok {
			x.waits = slices.Delete(x.waits, i, i+1)
		}
		delete(x.deleted, old.ID)
		for _, user := range old.Waiting {
			drop(x.groups, user, old.ID)
		}
	}
	if r == nil || !listed && !r.Special() {
		return
	}
	x.records[r.ID] = r
	if r.Upstream != "" {
		x.ids[r.Upstream] = r.ID
	}
	for _, key := range x.waitingKeys(r) {
		x.waiting[key] = append(x.waiting[key], r.ID)
	}
	if r.Deferred != nil {
		i, _ := slices.BinarySearch(x.waits, r.ID)
		x.waits = slices.Insert(x.waits, i, r.ID)
	}
	if r.Deleted {
		x.deleted[r.ID] = true
	}
	for _, user := range r.Waiting {
		x.groups[user] = append(x.groups[user], r.ID)
	}
}

func (x *index) waitingKeys(r *Record) []string {
	if r.Deferred == nil || x.keys == nil {
		return nil
	}
	return x.keys(r)
}

func drop(m map[string][]string, key, id string) {
	ids := slices.DeleteFunc(slices.Clone(m[key]), func(other string) bool { return other == id })
	if len(ids) == 0 {
		delete(m, key)
		return
	}
	m[key] = ids
}

// look calls f with the index.
func look[T any](m Marks, f func(*index) T) (none T) {
	if m.x == nil {
		return none
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return f(m.x)
}

// ID returns what the provider calls an upstream id.
func (m Marks) ID(upstream string) string {
	return cmp.Or(m.Owner(upstream), upstream)
}

// Owner returns the provider's id that an upstream id stands for; empty where it stands for itself.
func (m Marks) Owner(upstream string) string {
	return look(m, func(x *index) string { return x.ids[upstream] })
}

// Upstream returns what the upstream calls an id of the provider's.
func (m Marks) Upstream(id string) string {
	return cmp.Or(look(m, func(x *index) string {
		if r := x.records[id]; r != nil {
			return r.Upstream
		}
		return ""
	}), id)
}

// IDs returns what the provider calls some upstream ids, each once, without those that are hidden from it.
func (m Marks) IDs(upstream doc.Strings) doc.Strings {
	if m.x == nil {
		return upstream
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.x.ids) == 0 && len(m.x.deleted) == 0 {
		return upstream
	}
	ids, seen := make([]string, 0, upstream.Len()), make(map[string]bool, upstream.Len())
	for id := range upstream.All() {
		if id = cmp.Or(m.x.ids[id], id); !m.x.deleted[id] && !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return doc.NewStrings(ids...)
}

// Upstreams returns what the upstream calls some ids of the provider's.
func (m Marks) Upstreams(ids doc.Strings) doc.Strings {
	if m.x == nil {
		return ids
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.x.ids) == 0 {
		return ids
	}
	upstream := make([]string, 0, ids.Len())
	for id := range ids.All() {
		if r := m.x.records[id]; r != nil && r.Upstream != "" {
			id = r.Upstream
		}
		upstream = append(upstream, id)
	}
	return doc.NewStrings(upstream...)
}

// Waits reports whether a user waits to be created.
func (m Marks) Waits(id string) bool {
	return look(m, func(x *index) bool { r := x.records[id]; return r != nil && r.Deferred != nil })
}

// Hidden reports whether the provider has deleted a resource that the upstream still shows.
func (m Marks) Hidden(id string) bool {
	return look(m, func(x *index) bool { r := x.records[id]; return r != nil && r.Deleted })
}

// Groups returns the ids of the groups that a user joins when created upstream.
func (m Marks) Groups(user string) []string {
	return look(m, func(x *index) []string { return slices.Clone(x.groups[user]) })
}

// Joiners returns the ids of the users whom some group waits for, in order.
func (m Marks) Joiners() []string {
	return look(m, func(x *index) []string { return slices.Sorted(maps.Keys(x.groups)) })
}

// Waiting returns the records of the users who wait and have one of some keys, in the order of their ids.
func (m Marks) Waiting(keys ...string) []*Record {
	return look(m, func(x *index) []*Record {
		found := make(map[string]*Record)
		for _, key := range keys {
			for _, id := range x.waiting[key] {
				found[id] = x.records[id]
			}
		}
		return ordered(found)
	})
}

// WaitingID returns the record of the user with an id who waits; nil where there is none.
func (m Marks) WaitingID(id string) *Record {
	if r := m.Record(id); r != nil && r.Deferred != nil {
		return r
	}
	return nil
}

// AllWaiting returns the records of all users who wait, in the order of their ids.
func (m Marks) AllWaiting() []*Record {
	all, _ := m.WaitingPage(0, math.MaxInt)
	return all
}

// WaitingPage returns up to n of the records of [Marks.AllWaiting], from the one with the index skip on, and how many there
// are.
func (m Marks) WaitingPage(skip, n int) (page []*Record, total int) {
	page = look(m, func(x *index) []*Record {
		total = len(x.waits)
		from := min(max(skip, 0), total)
		var page []*Record
		for _, id := range x.waits[from : from+min(max(n, 0), total-from)] {
			page = append(page, x.records[id].Clone())
		}
		return page
	})
	return page, total
}

// Deleted returns the upstream's ids of what [Marks.Hidden] reports.
func (m Marks) Deleted() []string {
	return look(m, func(x *index) (ids []string) {
		for id := range x.deleted {
			for _, upstream := range []string{id, x.records[id].Upstream} {
				if owner := cmp.Or(x.ids[upstream], upstream); owner == id {
					ids = append(ids, upstream)
				}
			}
		}
		return ids
	})
}

// Record returns a special record; nil where there is none.
func (m Marks) Record(id string) *Record {
	return look(m, func(x *index) *Record { return x.records[id].Clone() })
}

// All returns all records of a book that lists them all, in the order of their ids.
func (m Marks) All() []*Record {
	return look(m, func(x *index) []*Record { return ordered(x.records) })
}

func ordered(records map[string]*Record) []*Record {
	list := make([]*Record, 0, len(records))
	for _, r := range records {
		list = append(list, r.Clone())
	}
	slices.SortFunc(list, func(a, b *Record) int { return strings.Compare(a.ID, b.ID) })
	return list
}
