package auth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-scim/gateway/module/auth"
)

// gate is a table of keys with a clock, a ring and a throttle.
type gate struct {
	*auth.Keys
	now  time.Time
	ring *auth.Ring
}

func newGate(t *testing.T, throttle *auth.Rate, keys ...auth.Key) *gate {
	t.Helper()
	g := &gate{now: time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return g.now }
	g.ring = auth.NewRing(clock)
	c := auth.Config{Keys: keys, Resolve: noPlaceholders, Ring: g.ring, Now: clock}
	if throttle != nil {
		c.Throttle = auth.NewThrottle(*throttle, clock)
	}
	var err error
	if g.Keys, err = auth.New(c); err != nil {
		t.Fatal(err)
	}
	return g
}

// ask is what somebody with a key is told, from an address.
func (g *gate) ask(key, client string) (who string, status int, refusal *auth.Refusal) {
	r := httptest.NewRequest(http.MethodGet, "/Users", nil)
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	id, refusal := g.Authenticate(r, client)
	if refusal == nil {
		return id.Name, http.StatusOK, nil
	}
	return id.Name, refusal.Error().Status, refusal
}

func (g *gate) want(t *testing.T, what, key string, status int) {
	t.Helper()
	if _, got, _ := g.ask(key, "192.0.2.1"); got != status {
		t.Errorf("%s: %d, want %d", what, got, status)
	}
}

// TestStoredKeys: keys and revocations of the storage count at once; what cannot be read makes no key wrong, and no right
// one invalid.
func TestStoredKeys(t *testing.T) {
	g := newGate(t, nil, auth.Key{Name: "declared", Key: plain})
	stored := auth.Key{Name: "made", Key: hashed(other)}

	g.ring.Fail(errors.New("no storage"))
	g.want(t, "declared, never read", plain, 200)
	g.want(t, "unknown, never read", other, 503)

	g.ring.Set(&auth.Stored{})
	g.want(t, "unknown", other, 401)
	_, _, refusal := g.ask(other, "192.0.2.1")
	if refusal.OfPeer(); refusal.Error().Status != 503 {
		t.Errorf("a key that another gateway knows: %v", refusal.Error())
	}
	g.ring.Set(&auth.Stored{Keys: []auth.Key{stored}})
	g.want(t, "stored", other, 200)

	g.ring.Fail(errors.New("no storage"))
	g.want(t, "stored, not readable any more", other, 200)
	g.want(t, "unknown, not readable any more", "another-key-of-somebody", 503)

	past := g.now.Add(-time.Second)
	g.ring.Set(&auth.Stored{Keys: []auth.Key{stored}, Revoked: map[string]time.Time{stored.ID(): past, auth.Key{Key: plain}.ID(): {}}})
	g.want(t, "revoked", other, 401)
	g.want(t, "declared and revoked", plain, 401)
	g.ring.Set(&auth.Stored{Keys: []auth.Key{stored}, Revoked: map[string]time.Time{stored.ID(): g.now.Add(time.Hour)}})
	g.want(t, "revoked later", other, 200)
	g.now = g.now.Add(time.Hour)
	g.want(t, "revoked by now", other, 401)

	g.ring.Set(&auth.Stored{})
	g.now = g.now.Add(2 * auth.Stale)
	g.want(t, "unknown, and nobody has read for long", other, 503)
	g.want(t, "declared, and nobody has read for long", plain, 200)
}

func TestDisabled(t *testing.T) {
	g := newGate(t, nil, auth.Key{Name: "declared", Key: plain})
	for _, status := range []int{401, 503} {
		g.ring.Set(&auth.Stored{Disabled: status})
		g.want(t, "declared", plain, status)
		g.want(t, "unknown", other, 401)
	}
	g.ring.Set(&auth.Stored{Paused: true})
	g.want(t, "declared", plain, 200)
	if !g.Paused() {
		t.Error("not paused")
	}
}

// TestSameAnswer: nobody learns from a refusal why it was.
func TestSameAnswer(t *testing.T) {
	g := newGate(t, nil, auth.Key{Name: "a", Key: plain, Expires: "2026-01-01T00:00:00Z"}, auth.Key{Name: "b", Key: other, From: []string{"10.0.0.1"}})
	g.ring.Set(&auth.Stored{})
	bodies := map[string]bool{}
	for _, key := range []string{"", plain, other, "nobody's", "eyJhbGciOiJub25lIn0.e30.", "a b"} {
		_, _, refusal := g.ask(key, "192.0.2.1")
		bodies[string(refusal.Error().Body())] = true
	}
	if len(bodies) != 1 {
		t.Errorf("%d different answers", len(bodies))
	}
}

