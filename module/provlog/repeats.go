package provlog

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/patch"
)

// Repeat is an attribute that the provider corrects without an end: it sends the same value for the same user or group over
// and over, because what it reads is never what it has sent.
type Repeat struct {
	Attribute string
	Subjects  int   // how many users and groups
	Last      int64 // a request that did it
}

const (
	repeatedOften = 4    // times that the same value is sent, to be called without an end
	repeatedMost  = 2000 // requests that are looked at
)

// Repeats finds the attributes that are corrected without an end, those of the most users and groups first. Only PATCH is
// looked at: a PUT says everything each time.
func (r *Reader) Repeats(ctx context.Context, organization string, since time.Time) ([]Repeat, error) {
	records, err := r.Records(ctx, Search{Organization: organization, Verb: "patch", Status: 2, Since: since, Limit: repeatedMost})
	if err != nil {
		return nil, err
	}
	type attribute struct{ subject, path string }
	type last struct {
		value string
		times int
	}
	seen := map[attribute]*last{}
	found := map[string]*Repeat{}
	for _, record := range slices.Backward(records) { // in their order
		body := record.Canonical
		if body == nil {
			body = record.Received
		}
		if body == nil || len(body.Body) == 0 {
			continue
		}
		note := func(path string, value doc.Value) {
			if path = doc.Fold(path); path == "members" {
				return // who is added and removed by turns is no correction
			}
			at := attribute{record.Subject, path}
			l := seen[at]
			if l == nil || l.value != string(value.Raw()) {
				seen[at] = &last{string(value.Raw()), 1}
				return
			}
			if l.times++; l.times < repeatedOften {
				return
			}
			if found[path] == nil {
				found[path] = &Repeat{Attribute: path}
			}
			if found[path].Last = record.ID; l.times == repeatedOften {
				found[path].Subjects++
			}
		}
		for op := range patch.Each(read(body.Body)) {
			switch path := op.Path.Text(); {
			case op.Op.Is("remove"):
			case path != "":
				note(path, op.Value)
			default:
				for key, item := range op.Value.Fields() {
					note(key.Text(), item)
				}
			}
		}
	}
	var all []Repeat
	for _, f := range found {
		all = append(all, *f)
	}
	slices.SortFunc(all, func(a, b Repeat) int {
		return cmp.Or(cmp.Compare(b.Subjects, a.Subjects), cmp.Compare(a.Attribute, b.Attribute))
	})
	return all[:min(len(all), 10)], nil
}
