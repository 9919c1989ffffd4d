package provision

import (
	"context"
	"slices"
	"sync"

	"github.com/caddy-scim/gateway/module/ledger"
)

// marks are what lists must know of the ledger: whose id is another than the upstream's, who waits to be created, what
// was deleted although the upstream still shows it. There are few of them.
type marks struct {
	ids     map[string]string // the provider's id by the upstream's
	reverse map[string]string // the upstream's id by the provider's
	hidden  map[string]bool   // provider's ids that were deleted
	waiting []*ledger.Record  // users who wait to be created
	joining []*ledger.Record  // groups that wait for such users
}

// waits tells whether a user waits to be created.
func (m *marks) waits(id string) bool {
	return slices.ContainsFunc(m.waiting, func(r *ledger.Record) bool { return r.ID == id })
}

// id is what the provider calls an upstream id.
func (m *marks) id(upstream string) string {
	if id, ok := m.ids[upstream]; ok {
		return id
	}
	return upstream
}

// upstream is what the upstream calls an id of the provider's.
func (m *marks) upstream(id string) string {
	if u, ok := m.reverse[id]; ok {
		return u
	}
	return id
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
		return &marks{}, nil
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
		return newMarks(records), err
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

func newMarks(records []*ledger.Record) *marks {
	m := &marks{ids: map[string]string{}, reverse: map[string]string{}, hidden: map[string]bool{}}
	for _, r := range records {
		if r.Upstream != "" {
			m.ids[r.Upstream], m.reverse[r.ID] = r.ID, r.Upstream
		}
		if r.Deleted {
			m.hidden[r.ID] = true
		}
		if r.Deferred != nil {
			m.waiting = append(m.waiting, r)
		}
		if len(r.Waiting) > 0 {
			m.joining = append(m.joining, r)
		}
	}
	return m
}

// owner is the provider's id that an upstream id stands for; empty where it stands for itself.
func (s *session) owner(ctx context.Context, k *kind, upstream string) (string, error) {
	m, err := s.marks(ctx, k)
	if err != nil {
		return "", err
	}
	return m.ids[upstream], nil
}

// write puts a record into the ledger.
func (s *session) write(ctx context.Context, k *kind, record *ledger.Record) error {
	delete(s.seen, k)
	return k.book.Put(context.WithoutCancel(ctx), record)
}

// forget takes a record out of the ledger.
func (s *session) forget(ctx context.Context, k *kind, id string) error {
	delete(s.seen, k)
	return k.book.Delete(context.WithoutCancel(ctx), id)
}
