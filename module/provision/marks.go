package provision

import (
	"context"
	"slices"
	"sync"
	"time"

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

// markCache keeps the marks of one resource type for as long as a view lasts.
type markCache struct {
	mu    sync.Mutex
	marks *marks
	asOf  time.Time
}

func (c *markCache) expire() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.marks = nil
}

// marks are the current marks.
func (s *session) marks(ctx context.Context, k *kind) (*marks, error) {
	if k.book == nil {
		return &marks{}, nil
	}
	c := k.marks
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.marks != nil && s.now().Sub(c.asOf) < time.Duration(s.config.ViewTTL) {
		return c.marks, nil
	}
	asOf := s.now()
	records, err := remembered(k.book.Specials(ctx))
	if err != nil {
		return nil, err
	}
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
	c.marks, c.asOf = m, asOf
	return m, nil
}

// owner is the provider's id that an upstream id stands for; empty where it stands for itself.
func (s *session) owner(ctx context.Context, k *kind, upstream string) (string, error) {
	m, err := s.marks(ctx, k)
	if err != nil {
		return "", err
	}
	return m.ids[upstream], nil
}

// write puts a record into the ledger. The upstream has been changed already and the provider is told what it holds; a
// ledger that cannot be written is for the operator to repair, and costs a round of corrections.
func (s *session) write(ctx context.Context, k *kind, record *ledger.Record) error {
	err := k.book.Put(context.WithoutCancel(ctx), record)
	if k.book != nil {
		k.marks.expire()
	}
	return err
}
