// Package view is what the gateway last saw of all items of one resource type of an organization. Organization APIs list
// without filters and pages, and a provider asks for every user one by one: without a view N users would cost N lists of N
// items each.
//
// A [View] is out of date by at most its time to live where others change the organization; what the gateway itself
// changes shows at once. Nothing is destroyed on the word of a view, and what the upstream contradicts is looked up again.
//
// Calls overlap, and an answer that comes late may tell of a time long past. So whoever is about to ask the upstream takes
// a number first ([View.Ask]) and hands it in with what was answered: what was asked for earlier never takes the place of
// what was asked for, or done, later.
package view

import (
	"context"
	"hash/maphash"
	"sync"
	"time"

	"github.com/caddy-scim/gateway/module/upstream"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// Asked is the number of a question to the upstream: later questions have larger ones.
type Asked uint64

// View is the view of one resource type. It is safe for concurrent use.
type View struct {
	ttl     time.Duration
	now     func() time.Time
	indexed []string

	mu      sync.Mutex
	flight  *flight // the list that everybody waits for who needs one; nil where nobody lists for others
	table   *Table
	asOf    time.Time        // when the last list was asked for; zero: what is known must not be relied on
	epoch   int              // counts what made earlier lists worthless
	asked   Asked            // the last number given out
	open    map[Asked]bool   // questions that are not answered yet
	dropped map[string]Asked // items that are gone, for as long as an earlier question may be answered with them
	missed  map[string]bool  // items that a read did not find since the last list, which has not confirmed it yet
	listing int              // lists under way, and those who are about to list
	listed  bool             // whether there ever was a list
}

// New returns a view that knows nothing. Entries are found by the attributes in indexed, given by canonical paths. A list
// is relied on for ttl; where that is not positive, every search lists.
func New(indexed []string, ttl time.Duration, now func() time.Time) *View {
	return &View{
		ttl: ttl, now: now, indexed: indexed,
		table: newTable(indexed), open: make(map[Asked]bool), dropped: make(map[string]Asked),
		missed: make(map[string]bool),
	}
}

// Ask returns the number of a question that is about to be put to the upstream. done must be called when what was answered
// has been handed in.
func (v *View) Ask() (at Asked, done func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asked++
	at = v.asked
	v.open[at] = true
	return at, func() { v.answered(at) }
}

// answered forgets what is gone as soon as no answer under way can bring it back.
func (v *View) answered(at Asked) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.open, at)
	if len(v.dropped) == 0 {
		return
	}
	oldest := v.asked + 1
	for a := range v.open {
		oldest = min(oldest, a)
	}
	for id, a := range v.dropped {
		if a < oldest {
			delete(v.dropped, id)
		}
	}
}

// Put shows what an item was at the time of a question.
func (v *View) Put(e *Entry, at Asked) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if old := v.table.Get(e.ID); v.dropped[e.ID] > at || old != nil && old.asked > at {
		return
	}
	e.asked = at
	v.table.put(e)
	delete(v.dropped, e.ID)
	delete(v.missed, e.ID)
}

// Drop shows that an item was not there at the time of a question.
func (v *View) Drop(id string, at Asked) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.drop(id, at)
	v.missed[id] = true
}

// Unlisted reports whether the last list, which is not older than the time to live, did not show an item. That a read did
// not find it since then proves nothing: whoever answered that read may be the same who is doubted now.
func (v *View) Unlisted(id string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.fresh(v.ttl) && v.table.Get(id) == nil && !v.missed[id]
}

func (v *View) drop(id string, at Asked) {
	if old := v.table.Get(id); old != nil && old.asked > at {
		return
	}
	v.table.drop(id)
	v.dropped[id] = max(v.dropped[id], at)
}

// Removed shows that the gateway has just removed an item: no answer to what was asked until now brings it back.
func (v *View) Removed(id string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asked++
	v.drop(id, v.asked)
}

// Wrote says that the gateway has just changed an item, and nobody has seen what it is like now: answers to what was asked
// until now do not count for it. What it is like is to be handed in next, or the view to be expired.
func (v *View) Wrote(id string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asked++
	if e := v.table.Get(id); e != nil {
		e.asked = v.asked
		return
	}
	v.dropped[id] = v.asked
}

// Expire makes the next request list again: the upstream has shown that the view is wrong, or nobody knows what became of
// a call.
func (v *View) Expire() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asOf = time.Time{}
	v.epoch++
	v.flight = nil // who asks from now on must not be served by a list that began before
}

// Forget makes the view know nothing: somebody else may have changed anything.
func (v *View) Forget() {
	v.Expire()
	v.mu.Lock()
	defer v.mu.Unlock()
	place := v.table.next
	v.table = newTable(v.indexed)
	v.table.next = place
	v.listed = false
	clear(v.dropped)
	clear(v.missed)
}

