package lease

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Config is what a process says of itself.
type Config struct {
	Key     string        // of the record; the mark is beside it
	TTL     time.Duration // of leases that are claimed here
	Address string
	Secret  string

	// Report is told what an operator must know: a record that is damaged or goes back. nil is nobody.
	Report func(message string)
}

// Lease is the part of one process in the lease. It may be used by several goroutines.
type Lease struct {
	config  Config
	storage Storage
	clock   Clock

	step chan struct{} // one reads or writes at a time

	mu      sync.Mutex
	seen    sighting
	highest uint64        // number that was seen
	slowest time.Duration // write, fading
	held    *holding
	last    string // owner of the time of leading that was given back, where that was the last one
	term    Term
}

// holding is one time of leading, from the claim on.
type holding struct {
	owner     string
	acked     uint64  // number that is certainly written
	number    uint64  // number that may be written
	counts    Instant // beginning of the last renewal that counts
	renewed   Instant // beginning of the last attempt
	since     time.Time
	opens     time.Duration // by the monotonic clock: when the wait after a lease that was not given back is over
	open      bool
	uncertain bool // some write failed, and may be done at any time
}

// Errors of a process that does not lead.
var (
	ErrNotHeld = errors.New("the lease is not held")
	ErrWaiting = errors.New("the lease has been claimed; whoever had it before may not have noticed yet")
	ErrLapsed  = errors.New("the lease was not renewed in time")
	ErrTaken   = errors.New("the lease is somebody else's")
	ErrSlow    = errors.New("the storage took too long to claim or renew the lease")
)

// Term is one time of leading.
type Term struct {
	// Number counts the times that this process has led.
	Number int

	// Others counts how often somebody else may have led in between: what was read before it last grew may be wrong.
	Others int
}

// New returns the part of a process in the lease.
func New(c Config, st Storage, clock Clock) *Lease {
	return &Lease{config: c, storage: st, clock: clock, step: make(chan struct{}, 1)}
}

// Alive returns the time of leading, and why nothing may be started in it; nil while this process leads. It asks no storage,
// and is asked before every single thing that is started.
func (l *Lease) Alive() (Term, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.term, l.alive()
}

func (l *Lease) alive() error {
	switch h := l.held; {
	case h == nil:
		return ErrNotHeld
	case l.clock.Now().since(h.counts) >= l.bound():
		return ErrLapsed
	case !h.open:
		return ErrWaiting
	}
	return nil
}

// alone waits until nobody else reads or writes. What is returned ends that.
func (l *Lease) alone() (done func()) {
	l.step <- struct{}{}
	return func() { <-l.step }
}

// bound returns how long a renewal lasts.
func (l *Lease) bound() time.Duration { return l.config.TTL * 2 / 3 }

// limit returns how long a renewal may take to count, and any call of the storage.
func (l *Lease) limit() time.Duration { return l.config.TTL / 4 }

// Held reports whether the lease is held, though nothing may have begun yet, and since when.
func (l *Lease) Held() (since time.Time, held bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		return time.Time{}, false
	}
	return l.held.since, true
}

// Due returns how long the lease can do without being renewed: a third of its time to live after the last time, sooner where
// that failed or where the wait after a claim is over. It is negative where the lease is not held.
func (l *Lease) Due() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.held
	if h == nil {
		return -1
	}
	now := l.clock.Now()
	next := h.counts.Monotonic + l.config.TTL/3
	if h.renewed != h.counts {
		next = h.renewed.Monotonic + l.config.TTL/20
	}
	if !h.open {
		next = min(next, max(h.opens, h.renewed.Monotonic+l.config.TTL/20))
	}
	return max(0, next-now.Monotonic)
}

// GiveBack lets go of the lease, so that another process need not wait until it ends. From its beginning this process
// leads no more; the caller has ended everything that it had started. Where some write of the record failed, it may still
// be done, after somebody else has claimed; and who still waited after its claim knows nothing of the owner before: then the
// lease is left to end by itself.
func (l *Lease) GiveBack(ctx context.Context, idle bool) error {
	defer l.alone()()
	l.mu.Lock()
	h := l.held
	if l.held = nil; h != nil && !h.uncertain && h.open {
		l.last = h.owner
	}
	l.mu.Unlock()
	switch {
	case h == nil:
		return ErrNotHeld
	case h.uncertain, !h.open:
		return ErrSlow
	}
	return l.write(ctx, l.markKey(), mark{Owner: h.owner, Idle: idle}, l.limit())
}

func (l *Lease) markKey() string { return l.config.Key + "_returned" }

func (l *Lease) report(format string, args ...any) {
	if l.config.Report != nil {
		l.config.Report(fmt.Sprintf(format, args...))
	}
}
