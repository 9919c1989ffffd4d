package console

import (
	"fmt"
	"strings"
	"time"

	"github.com/caddy-scim/gateway/module/provlog"
)

// bar is one piece of time of a chart, in the chart's own units.
type bar struct {
	X, Y, Height, FailedY, Failed float64
	Title                         string
}

// chart is a day in bars, and the time that requests took as a line.
type chart struct {
	Bars          []bar
	Line          string // points
	Most          int
	Slowest       string
	Ticks         []tick
	Width, Height float64
	Summary       string // the same in words
}

type tick struct {
	X    float64
	Text string
}

func draw(buckets []provlog.Bucket) chart {
	const wide, high, step = 720.0, 120.0, 1.0
	c := chart{Width: wide, Height: high}
	slowest := 0.0
	total, failed := 0, 0
	for _, b := range buckets {
		c.Most, slowest = max(c.Most, b.Requests), max(slowest, b.Milliseconds)
		total, failed = total+b.Requests, failed+b.Failed
	}
	width := wide / float64(max(len(buckets), 1))
	var points []string
	for i, b := range buckets {
		x := float64(i) * width
		height, bad := 0.0, 0.0
		if c.Most > 0 {
			height, bad = high*float64(b.Requests)/float64(c.Most), high*float64(b.Failed)/float64(c.Most)
		}
		if b.Requests > 0 {
			height = max(height, 2*step)
			points = append(points, fmt.Sprintf("%.1f,%.1f", x+width/2, high-(high-8)*b.Milliseconds/max(slowest, 1)))
		}
		if b.Failed > 0 {
			bad = max(bad, 2*step)
		}
		c.Bars = append(c.Bars, bar{
			X: x, Y: high - height, Height: height, FailedY: high - bad, Failed: bad,
			Title: fmt.Sprintf("%s: %d requests, %d failed, %.0f ms", b.Start.Local().Format("15:04"), b.Requests, b.Failed, b.Milliseconds),
		})
		if b.Start.Local().Hour()%6 == 0 && b.Start.Local().Minute() == 0 && x < wide-30 {
			c.Ticks = append(c.Ticks, tick{x, b.Start.Local().Format("15:04")})
		}
	}
	c.Line, c.Slowest = strings.Join(points, " "), fmt.Sprintf("%.0f ms", slowest)
	c.Summary = fmt.Sprintf("%d requests in 24 hours, %d of them failed. At most %d in half an hour.", total, failed, c.Most)
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
