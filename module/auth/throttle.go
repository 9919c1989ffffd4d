package auth

import (
	"context"
	"errors"
	"math"
	"net/netip"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"golang.org/x/time/rate"
)

// Rate is so many events in so much time.
type Rate struct {
	// How many events. Required.
	Events int `json:"events,omitempty"`

	// In how much time. Required.
	Per caddy.Duration `json:"per,omitempty"`
}

// Check finds a rate that is none.
func (r Rate) Check() error {
	if r.Events < 1 || r.Events > 1_000_000 || r.Per < caddy.Duration(time.Millisecond) || r.Per > caddy.Duration(24*time.Hour) {
		return errors.New("a limit has 1 to 1000000 events per 1ms to 24h")
	}
	return nil
}

func (r Rate) limiter() *rate.Limiter {
	return rate.NewLimiter(rate.Limit(float64(r.Events)/time.Duration(r.Per).Seconds()), r.Events)
}

// DefaultThrottle is how many failures an address may have.
var DefaultThrottle = Rate{30, caddy.Duration(time.Minute)}

const (
	// maxAddresses is how many addresses of one generation are remembered: with two of them, some 4 MB at most.
	maxAddresses = 8192

	// slow is how long a throttled request waits for its answer: whoever sends one after the other, or many at once over
	// few connections, sends few. maxSlow is how many wait at most; others are answered at once.
	slow    = 250 * time.Millisecond
	maxSlow = 1024

	// logEvery is how often there may be a line about one address.
	logEvery = time.Minute
)

// Throttle counts failures by the client's address. It remembers two generations of addresses, of which the older one is
// forgotten when the younger is full or a while has passed: its memory is bounded, whoever asks from wherever. The nil
// Throttle limits nothing.
type Throttle struct {
	rate Rate
	now  func() time.Time

	mu         sync.Mutex
	young, old map[netip.Prefix]*address
	turned     time.Time

	waiting chan struct{}
}

type address struct {
	limiter *rate.Limiter
	logged  time.Time
	quiet   int // refusals since, about which there was no line
	reason  Reason
}

// NewThrottle makes a throttle that lets an address fail as often as the rate says.
func NewThrottle(r Rate, now func() time.Time) *Throttle {
	return &Throttle{rate: r, now: now, young: map[netip.Prefix]*address{}, turned: now(), waiting: make(chan struct{}, maxSlow)}
}

// blocked reports whether a client has failed too often, and when it may try again.
func (t *Throttle) blocked(client string) (time.Duration, bool) {
	if t == nil {
		return 0, false
	}
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	p := network(client)
	a := t.young[p]
	if a == nil {
		a = t.old[p]
	}
	if a == nil {
		return 0, false
	}
	return missing(a.limiter, now)
}

// Blocked returns how many addresses have failed too often and are to wait at the moment.
func (t *Throttle) Blocked() (n int) {
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	for p, a := range t.old {
		if _, blocked := missing(a.limiter, now); blocked && t.young[p] == nil {
			n++
		}
	}
	for _, a := range t.young {
		if _, blocked := missing(a.limiter, now); blocked {
			n++
		}
	}
	return n
}

// note counts a refusal with its weight, and reports whether there is to be a line in the log, for how many refusals.
func (t *Throttle) note(client string, reason Reason, weight int) (log bool, count int) {
	if t == nil {
		return true, 1
	}
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	a := t.of(network(client), now)
	a.limiter.AllowN(now, weight)
	a.quiet++
	a.reason = reason
	if !a.logged.IsZero() && now.Sub(a.logged) < logEvery {
		return false, 0
	}
	count = a.quiet
	a.logged, a.quiet = now, 0
	return true, count
}

// of returns what is known of an address, which is remembered from now on.
func (t *Throttle) of(p netip.Prefix, now time.Time) *address {
	if a := t.young[p]; a != nil {
		return a
	}
	a := t.old[p]
	if a == nil {
		a = &address{limiter: t.rate.limiter()}
	}
	if len(t.young) >= maxAddresses || now.Sub(t.turned) > 2*max(logEvery, time.Duration(t.rate.Per)) {
		t.young, t.old, t.turned = map[netip.Prefix]*address{}, t.young, now
	}
	t.young[p] = a
	return a
}

// Slow holds a throttled request up for a moment, where not too many are held up already.
func (t *Throttle) Slow(ctx context.Context) {
	if t == nil {
		return
	}
	select {
	case t.waiting <- struct{}{}:
		defer func() { <-t.waiting }()
	default:
		return
	}
	timer := time.NewTimer(slow)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Untold is an address with refusals about which there was no line yet.
type Untold struct {
	Address string
	Reason  Reason
	Count   int
}

// Sweep returns the addresses whose minute is over with refusals that no line told of.
func (t *Throttle) Sweep() (all []Untold) {
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, generation := range []map[netip.Prefix]*address{t.old, t.young} {
		for p, a := range generation {
			if a.quiet > 0 && now.Sub(a.logged) >= logEvery {
				all = append(all, Untold{p.String(), a.reason, a.quiet})
				a.logged, a.quiet = now, 0
			}
		}
	}
	return all
}

// network returns what counts as one address: an IPv4 address, or the /64 of an IPv6 address, since that is the least that
// one subscriber has.
func network(client string) netip.Prefix {
	a, err := netip.ParseAddr(client)
	if err != nil {
		return netip.Prefix{}
	}
	a = a.Unmap().WithZone("")
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits)
	return p
}

// take uses one event of a limit, or returns how long it takes until there is one.
func take(l *rate.Limiter, now time.Time) (time.Duration, bool) {
	if l.AllowN(now, 1) {
		return 0, true
	}
	wait, _ := missing(l, now)
	return max(wait, time.Second), false
}

// missing reports whether a limit is used up, and how long until it is not.
func missing(l *rate.Limiter, now time.Time) (time.Duration, bool) {
	lack := 1 - l.TokensAt(now)
	if lack <= 0 {
		return 0, false
	}
	seconds := math.Ceil(lack / float64(l.Limit()))
	return time.Duration(min(seconds, 24*3600)) * time.Second, true
}

// Len returns how many addresses are remembered.
func (t *Throttle) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.young) + len(t.old)
}