// Known calls f with the items as of at most the time to live ago, and reports whether there are any such. f must not keep
// the table.
func (v *View) Known(f func(*Table)) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.fresh(v.ttl) {
		return false
	}
	f(v.table)
	return true
}

// Seen calls f with the items as they were last seen, however long ago, and reports whether they were ever listed. It is
// for numbers and names, not for decisions about somebody.
func (v *View) Seen(f func(*Table)) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.listed {
		f(v.table)
	}
	return v.listed
}

// State returns how many items there are, and when they were last listed: zero where that was never, or must not be relied
// on.
func (v *View) State() (items int, asOf time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.table.byID), v.asOf
}

func (v *View) fresh(age time.Duration) bool {
	return !v.asOf.IsZero() && v.now().Sub(v.asOf) < age
}

// Lister lists all items of the upstream, and hands each of them to shown: its id, the hash of what the upstream shows of
// it, and a function that makes the entry of it, which is called only where the item is not known so already.
type Lister func(ctx context.Context, shown func(id string, item []byte, entry func() (*Entry, error)) error) error

// With calls f with the items as of at most the time to live ago, listing them first where what is known is older. Many
// requests that need the list at once share one.
func (v *View) With(ctx context.Context, list Lister, f func(*Table)) error {
	for {
		if v.Known(f) {
			return nil
		}
		again, err := v.shared(ctx, list)
		if err == nil {
			// Served from what was listed, whatever its age is by now: with no time to live, every request lists.
			v.mu.Lock()
			defer v.mu.Unlock()
			f(v.table)
			return nil
		}
		if !again {
			return err
		}
	}
}

// flight is a list that one request makes for all who need one.
type flight struct {
	done chan struct{} // closed when the list is over
	err  error
	left bool // the request that was listing went away
}

// shared lists the items, or waits for whoever does. again says that the request that was listing for everybody went away, and
// that this one is still there.
func (v *View) shared(ctx context.Context, list Lister) (again bool, err error) {
	v.mu.Lock()
	f := v.flight
	if f == nil {
		f = &flight{done: make(chan struct{}), err: context.Canceled, left: true} // which stays so in a panic
		v.flight = f
		v.mu.Unlock()
		defer func() {
			v.mu.Lock()
			defer v.mu.Unlock()
			if v.flight == f {
				v.flight = nil
			}
			close(f.done)
		}()
		if !v.Known(func(*Table) {}) { // or another request's list came in between
			f.err = v.Refresh(ctx, list)
		}
		f.left = f.err != nil && ctx.Err() != nil
		return false, f.err
	}
	v.mu.Unlock()
	select {
	case <-f.done:
		return f.left, f.err
	case <-ctx.Done():
		return false, &scim.Error{Status: upstream.StatusCanceled, Detail: "the client closed the request", Cause: ctx.Err()}
	}
}

// Browse is [View.With] for whoever only looks: while one request lists, the others are shown what was known, up to twice
// the time to live old, unless the view was expired.
func (v *View) Browse(ctx context.Context, list Lister, f func(*Table)) error {
	shown, done := v.glance(f)
	if shown {
		return nil
	}
	defer done()
	return v.With(ctx, list, f)
}

// glance calls f with what is known, or with what was known where somebody else lists. Otherwise that falls to the caller,
// from now on until done: of many who look at once, one does it.
func (v *View) glance(f func(*Table)) (shown bool, done func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.fresh(v.ttl) || v.listing > 0 && v.fresh(2*v.ttl) {
		f(v.table)
		return true, nil
	}
	v.listing++
	return false, func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.listing--
	}
}

// Refresh lists the items now, whatever is known.
func (v *View) Refresh(ctx context.Context, list Lister) error {
	at, answered := v.Ask()
	defer answered()
	v.mu.Lock()
	asOf, epoch := v.now(), v.epoch
	v.listing++
	v.mu.Unlock()

	err := list(ctx, func(id string, item []byte, entry func() (*Entry, error)) error {
		hash := maphash.Bytes(seed, item) | 1
		v.mu.Lock()
		old := v.table.Get(id)
		same := old != nil && old.hash == hash && old.asked <= at
		if same {
			old.asked = at
		}
		v.mu.Unlock()
		if same {
			return nil
		}
		e, err := entry()
		if err != nil {
			return err
		}
		e.hash = hash
		v.Put(e, at)
		return nil
	})

	v.mu.Lock()
	defer v.mu.Unlock()
	v.listing--
	if err != nil {
		return err
	}
	for id, e := range v.table.byID {
		if e.asked < at { // it was not shown
			v.table.drop(id)
		}
	}
	v.listed = true
	clear(v.missed)
	if epoch == v.epoch {
		v.asOf = asOf
	}
	return nil
}
