package provision

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"
	"golang.org/x/time/rate"

	"github.com/caddy-scim/gateway/transforms/scim"
)

// Pace is a limit that the upstream puts on its callers. The gateway keeps to it by waiting, so that a burst of the
// provider does not run into the upstream's own limit.
type Pace struct {
	// Methods are the HTTP methods that count, each method together with the others. Default: all of them.
	Methods []string `json:"methods,omitempty"`

	// Calls is how many calls may be made in the time that `per` says. Required.
	Calls int `json:"calls,omitempty"`

	// Per is the time in which the calls may be made. Default: one second.
	Per caddy.Duration `json:"per,omitempty"`

	// Burst is how many calls may follow each other without a pause. Default: the same as `calls`.
	Burst int `json:"burst,omitempty"`
}

// pacer holds the limits of one upstream over all requests and reloads.
type pacer struct {
	limits []limit
	wait   time.Duration // longest wait before an operation is refused
}

type limit struct {
	methods []string
	*rate.Limiter
}

func newPacer(paces []Pace, wait time.Duration) *pacer {
	p := &pacer{wait: wait}
	for _, c := range paces {
		every := rate.Every(time.Duration(c.Per) / time.Duration(c.Calls))
		p.limits = append(p.limits, limit{c.Methods, rate.NewLimiter(every, c.Burst)})
	}
	return p
}

func (c *Pace) validate() error {
	if c.Calls <= 0 {
		return errors.New("pace: calls must be at least 1")
	}
	if c.Per < 0 || c.Burst < 0 {
		return errors.New("pace: per and burst must not be negative")
	}
	if c.Per == 0 {
		c.Per = caddy.Duration(time.Second)
	}
	if c.Burst == 0 {
		c.Burst = c.Calls
	}
	return nil
}

// take waits until a call may be made. An operation that has not changed anything yet is refused when that would take
// too long: the provider is told when to come back (429). One that is half done waits for as long as the request lives,
// because to stop in the middle is worse than to be slow.
func (p *pacer) take(ctx context.Context, method string, begun bool) error {
	var delay time.Duration
	var taken []*rate.Reservation
	for _, l := range p.limits {
		if len(l.methods) == 0 || slices.Contains(l.methods, method) {
			r := l.Reserve()
			taken, delay = append(taken, r), max(delay, r.Delay())
		}
	}
	giveBack := func() {
		for _, r := range taken {
			r.Cancel()
		}
	}
	if delay == 0 {
		return nil
	}
	if delay > p.wait && !begun {
		giveBack()
		return &scim.Error{
			Status: 429, Detail: "the organization takes no more requests for now", RetryAfter: delay.Round(time.Second) + time.Second,
		}
	}
	t := time.NewTimer(delay)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		giveBack()
		return &scim.Error{Status: 503, Detail: "the request ended before the organization could be asked", Cause: ctx.Err()}
	}
}
