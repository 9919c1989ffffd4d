package provision

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/provision/view"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/scim"
	"github.com/caddy-scim/gateway/transforms/value"
)

// What an operation asks of the ledger goes through here. While the ledger cannot be read, whoever is to lose access loses
// it all the same: such an operation goes on with what is in memory (see [session.blind]).

// leaverPatience is how long an operation by which somebody loses access waits for the ledger to be read.
const leaverPatience = 2 * time.Second

// marks returns what lists must know of the ledger.
func (rs *resources) marks(ctx context.Context) (ledger.Marks, error) {
	return asked(ctx, rs.session, rs.book.Marks, rs.book.RecallMarks)
}

// record returns what is remembered about a resource; nil where that is nothing.
func (rs *resources) record(ctx context.Context, id string) (*ledger.Record, error) {
	return asked(ctx, rs.session, func(ctx context.Context) (*ledger.Record, error) { return rs.book.Get(ctx, id) }, func() *ledger.Record {
		r, _ := rs.book.Recall(id)
		return r
	})
}

// asked reads something of the ledger. Where it cannot be read, the provider comes back later; for a leaver it is what is in
// memory, unless recall is nil because that will not do.
func asked[T any](ctx context.Context, s *session, read func(context.Context) (T, error), recall func() T) (T, error) {
	if s.blind != nil && recall != nil {
		return recall(), nil
	}
	if s.leaves {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, leaverPatience)
		defer cancel()
	}
	v, err := read(ctx)
	switch {
	case err == nil:
		return v, nil
	case s.leaves && recall != nil:
		s.blind = err
		return recall(), nil
	}
	return v, unreadable(err)
}

// keep remembers what has happened to a resource: change, and what the provider wanted of some attributes and the upstream,
// which shows e, does not hold. It returns the record as it is then.
func (rs *resources) keep(ctx context.Context, id string, e *view.Entry, wanted *doc.Node, changed []string, change func(*ledger.Record)) *ledger.Record {
	return rs.keepBy(ctx, rs.book.Keep, id, e, wanted, changed, change)
}

// keepBy is keep by a function of the book: by [ledger.Book.Owe] where an open intent tells of it, nobody waits until it is on
// disk.
func (rs *resources) keepBy(ctx context.Context, keep func(context.Context, string, func(*ledger.Record)), id string, e *view.Entry, wanted *doc.Node, changed []string, change func(*ledger.Record)) *ledger.Record {
	seen := e.Resource()
	apply := func(r *ledger.Record) {
		if change != nil {
			change(r)
		}
		rs.Remember(r, seen, wanted, changed)
	}
	keep(ctx, id, apply)
	if r, _ := rs.book.Recall(id); r != nil {
		return r
	}
	r := &ledger.Record{ID: id}
	apply(r)
	return r
}

// erase makes a record empty: it is removed from the storage.
func erase(r *ledger.Record) { *r = ledger.Record{} }

// waiting returns the users who wait and may have a value; all of them without lookups. A torn record is a lost record.
func waiting(m ledger.Marks, lookups []value.Lookup) (found []*subject) {
	var keys []string
	records := m.AllWaiting()
	if lookups != nil {
		records = nil
		for _, l := range lookups {
			if l.Attribute != "id" {
				keys = append(keys, l.Key())
			} else if r := m.WaitingID(l.Value); r != nil {
				records = append(records, r)
			}
		}
		records = append(records, m.Waiting(keys...)...)
	}
	for _, r := range records {
		if lookups != nil && slices.ContainsFunc(found, func(s *subject) bool { return s.id == r.ID }) {
			continue
		}
		if sub, err := waitingSubject(r); err == nil {
			found = append(found, sub)
		}
	}
	return found
}

func unreadable(err error) *scim.Error {
	return noMemory("the gateway's own memory cannot be read", err)
}

func unwritable(err error) *scim.Error {
	return noMemory("the gateway's own memory cannot be written", err)
}

func noMemory(detail string, err error) *scim.Error {
	return &scim.Error{Status: http.StatusServiceUnavailable, Detail: detail, RetryAfter: 10 * time.Second, Cause: err}
}
