package provision

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/provision/view"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// marks are what lists must know of the ledger: whose id is another than the upstream's, who waits to be created, what
// was deleted although the upstream still shows it. They do not change: a change makes new ones.
type marks struct {
	records shards[*ledger.Record] // the special ones, by the provider's id
	ids     shards[string]         // the provider's id by the upstream's
	waiting shards[[]string]       // ids of users who wait to be created, by what they are looked for by
	joining shards[[]string]       // ids of groups, by the users whom they wait for
}

// record is a special record; empty where there is none.
func (m *marks) record(id string) ledger.Record {
	if r := m.records.get(id); r != nil {
		return *r
	}
	return ledger.Record{}
}

// waits tells whether a user waits to be created.
func (m *marks) waits(id string) bool { return m.record(id).Deferred != nil }

// hidden tells whether the provider has deleted a resource that the upstream still shows.
func (m *marks) hidden(id string) bool { return m.record(id).Deleted }

// id is what the provider calls an upstream id.
func (m *marks) id(upstream string) string {
	if id := m.ids.get(upstream); id != "" {
		return id
	}
	return upstream
}

// upstream is what the upstream calls an id of the provider's.
func (m *marks) upstream(id string) string {
	if u := m.record(id).Upstream; u != "" {
		return u
	}
	return id
}

// who are the users who wait and may have a value; all of them without lookups. They come in the order of their ids.
func (m *marks) who(lookups []lookup) (found []*ledger.Record) {
	if lookups == nil {
		for r := range m.records.values() {
			if r.Deferred != nil {
				found = append(found, r)
			}
		}
	}
	for _, l := range lookups {
		ids := m.waiting.get(l.key())
		if l.attribute == "id" {
			ids = []string{l.value}
		}
		for _, id := range ids {
			if r := m.records.get(id); r != nil && r.Deferred != nil && !slices.Contains(found, r) {
				found = append(found, r)
			}
		}
	}
	slices.SortFunc(found, func(a, b *ledger.Record) int { return strings.Compare(a.ID, b.ID) })
	return found
}

// groupsOf are the ids of the groups that wait for a user.
func (m *marks) groupsOf(user string) []string { return m.joining.get(user) }

// key is what an index has a lookup under.
func (l lookup) key() string { return l.attribute + "\x00" + schema.Fold(l.value) }

// with are the marks after a record has changed; empty says that it is gone.
func (k *kind) with(m *marks, r *ledger.Record) *marks {
	next := *m
	if old := m.records.get(r.ID); old != nil {
		next.records.drop(r.ID)
		if next.ids.get(old.Upstream) == r.ID {
			next.ids.drop(old.Upstream)
		}
		for _, key := range k.keys(old) {
			next.waiting.set(key, without(next.waiting.get(key), []string{r.ID}), true)
		}
		for _, user := range old.Waiting {
			next.joining.set(user, without(next.joining.get(user), []string{r.ID}), true)
		}
	}
	k.add(&next, r, true)
	return &next
}

// add puts a record into marks that have none of it; shared tells whether others have a copy of them.
func (k *kind) add(m *marks, r *ledger.Record, shared bool) {
	if !r.Special() {
		return
	}
	m.records.set(r.ID, r, shared)
	if r.Upstream != "" {
		m.ids.set(r.Upstream, r.ID, shared)
	}
	for _, key := range k.keys(r) {
		m.waiting.set(key, append(slices.Clip(m.waiting.get(key)), r.ID), shared)
	}
	for _, user := range r.Waiting {
		m.joining.set(user, append(slices.Clip(m.joining.get(user)), r.ID), shared)
	}
}

// keys are what a user who waits is found by.
func (k *kind) keys(r *ledger.Record) (keys []string) {
	if r.Deferred == nil {
		return nil
	}
	sub, err := waiting(r)
	if err != nil {
		return nil // a torn record is a lost record
	}
	for _, attribute := range k.indexed {
		for _, value := range view.Values(sub.res, attribute) {
			keys = append(keys, lookup{attribute, value}.key())
		}
	}
	return once(keys)
}

// markCache keeps the marks of one resource type until somebody, this gateway or another one, changes them.
type markCache struct {
	mu      sync.Mutex
	marks   *marks
	version string
}

// marks are the current marks. They are looked at once an operation, and again after it has changed them itself.
func (s *session) marks(ctx context.Context, k *kind) (*marks, error) {
	if k.book == nil {
		return new(marks), nil
	}
	if m := s.seen[k]; m != nil {
		return m, nil
	}
	version, err := remembered(k.book.Version(ctx))
	if err != nil {
		return nil, err
	}
	m, err := k.marks.at(version, func() (*marks, error) {
		records, err := remembered(k.book.Specials(ctx))
		m := new(marks)
		for _, r := range records {
			k.add(m, r, false)
		}
		return m, err
	})
	if err != nil {
		return nil, err
	}
	if s.seen == nil {
		s.seen = make(map[*kind]*marks)
	}
	s.seen[k] = m
	return m, nil
}

// at are the marks of a version, read where they are not the ones at hand.
func (c *markCache) at(version string, read func() (*marks, error)) (*marks, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.marks != nil && c.version == version {
		return c.marks, nil
	}
	m, err := read()
	if err == nil {
		c.marks, c.version = m, version
	}
	return m, err
}

// follow makes new marks of those of the version before; what others have changed besides is found by the version after.
func (c *markCache) follow(before, after string, change func(*marks) *marks) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.marks != nil && c.version == before {
		c.marks, c.version = change(c.marks), after
	}
}

// drop forgets the marks, so that they are read anew.
func (c *markCache) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.marks = nil
}

// special tells whether a record is among the marks that are at hand.
func (c *markCache) special(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.marks != nil && c.marks.records.get(id) != nil
}

// owner is the provider's id that an upstream id stands for; empty where it stands for itself.
func (s *session) owner(ctx context.Context, k *kind, upstream string) (string, error) {
	m, err := s.marks(ctx, k)
	if err != nil {
		return "", err
	}
	return m.ids.get(upstream), nil
}

// write puts a record into the ledger.
func (s *session) write(ctx context.Context, k *kind, record *ledger.Record) error {
	return s.alter(ctx, k, record.Clone(), k.book.Put)
}

// forget takes a record out of the ledger.
func (s *session) forget(ctx context.Context, k *kind, id string) error {
	return s.alter(ctx, k, &ledger.Record{ID: id}, func(ctx context.Context, r *ledger.Record) error { return k.book.Delete(ctx, r.ID) })
}

// alter changes a record, and the marks with it, so that the ledger need not be read anew: it holds as many special
// records as there are users who wait. Nobody else changes a special one meanwhile.
func (s *session) alter(ctx context.Context, k *kind, record *ledger.Record, put func(context.Context, *ledger.Record) error) error {
	delete(s.seen, k)
	ctx = context.WithoutCancel(ctx)
	if !record.Special() && !k.marks.special(record.ID) {
		return put(ctx, record)
	}
	unlock, err := s.shared.locks.lock(ctx, "ledger "+k.name, s.cluster)
	if err != nil {
		return err
	}
	defer unlock()
	before, err := k.book.Version(ctx)
	if err != nil {
		return err
	}
	if err := put(ctx, record); err != nil {
		k.marks.drop() // it may be half done
		return err
	}
	after, err := k.book.Version(ctx)
	k.marks.follow(before, after, func(m *marks) *marks { return k.with(m, record) })
	return err
}