// TestThrottle: an address with too many failures is refused without being looked at, a key that matches never is; there
// is one line a minute, and the addresses of one IPv6 subscriber are one.
func TestThrottle(t *testing.T) {
	g := newGate(t, &auth.Rate{Events: 5, Per: caddy.Duration(time.Minute)}, auth.Key{Name: "a", Key: plain}, auth.Key{Name: "old", Key: other, Expires: "2026-01-01T00:00:00Z"})
	g.ring.Set(&auth.Stored{})
	lines, told := 0, 0
	fail := func(client string) int {
		_, status, refusal := g.ask("wrong", client)
		if refusal.Log {
			lines++
			told += refusal.Count
		}
		if status == 429 && refusal.RetryAfter != 12*time.Second {
			t.Errorf("Retry-After %v", refusal.RetryAfter)
		}
		return status
	}
	var got []int
	for range 8 {
		got = append(got, fail("192.0.2.1"))
	}
	if fmt.Sprint(got) != "[401 401 401 401 401 429 429 429]" {
		t.Errorf("got %v", got)
	}
	g.want(t, "a right key from there", plain, 200)
	for range 10 {
		g.want(t, "a key that has expired, from there", other, 401)
	}
	if status := fail("192.0.2.2"); status != 401 {
		t.Errorf("another address: %d", status)
	}
	g.now = g.now.Add(12 * time.Second)
	if a, b := fail("192.0.2.1"), fail("192.0.2.1"); a != 401 || b != 429 {
		t.Errorf("after the time that was said: %d, %d", a, b)
	}
	if lines != 2 || told != 2 {
		t.Errorf("%d lines of %d refusals", lines, told)
	}
	g.now = g.now.Add(time.Minute)
	g.ring.Set(&auth.Stored{})
	fail("192.0.2.1")
	if lines != 3 || told != 2+20 {
		t.Errorf("%d lines of %d refusals", lines, told)
	}
	got = nil
	for i := range 7 {
		got = append(got, fail(fmt.Sprintf("2001:db8:1:2::%d", i)))
	}
	if fmt.Sprint(got) != "[401 401 401 401 401 429 429]" {
		t.Errorf("one subscriber: %v", got)
	}
	if status := fail("2001:db8:1:3::1"); status != 401 {
		t.Errorf("another subscriber: %d", status)
	}
	if status := fail("::ffff:192.0.2.2"); status != 401 {
		t.Errorf("%d", status)
	}
}

// TestThrottleIsBounded: whoever has many addresses makes nobody's memory grow, and no address is told of twice a minute.
func TestThrottleIsBounded(t *testing.T) {
	now := time.Now()
	throttle := auth.NewThrottle(auth.DefaultThrottle, func() time.Time { return now })
	k, err := auth.New(auth.Config{Keys: []auth.Key{{Name: "a", Key: plain}}, Throttle: throttle, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/Users", nil)
	addr := netip.MustParseAddr("10.0.0.0")
	for range 100_000 {
		k.Authenticate(r, addr.String())
		k.Authenticate(r, addr.String())
		addr = addr.Next()
	}
	if n := throttle.Len(); n > 20_000 {
		t.Errorf("%d addresses are remembered", n)
	}
	now = now.Add(2 * time.Minute)
	untold := throttle.Sweep()
	if len(untold) == 0 || len(untold) > 20_000 || untold[0].Count != 1 || untold[0].Reason != auth.Missing {
		t.Errorf("%d untold, the first %v", len(untold), untold[:min(1, len(untold))])
	}
	if again := throttle.Sweep(); len(again) > 0 {
		t.Errorf("%d are told twice", len(again))
	}
}

func TestLimitOfAKey(t *testing.T) {
	limited := auth.Key{Name: "a", Key: plain, Limit: &auth.Rate{Events: 3, Per: caddy.Duration(time.Minute)}}
	stored := auth.Key{Name: "b", Key: hashed(other), Limit: &auth.Rate{Events: 3, Per: caddy.Duration(time.Minute)}}
	g := newGate(t, nil, limited)
	for _, key := range []string{plain, other} {
		var got []int
		for range 5 {
			g.ring.Set(&auth.Stored{Keys: []auth.Key{stored}}) // reading again begins nothing anew
			_, status, refusal := g.ask(key, "192.0.2.1")
			got = append(got, status)
			if status == 429 && (refusal.RetryAfter < time.Second || strings.Contains(refusal.Error().Detail, "valid")) {
				t.Errorf("got %v", refusal)
			}
		}
		if fmt.Sprint(got) != "[200 200 200 429 429]" {
			t.Errorf("got %v", got)
		}
	}
}

// TestSlow: throttled requests wait for their answer, but never more than a number of them.
func TestSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		throttle := auth.NewThrottle(auth.DefaultThrottle, time.Now)
		began := time.Now()
		var held atomic.Int64
		for range 5000 {
			go func() {
				throttle.Slow(t.Context())
				if time.Since(began) > 0 {
					held.Add(1)
				}
			}()
		}
		synctest.Wait() // all are held up, or have gone on
		time.Sleep(time.Second)
		if n := held.Load(); n != 1024 {
			t.Errorf("%d of 5000 were held up", n)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		began = time.Now()
		throttle.Slow(ctx)
		if time.Since(began) > 0 {
			t.Error("who has gone is waited for")
		}
	})
}
