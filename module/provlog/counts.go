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
	rows, err := r.ask(ctx, "SELECT (time - ?) / ?, count(*), sum(failed), avg(ms), coalesce(sum(calls) FILTER (WHERE upstream IS NOT NULL), 0), "+
		"coalesce(sum(upstream), 0), sum(max(length(rules) - length(replace(rules, ' ', '')) - 1, 0)) FROM requests"+condition(&w)+" GROUP BY 1",
		append([]any{start, step}, w.args...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var at int
		var b Bucket
		var microseconds int64
		if err := rows.Scan(&at, &b.Requests, &b.Failed, &b.Milliseconds, &b.Calls, &microseconds, &b.Rules); err != nil {
			return nil, err
		}
		b.Upstream = time.Duration(microseconds) * time.Microsecond
		if at >= 0 && at < n {
			b.Start = buckets[at].Start
			buckets[at] = b
		}
	}
	return buckets, rows.Err()
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
	rows, err := r.ask(ctx, "SELECT rules, count(*) FROM requests"+condition(&w)+" GROUP BY 1", w.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	counts := map[string]int{}
	for rows.Next() {
		var rules string
		var n int
		if err := rows.Scan(&rules, &n); err != nil {
			return nil, err
		}
		for rule := range strings.FieldsSeq(rules) {
			counts[rule] += n
		}
	}
	return sorted(counts), rows.Err()
}

func sorted(counts map[string]int) []RuleCount {
	var all []RuleCount
	for rule, n := range counts {
		all = append(all, RuleCount{rule, n})
	}
	slices.SortFunc(all, func(a, b RuleCount) int { return cmp.Or(b.Requests-a.Requests, strings.Compare(a.Rule, b.Rule)) })
	return all
}
