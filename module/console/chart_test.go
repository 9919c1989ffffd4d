package console

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/caddy-scim/gateway/module/provlog"
)

// A day's charts as the page has them: the highest bar is as high as the chart, and all of it is said in words.
func TestCharts(t *testing.T) {
	start := time.Date(2026, 3, 4, 0, 0, 0, 0, time.Local)
	buckets := make([]provlog.Bucket, 49)
	for i := range buckets {
		buckets[i].Start = start.Add(time.Duration(i) * 30 * time.Minute)
	}
	empty := buckets[48]
	buckets[2] = provlog.Bucket{Start: buckets[2].Start, Requests: 4, Failed: 1, Milliseconds: 50, Calls: 3, Upstream: 120 * time.Millisecond, Rules: 6}
	buckets[20] = provlog.Bucket{Start: buckets[20].Start, Requests: 2, Milliseconds: 30, Calls: 1, Upstream: 20 * time.Millisecond, Rules: 3}
	charts := []*chart{drawRequests(buckets), drawUpstream(buckets), drawRules(buckets)}
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, "now.html", &page{Console: new(Console), Data: &overview{Now: start, Charts: charts}}); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, want := range []string{
		`<title id="requests-title">6 requests in 24 hours, 1 of them failed. At most 4 in half an hour.</title>`,
		`<title>01:00: 4 requests, 1 failed, 50 ms</title>`,
		`<polyline class="latency" points="36.7,8.0 36.7,8.0"/>`, `<polyline class="latency" points="301.2,52.8 301.2,52.8"/>`,
		`<title id="upstream-title">4 calls of the upstream in 24 hours, with a mean time of 35 ms. In the slowest half hour it was 40 ms.</title>`,
		`<title>01:00: 3 calls of the upstream, 40 ms</title>`, `<title>10:00: 1 call of the upstream, 20 ms</title>`, `<title>10:30: no calls of the upstream</title>`,
		`<span class="key upstream">mean time of a call of the upstream, at most 40 ms</span>`,
		`<title id="applied-title">Rules applied in 24 hours: 9, each counted once for a request. At most 6 in half an hour.</title>`,
		`<title>01:00: 6 rules applied</title>`, `<span class="key rules">rules applied, at most 6 in half an hour</span>`,
		`y="0" width="12" height="120" rx="2"/>`, `y="60" width="12" height="60" rx="2"/>`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	for class, want := range map[string]int{"requests": 2, "failed": 1, "upstream": 2, "rules": 2} {
		if n := strings.Count(text, `<rect class="`+class+`"`); n != want {
			t.Errorf("%s has %d bars, not %d", class, n, want)
		}
	}
	if drawUpstream([]provlog.Bucket{empty}) != nil || drawRules([]provlog.Bucket{empty}) != nil {
		t.Error("a chart of nothing is shown")
	}
}
