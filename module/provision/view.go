package provision

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// view is what the gateway last saw of all items of one resource type. Organization APIs list without filters and pages,
// and a provider asks for every user one by one: without a view N users would cost N lists of N items each.
//
// It is out of date by at most its time to live where others change the organization; what the gateway itself changes
// shows at once. Nothing is destroyed on the word of a view, and what the upstream contradicts is looked up again.
type view struct {
	ttl time.Duration
	now func() time.Time

	flight singleflight.Group

	mu      sync.Mutex
	table   *table    // nil: nothing is known
	asOf    time.Time // when the list was asked for
	listing int       // lists under way
	since   []change  // our own changes since the first of them began
	epoch   int       // counts what made earlier lists worthless
}

// change is a put, or a drop where entry is nil.
type change struct {
	id string
	*entry
}

// known calls f with the items as of at most the view's time to live ago, and tells whether there are any such. f must
// not keep the table.
func (v *view) known(f func(*table)) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.table == nil || v.now().Sub(v.asOf) >= v.ttl {
		return false
	}
	f(v.table)
	return true
}

// with calls f with the items, listing them first where what is known is too old. Many requests that need the list at
// once share one list.
func (v *view) with(ctx context.Context, list func(context.Context) (*table, error), f func(*table)) error {
	for {
		if v.known(f) {
			return nil
		}
		var leader bool
		fetched, err, _ := v.flight.Do("", func() (any, error) {
			leader = true
			return v.fetch(ctx, list)
		})
		if err == nil {
			// Served from what was fetched, not from the view again: with a time to live of zero, every request lists.
			v.mu.Lock()
			defer v.mu.Unlock()
			f(fetched.(*table)) //nolint:forcetypeassert // fetch returns nothing else
			return nil
		}
		if leader || ctx.Err() != nil || !isCanceled(err) {
			return err
		}
		// The request that was listing for everybody went away. This one is still there.
	}
}

func (v *view) fetch(ctx context.Context, list func(context.Context) (*table, error)) (*table, error) {
	v.mu.Lock()
	asOf, epoch := v.now(), v.epoch
	if v.table != nil && asOf.Sub(v.asOf) < v.ttl { // another request's list came in between
		defer v.mu.Unlock()
		return v.table, nil
	}
	v.listing++
	v.mu.Unlock()

	t, err := list(ctx)

	v.mu.Lock()
	defer v.mu.Unlock()
	if err == nil {
		for _, c := range v.since {
			c.apply(t)
		}
		if v.table = t; epoch == v.epoch {
			v.asOf = asOf
		}
	}
	if v.listing--; v.listing == 0 {
		v.since = nil
	}
	return t, err
}

func (c change) apply(t *table) {
	if c.entry == nil {
		t.drop(c.id)
		return
	}
	t.put(c.entry)
}

// put makes the view show what an item has become. A list that is under way may have been answered before.
func (v *view) put(e *entry) { v.change(change{e.id, e}) }

// drop makes the view show that an item is gone.
func (v *view) drop(id string) { v.change(change{id, nil}) }

func (v *view) change(c change) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.table != nil {
		c.apply(v.table)
	}
	if v.listing > 0 {
		v.since = append(v.since, c)
	}
}

// expire makes the next request list again: the upstream has shown that the view is wrong, or nobody knows what became
// of a call.
func (v *view) expire() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asOf = time.Time{}
	v.epoch++
	v.flight.Forget("") // who asks from now on must not be served by a list that began before
}
