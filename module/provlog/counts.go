package provlog

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
)

// Bucket is what happened in a piece of time.
type Bucket struct {
	Start            time.Time
	Requests, Failed int
	Milliseconds     float64       // mean of a request
	Calls            int           // of the upstream
	Upstream         time.Duration // that the calls took together
	Rules            int           // applied, each once for a request
}

// Histogram counts an organization's requests since a time, in pieces of the length given; pieces without any are there
// too.
func (r *Reader) Histogram(ctx context.Context, organization string, since, until time.Time, width time.Duration) ([]Bucket, error) {
	step := width.Milliseconds()
	start := since.UnixMilli() / step * step
	n := int((until.UnixMilli()-start)/step) + 1
	buckets := make([]Bucket, n)
	for i := range buckets {
		buckets[i].Start = time.UnixMilli(start + int64(i)*step)
	}
	var w where
	w.add("time >= ?", start)
	r.of(&w, "organization", organization)
	type counted struct {
		Bucket
		at int
	}
	found, err := rows(ctx, r, "SELECT (time - ?) / ?, count(*), sum(failed), avg(ms), coalesce(sum(calls) FILTER (WHERE upstream IS NOT NULL), 0), "+
		"coalesce(sum(upstream), 0), sum(max(length(rules) - length(replace(rules, ' ', '')) - 1, 0)) FROM requests"+condition(&w)+" GROUP BY 1",
		append([]any{start, step}, w.args...), func(scan func(...any) error) (c counted, err error) {
			var microseconds int64
			err = scan(&c.at, &c.Requests, &c.Failed, &c.Milliseconds, &c.Calls, &microseconds, &c.Rules)
			c.Upstream = time.Duration(microseconds) * time.Microsecond
			return c, err
		})
	for _, c := range found {
		if c.at >= 0 && c.at < n {
			c.Start = buckets[c.at].Start
			buckets[c.at] = c.Bucket
		}
	}
	return buckets, err
}

// RuleCount is how many requests a rule was applied to.
type RuleCount struct {
	Rule     string
	Requests int
}

// Rules returns which rules were applied since a time, the most frequent first.
func (r *Reader) Rules(ctx context.Context, organization string, since time.Time) ([]RuleCount, error) {
	var w where
	w.add("time >= ? AND rules <> ''", since.UnixMilli())
	r.of(&w, "organization", organization)
	type applied struct {
		rules    string
		requests int
	}
	found, err := rows(ctx, r, "SELECT rules, count(*) FROM requests"+condition(&w)+" GROUP BY 1", w.args, func(scan func(...any) error) (a applied, err error) {
		err = scan(&a.rules, &a.requests)
		return a, err
	})
	counts := map[string]int{}
	for _, a := range found {
		for rule := range strings.FieldsSeq(a.rules) {
			counts[rule] += a.requests
		}
	}
	var all []RuleCount
	for rule, n := range counts {
		all = append(all, RuleCount{rule, n})
	}
	slices.SortFunc(all, func(a, b RuleCount) int { return cmp.Or(b.Requests-a.Requests, strings.Compare(a.Rule, b.Rule)) })
	return all, err
}
