package provision

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Whatever the provider says in whatever order, and whatever somebody does by hand in between, the organization ends as
// the last word has it, and what is answered is what is there.
func TestLastWordCounts(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		g, b := onBitwarden(t, nil)
		now := g.clock
		u := g.people(t, "a", "b", "c", "d")
		group := g.makeGroup(t, "Sales")
		members, active := map[string]bool{}, map[string]bool{}
		for _, id := range u {
			active[id] = true
		}
		some := func() []string {
			return rapid.SliceOfNDistinct(rapid.SampledFrom(u), 1, 3, rapid.ID).Draw(rt, "some")
		}
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			switch rapid.SampledFrom([]string{"add", "remove", "replace", "disable", "enable", "hand", "later"}).Draw(rt, "step") {
			case "add":
				ids := some()
				g.must(t, 200, "PATCH", "/Groups/"+group, memberOps("add", ids...))
				for _, id := range ids {
					members[id] = true
				}
			case "remove":
				ids := some()
				g.must(t, 200, "PATCH", "/Groups/"+group, memberOps("remove", ids...))
				for _, id := range ids {
					delete(members, id)
				}
			case "replace":
				ids := some()
				g.must(t, 200, "PATCH", "/Groups/"+group, memberOps("replace", ids...))
				clear(members)
				for _, id := range ids {
					members[id] = true
				}
			case "disable", "enable":
				id := rapid.SampledFrom(u).Draw(rt, "who")
				active[id] = rapid.Bool().Draw(rt, "active")
				op := enable
				if !active[id] {
					op = disable
				}
				if a := g.must(t, 200, "PATCH", "/Users/"+id, patchOp(op)); a.body["active"] != active[id] {
					rt.Fatalf("told active %v, want %v", a.body["active"], active[id])
				}
			case "hand": // somebody works in the organization itself
				id := rapid.SampledFrom(u).Draw(rt, "who")
				b.mu.Lock()
				b.in[group] = slices.DeleteFunc(b.in[group], func(o string) bool { return o == id })
				b.mu.Unlock()
				delete(members, id)
				m := b.member(t, id)
				m["status"], active[id] = 2, true
			case "later":
				now.t = now.t.Add(2 * time.Minute)
			}
			var want []string
			for id := range members {
				want = append(want, id)
			}
			slices.Sort(want)
			if got := b.membersOf(group); !slices.Equal(got, want) {
				rt.Fatalf("members %v, want %v", got, want)
			}
			for id, is := range active {
				if revoked := b.member(t, id)["status"] == -1; revoked == is {
					rt.Fatalf("%s: revoked %v, active %v", id, revoked, is)
				}
			}
		}
	})
}

// A provider repeats a request whose answer was late: one member, one 201, and an id that is the same for everybody.
func TestSameUserAtOnce(t *testing.T) {
	g, b := onBitwarden(t, nil)
	var mu sync.Mutex
	got := map[int]int{}
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			a := g.do(t, "POST", "/Users", user("jane@example.com", "jane"))
			mu.Lock()
			defer mu.Unlock()
			got[a.status]++
		})
	}
	wg.Wait()
	if len(b.members) != 1 || got[201] != 1 || got[409] != 11 {
		t.Errorf("%d members, answers %v", len(b.members), got)
	}
	clear(got)
	for i := range 12 {
		wg.Go(func() {
			a := g.do(t, "POST", "/Groups", fmt.Sprintf(`{"displayName":"Sales","externalId":"%d"}`, i))
			mu.Lock()
			defer mu.Unlock()
			got[a.status]++
		})
	}
	wg.Wait()
	if len(b.groups) != 1 || got[201] != 1 || got[409] != 11 {
		t.Errorf("%d groups, answers %v", len(b.groups), got)
	}
}
