package console

import (
	"fmt"
	"time"

	"github.com/caddy-scim/gateway/module/provlog"
)

// chart is a day in bars, in its own units.
type chart struct {
	ID            string // in the page
	Bars          []bar
	Lines         []string // points of each
	Keys          []key
	Ticks         []tick
	Width, Height float64
	Summary       string // the same in words
}

// bar is one half hour.
type bar struct {
	X      float64
	Pieces []piece
	Title  string
}

// piece is what a bar shows of one kind, from the axis up.
type piece struct {
	Class     string
	Y, Height float64
}

// key says what a class of pieces or the line is, with its unit and how much there is at most.
type key struct{ Class, Text string }

type tick struct {
	X    float64
	Text string
}

// newChart returns a chart without anything in its bars.
func newChart(id string, buckets []provlog.Bucket, title func(provlog.Bucket) string) *chart {
	c := &chart{ID: id, Width: 720, Height: 120}
	for i, b := range buckets {
		x, start := float64(i)*c.Width/float64(len(buckets)), b.Start.Local()
		c.Bars = append(c.Bars, bar{X: x, Title: start.Format("15:04") + ": " + title(b)})
		if start.Hour()%6 == 0 && start.Minute() == 0 && x < c.Width-80 {
			c.Ticks = append(c.Ticks, tick{x, start.Format("15:04")})
		}
	}
	return c
}

// fill gives the bars a piece of a class; what is there at all can be seen.
func (c *chart) fill(class string, buckets []provlog.Bucket, most float64, value func(provlog.Bucket) float64) {
	for i, b := range buckets {
		if v := value(b); v > 0 {
			height := max(c.Height*v/most, 2)
			c.Bars[i].Pieces = append(c.Bars[i].Pieces, piece{class, c.Height - height, height})
		}
	}
}

// drawRequests shows requests, those that failed, and the time that all took as a line.
func drawRequests(buckets []provlog.Bucket) *chart {
	c := newChart("requests", buckets, func(b provlog.Bucket) string {
		return fmt.Sprintf("%d requests, %d failed, %.0f ms", b.Requests, b.Failed, b.Milliseconds)
	})
	most, slowest, total, failed := 0, 0.0, 0, 0
	for _, b := range buckets {
		most, slowest = max(most, b.Requests), max(slowest, b.Milliseconds)
		total, failed = total+b.Requests, failed+b.Failed
	}
	c.fill("requests", buckets, float64(most), func(b provlog.Bucket) float64 { return float64(b.Requests) })
	c.fill("failed", buckets, float64(most), func(b provlog.Bucket) float64 { return float64(b.Failed) })
	goesOn := false // the line, from the bucket before
	for i, b := range buckets {
		if b.Requests == 0 {
			goesOn = false
			continue
		}
		point := fmt.Sprintf("%.1f,%.1f", c.Bars[i].X+c.Width/float64(2*len(buckets)), c.Height-(c.Height-8)*b.Milliseconds/max(slowest, 1))
		if !goesOn {
			c.Lines = append(c.Lines, point) // twice: one alone is a dot
			goesOn = true
		}
		c.Lines[len(c.Lines)-1] += " " + point
	}
	c.Keys = []key{{"requests", fmt.Sprintf("requests, at most %d in half an hour", most)}, {"failed", "failed"}, {"latency", fmt.Sprintf("mean time, at most %.0f ms", slowest)}}
	c.Summary = fmt.Sprintf("%d requests in 24 hours, %d of them failed. At most %d in half an hour.", total, failed, most)
	return c
}

// drawUpstream shows how long a call of the upstream took, on average; nil where there was none.
func drawUpstream(buckets []provlog.Bucket) *chart {
	var all provlog.Bucket
	slowest := 0.0
	for _, b := range buckets {
		all.Calls, all.Upstream = all.Calls+b.Calls, all.Upstream+b.Upstream
		slowest = max(slowest, meanCall(b))
	}
	if all.Calls == 0 {
		return nil
	}
	c := newChart("upstream", buckets, func(b provlog.Bucket) string {
		if b.Calls == 0 {
			return "no calls of the upstream"
		}
		return fmt.Sprintf("%s of the upstream, %s", count(b.Calls, "call", "calls"), inMilliseconds(meanCall(b)))
	})
	c.fill("upstream", buckets, slowest, meanCall)
	c.Keys = []key{{"upstream", "mean time of a call of the upstream, at most " + inMilliseconds(slowest)}}
	c.Summary = fmt.Sprintf("%s of the upstream in 24 hours, with a mean time of %s. In the slowest half hour it was %s.",
		count(all.Calls, "call", "calls"), inMilliseconds(meanCall(all)), inMilliseconds(slowest))
	return c
}

// meanCall returns the milliseconds of a call of the upstream, on average.
func meanCall(b provlog.Bucket) float64 {
	return float64(b.Upstream.Microseconds()) / 1000 / float64(max(b.Calls, 1))
}

// inMilliseconds writes a time; one of an upstream next door has a fraction.
func inMilliseconds(ms float64) string {
	if ms < 10 {
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.0f ms", ms)
}

// drawRules shows how many rules were applied; nil where none was.
func drawRules(buckets []provlog.Bucket) *chart {
	most, total := 0, 0
	for _, b := range buckets {
		most, total = max(most, b.Rules), total+b.Rules
	}
	if total == 0 {
		return nil
	}
	c := newChart("applied", buckets, func(b provlog.Bucket) string { return count(b.Rules, "rule applied", "rules applied") })
	c.fill("rules", buckets, float64(most), func(b provlog.Bucket) float64 { return float64(b.Rules) })
	c.Keys = []key{{"rules", fmt.Sprintf("rules applied, at most %d in half an hour", most)}}
	c.Summary = fmt.Sprintf("Rules applied in 24 hours: %d, each counted once for a request. At most %d in half an hour.", total, most)
	return c
}

// cycle is what the times of requests tell of the provider's rhythm: it works through everything, and then is quiet.
type cycle struct {
	Last, Begun, Due time.Time
	Requests         int
}

const (
	quiet  = 8 * time.Minute  // a pause that ends a cycle
	rhythm = 40 * time.Minute // of Entra, from the beginning of one to that of the next
)

// rhythmOf finds the last cycle. Records are the newest first.
func rhythmOf(records []*provlog.Record) cycle {
	var c cycle
	for i, r := range records {
		if i == 0 {
			c.Last = r.Time
		} else if c.Begun.Sub(r.Time) > quiet {
			break
		}
		c.Begun = r.Time
		c.Requests++
	}
	if c.Requests > 0 {
		c.Due = c.Begun.Add(rhythm)
	}
	return c
}
