package provision

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/caddyserver/certmagic"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/caddy-scim/gateway/module/ledger"
)

// countingStorage counts what is read.
type countingStorage struct {
	certmagic.Storage
	reads *atomic.Int64
}

func (s countingStorage) Load(ctx context.Context, key string) ([]byte, error) {
	s.reads.Add(1)
	return s.Storage.Load(ctx, key)
}

// However many users wait, one more costs the same, and so does a look at anybody.
func TestWaitingUsersCostNothingMore(t *testing.T) {
	var reads atomic.Int64
	g := newGateway(t, &Organization{Mapping: bitwardenMapping()}, newBitwarden(), countingStorage{emptyStorage(t), &reads})
	n := 0
	someone := func() {
		n++
		name := fmt.Sprintf("p%d@example.com", n)
		if ids := g.find(t, "Users", `userName eq "`+name+`"`); len(ids) > 0 {
			t.Fatalf("found %v", ids)
		}
		id := g.must(t, 201, "POST", "/Users", inactive(name, name)).id()
		if ids := g.find(t, "Users", `userName eq "`+name+`"`); !cmp.Equal(ids, []string{id}) {
			t.Fatalf("found %v", ids)
		}
	}
	cost := func() int64 {
		before := reads.Load()
		someone()
		return reads.Load() - before
	}
	someone()
	first := cost()
	for range 100 {
		someone()
	}
	if last := cost(); last > first {
		t.Errorf("%d reads for the second one, %d for one more after a hundred", first, last)
	}
}

// Marks that were changed record by record are those that a new reading makes, and nobody's older ones change.
func TestMarksFollowTheLedger(t *testing.T) {
	g, _ := onBitwarden(t, nil)
	k := g.user
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.SampledFrom([]string{"a", "b", "c", "d"})
		records := make(map[string]*ledger.Record)
		m := new(marks)
		fresh := func() *marks {
			f := new(marks)
			for _, r := range records {
				k.add(f, r, false)
			}
			return f
		}
		for range rapid.IntRange(1, 30).Draw(t, "changes") {
			r := &ledger.Record{ID: ids.Draw(t, "id")}
			if rapid.Bool().Draw(t, "another id") {
				r.Upstream = "up-" + r.ID
			}
			r.Deleted = rapid.Bool().Draw(t, "deleted")
			if rapid.Bool().Draw(t, "waits") {
				r.Deferred = fmt.Appendf(nil, `{"userName":%q,"externalId":%q}`, ids.Draw(t, "userName"), ids.Draw(t, "externalId"))
			}
			r.Waiting = rapid.SliceOfNDistinct(ids, 0, 2, rapid.ID).Draw(t, "waiting")
			old, seen := m, summary(m)
			m = k.with(m, r)
			records[r.ID] = r
			if diff := cmp.Diff(summary(fresh()), summary(m)); diff != "" {
				t.Fatal(diff)
			}
			if diff := cmp.Diff(seen, summary(old)); diff != "" {
				t.Fatalf("older marks have changed: %s", diff)
			}
		}
	})
}

// summary is all that marks say about a few ids.
func summary(m *marks) map[string]any {
	all := make(map[string]any)
	ids := func(records []*ledger.Record) (list []string) {
		for _, r := range records {
			list = append(list, r.ID)
		}
		return list
	}
	all["who"] = ids(m.who(nil))
	for _, id := range []string{"a", "b", "c", "d"} {
		all[id] = []any{m.waits(id), m.hidden(id), m.upstream(id), m.id("up-" + id), slices.Sorted(slices.Values(m.groupsOf(id)))}
		for _, attribute := range []string{"userName", "externalId", "id"} {
			all[attribute+" "+id] = ids(m.who([]lookup{{attribute, id}}))
		}
	}
	return all
}
