package api

import (
	"slices"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"pgregory.net/rapid"
)

// Whatever comes when, no span of time as long as the limit's holds more calls than the limit allows: an API may begin its
// window at any moment.
func TestPaceHoldsInEveryWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(t, "calls")
		per := time.Duration(rapid.IntRange(1, 20).Draw(t, "per")) * time.Second
		now := time.Unix(1_000_000, 0)
		p := newPacer([]Pace{
			{Calls: n, Per: caddy.Duration(per)},
			{Methods: []string{"POST"}, Calls: 2, Per: caddy.Duration(per / 2)},
		}, 3*per)
		var made, posts []time.Time
		for range rapid.IntRange(1, 60).Draw(t, "attempts") {
			now = now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "pause")) * time.Millisecond)
			method := rapid.SampledFrom([]string{"GET", "POST"}).Draw(t, "method")
			delay, ok := p.reserve(now, method, rapid.Bool().Draw(t, "begun"))
			if delay < 0 {
				t.Fatalf("a delay of %v", delay)
			}
			if !ok {
				if delay <= 3*per {
					t.Fatalf("refused though it would have waited only %v", delay)
				}
				continue
			}
			made = append(made, now.Add(delay))
			if method == "POST" {
				posts = append(posts, now.Add(delay))
			}
		}
		within := func(times []time.Time, n int, per time.Duration) {
			slices.SortFunc(times, time.Time.Compare)
			for i := n; i < len(times); i++ {
				if times[i].Sub(times[i-n]) < per {
					t.Fatalf("%d calls within %v", n+1, times[i].Sub(times[i-n]))
				}
			}
		}
		within(made, n, per)
		within(posts, 2, per/2)
	})
}
