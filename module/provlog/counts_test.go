package provlog

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/caddy-scim/gateway/module/trace"
)

// Calls that a dry run only plans take no time, and are none; a rule counts once for each request.
func TestHistogram(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log.db")
	s, _ := testSink(t, Config{File: file, LogValues: Full}, "acme")
	now := time.Now()
	quick := entry("patch", "u1", leave, "", 200)
	quick.RuleIDs = []string{"boolean-string", "op-case"}
	slow := entry("patch", "u2", leave, "", 500)
	slow.Trace.Call(trace.Call{Method: "GET", Path: "/members", Took: 5 * time.Millisecond, Error: "no answer"})
	slow.RuleIDs = []string{"op-case"}
	dry := entry("patch", "u3", leave, "", 200)
	dry.DryRun = true
	dry.Trace.Call(trace.Call{Method: "PUT", Path: "/members/u3", Planned: true})
	before := entry("patch", "u4", leave, "", 200)
	before.Time = now.Add(-2 * time.Hour)
	before.Trace = nil
	for _, e := range []*Entry{before, quick, slow, dry} {
		s.Add(e)
	}
	s.Flush()
	buckets, err := testReader(t, file).Histogram(t.Context(), "acme", now.Add(-24*time.Hour), now.Add(time.Hour), 48*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	var all Bucket
	for i, b := range buckets {
		if i > 0 && b.Start.Sub(buckets[i-1].Start) != 48*time.Hour || b.Start.IsZero() {
			t.Errorf("bucket %d begins at %s", i, b.Start)
		}
		all.Requests, all.Failed, all.Calls, all.Rules, all.Upstream = all.Requests+b.Requests, all.Failed+b.Failed, all.Calls+b.Calls, all.Rules+b.Rules, all.Upstream+b.Upstream
	}
	if want := (Bucket{Requests: 4, Failed: 1, Calls: 4, Rules: 3, Upstream: 8 * time.Millisecond}); all != want {
		t.Errorf("%+v, not %+v", all, want)
	}
}
