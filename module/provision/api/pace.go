package api

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-scim/gateway/transforms/scim"
)

// Pace is a limit that the upstream puts on its callers. The gateway keeps to it by waiting, so that a burst of the
// provider does not run into the upstream's own limit.
type Pace struct {
	// Methods are the HTTP methods that count, each method together with the others. Default: all of them.
	Methods []string `json:"methods,omitempty"`

	// Calls is how many calls may be made in any span of time as long as `per` says, whenever it begins. Required.
	Calls int `json:"calls,omitempty"`

	// Per is that span. Default: one second.
	Per caddy.Duration `json:"per,omitempty"`
}

// maxPaceCalls bounds the memory of a limit: it remembers as many moments as it allows calls.
const maxPaceCalls = 100_000

// Validate fills in the default and finds what is wrong with a limit.
func (c *Pace) Validate() error {
	if c.Calls <= 0 || c.Calls > maxPaceCalls {
		return errors.New("pace: calls must be at least 1 and at most 100000")
	}
	if c.Per < 0 {
		return errors.New("pace: per must not be negative")
	}
	if c.Per == 0 {
		c.Per = caddy.Duration(time.Second)
	}
	return nil
}

// pacer holds the limits of one upstream over all requests and reloads.
type pacer struct {
	mu     sync.Mutex
	limits []limit
	wait   time.Duration // longest wait before an operation is refused
}

// limit remembers when its last calls were, or will be. APIs count calls in windows of their own, and nobody knows when
// such a window begins; a token bucket lets twice as many through in the first one. So the rule is one that holds for
// every window: a call may be made when the one that is n calls before it is a whole span ago.
type limit struct {
	methods []string
	per     time.Duration
	calls   []time.Time // a ring of n
	next    int         // the oldest of them
}

func newPacer(paces []Pace, wait time.Duration) *pacer {
	limits := make([]limit, len(paces))
	for i, c := range paces {
		limits[i] = limit{methods: c.Methods, per: time.Duration(c.Per), calls: make([]time.Time, c.Calls)}
	}
	return &pacer{limits: limits, wait: wait}
}

// take waits until a call may be made. An operation that has not changed anything yet is refused when that would take
// too long: the provider is told when to come back (429). One that is half done waits for as long as the request lives,
// because to stop in the middle is worse than to be slow.
func (p *pacer) take(ctx context.Context, now time.Time, method string, begun bool) error {
	delay, ok := p.reserve(now, method, begun)
	switch {
	case !ok:
		return &scim.Error{
			Status: 429, Detail: "the organization takes no more requests for now", RetryAfter: delay.Round(time.Second) + time.Second,
		}
	case delay <= 0:
		return nil
	}
	t := time.NewTimer(delay)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done(): // the call's place stays taken: somebody may have been given one behind it
		return &scim.Error{Status: 503, Detail: "the request ended before the organization could be asked", Cause: ctx.Err()}
	}
}

// reserve finds out how long a call has to wait and takes its place, unless the wait is too long.
func (p *pacer) reserve(now time.Time, method string, begun bool) (delay time.Duration, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := now
	counts := func(l *limit) bool { return len(l.methods) == 0 || slices.Contains(l.methods, method) }
	for i := range p.limits {
		l := &p.limits[i]
		if oldest := l.calls[l.next]; counts(l) && !oldest.IsZero() {
			if free := oldest.Add(l.per); free.After(at) {
				at = free
			}
		}
	}
	delay = at.Sub(now)
	if delay > p.wait && !begun {
		return delay, false
	}
	for i := range p.limits {
		if l := &p.limits[i]; counts(l) {
			l.calls[l.next] = at
			l.next = (l.next + 1) % len(l.calls)
		}
	}
	return delay, true
}
