package relay

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/caddy-scim/gateway/module/dryrun"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// What a filter finds among what a dry run imagines is what it holds for, after any changes, and no more is held than there
// is room for.
func TestRehearsedIsFound(t *testing.T) {
	run := dryrun.New(time.Now())
	h := &rehearsal{run: run, types: map[string]*rehearsed{}}
	r := rand.New(rand.NewPCG(1, 2))
	op := &scim.Operation{Type: schema.Standard().User}
	now := map[string]*doc.Node{}
	for range 300 {
		id := fmt.Sprint("id", r.IntN(40))
		text := fmt.Sprintf(`{"id":%q,"userName":"U%d","externalId":"e%d","emails":[{"value":"m%d@example.com"}],"active":true}`, id, r.IntN(20), r.IntN(20), r.IntN(20))
		d, err := doc.Scan([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		now[id] = doc.Tree(d.Value())
		if err := h.put(op, id, now[id]); err != nil {
			t.Fatal(err)
		}
		n := r.IntN(20)
		for _, text := range []string{
			fmt.Sprintf(`userName eq "u%d"`, n), fmt.Sprintf(`externalId eq "e%d"`, n), fmt.Sprintf(`emails.value eq "M%d@example.com"`, n),
			fmt.Sprintf(`userName eq "u%d" or externalId eq "e%d"`, n, n+1), fmt.Sprintf(`active eq true and userName sw "u%d"`, n),
		} {
			if op.Query.Filter, _, err = filter.Parse(text, op.Type, filter.Options{}); err != nil {
				t.Fatal(err)
			}
			var got, want []string
			for _, res := range h.matching(op) {
				got = append(got, res.Get("id").Text())
			}
			for id, res := range now {
				if filter.Match(op.Query.Filter, res, op.Type) {
					want = append(want, id)
				}
			}
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Fatalf("%s finds %v, want %v", text, got, want)
			}
		}
	}
	for run.Imagine(1) == nil {
		continue
	}
	if err := h.put(op, "another", now["id1"]); err == nil || h.get(op, "another") != nil {
		t.Errorf("there is room for another one: %v", err)
	}
	if err := h.put(op, "id1", now["id2"]); err != nil || h.get(op, "id1").Get("id").Text() != "id2" {
		t.Errorf("what is held cannot be changed: %v", err)
	}
}
