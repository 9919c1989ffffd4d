package cluster

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/singleflight"

	"github.com/caddy-scim/gateway/module/lease"
)

// idleAfter is how long nobody has to ask for anything until the lease is let go, so that organizations that are not being
// provisioned cost nothing.
const idleAfter = time.Minute

// drain is how long a stop waits for operations that are under way. What takes longer ends when the lease does.
const drain = time.Minute

// claiming is how much longer than the time to live an operation waits at most for this gateway to lead: as long as a
// claim may take.
const claiming = 5 * time.Second

// leadership is the part of this process in the lease of one organization.
type leadership struct {
	seat    *Seat
	options Options
	lease   *lease.Lease
	flight  singleflight.Group

	mu        sync.Mutex
	changed   chan struct{} // closed, and made anew, whenever the rest changes
	turns     int           // operations under way
	others    int           // lease.Term.Others of what is known in this process
	dirty     bool          // something was done without asking who leads
	closing   bool          // the lease is being given back
	stopping  bool          // nothing new begins
	abandoned bool          // the lease is left to end by itself
	keeping   bool
	asked     time.Time // when an operation began last
	announced int       // the last term that the log knows of
}

// clock is this process's.
type clock struct{ start time.Time }

// Now implements [lease.Clock].
func (c clock) Now() lease.Instant {
	now := time.Now()
	return lease.Instant{Monotonic: now.Sub(c.start), Wall: now.Round(0)}
}

// Sleep implements [lease.Clock].
func (clock) Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Within implements [lease.Clock].
func (clock) Within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, d, ErrTooSlow)
}

func newLeadership(s *Seat, o Options) *leadership {
	l := &leadership{seat: s, options: o, changed: make(chan struct{}), asked: time.Now()}
	l.lease = lease.New(lease.Config{
		Key: s.Key("lease"), TTL: o.ttl(), Address: o.Advertise, Secret: s.secret,
		Report: func(message string) { s.log().Error(message, zap.String("organization", s.name)) },
	}, s.storage, clock{time.Now()})
	return l
}

// begin waits for a turn.
func (l *leadership) begin(ctx context.Context, a Asked) (*Turn, error) {
	ctx, cancel := context.WithTimeout(ctx, l.options.ttl()+claiming)
	defer cancel()
	for {
		t, wait := l.admit()
		if t != nil {
			return t, nil
		}
		if wait == nil {
			standby, err := l.seek(ctx, a)
			switch {
			case err != nil && a.Leaver && ctx.Err() == nil:
				return l.blind(), nil
			case err != nil:
				return nil, refusal("the gateway's own memory, which says which gateway provisions the organization, cannot be read or written; try again", time.Second, err)
			case standby == nil:
				continue
			case standby.secret != l.seat.secret:
				return nil, standby
			}
			// It is this gateway's own lease, which it could not renew: nobody else leads, but who is not its owner any more
			// has to wait until it ends.
			l.seat.Suspect()
			again := time.AfterFunc(l.options.ttl()/10, l.wake)
			wait = l.wait()
			defer again.Stop()
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, refusal("this gateway is about to take another one's place; try again", time.Second, ctx.Err())
		}
	}
}

// admit gives a turn where this gateway leads. wait is closed when asking again makes sense; it is nil where the lease has
// to be sought.
func (l *leadership) admit() (t *Turn, wait <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = time.Now()
	term, err := l.lease.Alive()
	_, held := l.lease.Held()
	switch {
	case l.stopping && !l.closing:
		return nil, nil
	case l.closing, held && errors.Is(err, lease.ErrWaiting):
		return nil, l.changed
	case err != nil:
		return nil, nil
	}
	if l.dirty || l.others != term.Others {
		// Whoever began when this gateway led before may still wait for an answer, and put it where it is forgotten now.
		if l.turns > 0 {
			return nil, l.changed
		}
		l.seat.forgetAll()
		l.dirty, l.others = false, term.Others
	}
	l.turns++
	return &Turn{lead: l, term: term.Number}, nil
}

// blind returns a turn where nobody can be asked who leads.
func (l *leadership) blind() *Turn {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turns++
	return &Turn{lead: l, blind: true}
}

func (l *leadership) end(t *Turn) {
	l.set(func() {
		l.turns--
		l.dirty = l.dirty || t.blind
	})
}

// set changes something, and wakes up whoever waits for that.
func (l *leadership) set(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
	l.signal()
}

// wake makes whoever waits look at the lease again.
func (l *leadership) wake() { l.set(func() {}) }

func (l *leadership) wait() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}

func (l *leadership) signal() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// seek finds out who leads, and claims the lease where nobody does; neither standby nor an error is that it was claimed.
// What was read a moment ago is still so.
func (l *leadership) seek(ctx context.Context, a Asked) (*Standby, error) {
	if r, ago := l.lease.Seen(); r != nil && ago < l.options.ttl()/10 && !a.Fresh {
		if _, held := l.lease.Held(); !held {
			return standby(r, false, l.options.ttl()), nil
		}
	}
	name := "seek"
	l.mu.Lock()
	take, stopping := a.Take || a.Forwarded, l.stopping
	l.mu.Unlock()
	switch {
	case stopping:
		name = "look"
	case take:
		name = "take"
	}
	answered := l.flight.DoChan(name, func() (any, error) {
		if stopping {
			return l.lease.Look(context.Background())
		}
		st, err := l.lease.Seek(context.Background(), take)
		if st.Held {
			l.keep()
		}
		return st, err
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case r := <-answered:
		if r.Err != nil {
			return nil, r.Err
		}
		st := r.Val.(lease.Standing) //nolint:forcetypeassert // nothing else is returned
		switch {
		case st.Leader != nil:
			return standby(st.Leader, st.Idle && !take, st.Ends), nil
		case st.Held && !stopping:
			return nil, nil
		default: // a record that cannot be read, or a gateway that is being stopped
			return standby(new(lease.Record), false, max(st.Ends, time.Second)), nil
		}
	}
}

func standby(r *lease.Record, idle bool, ends time.Duration) *Standby {
	return &Standby{Address: r.Address, owner: r.Owner, secret: r.Secret, Idle: idle, Ends: ends}
}
