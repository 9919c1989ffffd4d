package provision

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// dates are when a resource says that it was created and last changed.
func (a answer) dates(t *testing.T) (created, modified string) {
	t.Helper()
	meta, ok := a.body["meta"].(map[string]any)
	if !ok {
		t.Fatalf("no meta: %v", a.body)
	}
	created, _ = meta["created"].(string)
	modified, _ = meta["lastModified"].(string)
	return created, modified
}

// Providers that compare meta.lastModified write everybody anew in each cycle unless it changes when something has changed, and only
// then.
func TestDates(t *testing.T) {
	for _, store := range []string{"meta", "*"} {
		g, b, storage := remembering(t, func(o *Organization) { o.Ledger.Store = []string{store} })
		at := func() string { return g.clock.t.UTC().Format("2006-01-02T15:04:05.000Z") }
		tick := func() string { g.clock.t = g.clock.t.Add(time.Minute); return at() }
		began := at()
		a := g.must(t, 201, "POST", "/Users", user("ada@example.com", "a"))
		ada := a.id()
		is := func(what, target, created, modified string) {
			t.Helper()
			if c, m := g.must(t, 200, "GET", target, "").dates(t); c != created || m != modified {
				t.Errorf("store %s, %s: created %s, modified %s; want %s, %s", store, what, c, m, created, modified)
			}
		}
		if c, m := a.dates(t); c != began || m != began {
			t.Errorf("created %s, modified %s, not %s", c, m, began)
		}
		changed := began
		for _, step := range []struct {
			what, write string
			changes     bool
		}{
			{"the same once more", patchOp(`{"op":"replace","path":"externalId","value":"a"}`), false},
			{"what nobody keeps", patchOp(`{"op":"replace","path":"password","value":"secret"}`), false},
			{"another externalId", patchOp(`{"op":"replace","path":"externalId","value":"A-2"}`), true},
			{"another userName", patchOp(`{"op":"replace","path":"userName","value":"ada.l"}`), true},
			{"deactivated", patchOp(disable), true},
			{"deactivated again", patchOp(disable), false},
		} {
			now := tick()
			a := g.must(t, 200, "PATCH", "/Users/"+ada, step.write)
			if step.changes {
				changed = now
			}
			if c, m := a.dates(t); c != began || m != changed {
				t.Errorf("store %s, %s: created %s, modified %s; want %s, %s", store, step.what, c, m, began, changed)
			}
			is(step.what, "/Users/"+ada, began, changed)
		}
		g.finds(t, `meta.lastModified gt "`+began+`"`, ada)
		g.finds(t, `meta.created lt "`+began+`"`, "")
		g = g.restarted(t, storage)
		is("restarted", "/Users/"+ada, began, changed)

		// Who waits was created when the provider created them.
		waited := tick()
		late := g.must(t, 201, "POST", "/Users", strings.Replace(user("late@example.com", "l"), "true", "false", 1)).id()
		is("waits", "/Users/"+late, waited, waited)
		joined := tick()
		g.must(t, 200, "PATCH", "/Users/"+late, patchOp(`{"op":"replace","path":"active","value":true}`))
		is("activated", "/Users/"+late, waited, joined)

		made := tick()
		group := g.must(t, 201, "POST", "/Groups", `{"displayName":"Chess"}`).id()
		is("a group", "/Groups/"+group, made, made)
		moved := tick()
		if _, m := g.must(t, 200, "PATCH", "/Groups/"+group, memberOps("add", late)).dates(t); m != moved {
			t.Errorf("a member more: modified %s, not %s", m, moved)
		}
		tick()
		g.must(t, 200, "PATCH", "/Groups/"+group, memberOps("add", late))
		is("a group with a member", "/Groups/"+group, made, moved)

		// Of whom the gateway did nothing, nothing is known.
		b.strangers(g, "jane@example.com")
		is("by hand", "/Users/id-jane", "", "")
	}
}

// What is made for answers is compared as it is in answers.
func TestFiltersOfMeta(t *testing.T) {
	g, _ := onBitwarden(t, nil)
	id := g.people(t, "ada")[0]
	group := g.makeGroup(t, "Chess", id)
	g.must(t, 201, "POST", "/Users", strings.Replace(user("late@example.com", "l"), "true", "false", 1))
	for f, want := range map[string]int{
		`meta.resourceType eq "User"`:                                   2,
		`meta.resourceType eq "Group"`:                                  0,
		`meta.resourceType ne "Group" and userName sw "ada"`:            1,
		`meta.location eq "` + base + "/Users/" + id + `"`:              1,
		`schemas eq "urn:ietf:params:scim:schemas:core:2.0:User"`:       2,
		`schemas eq "urn:ietf:params:scim:schemas:core:2.0:Group"`:      0,
		`schemas co "membership" and meta pr`:                           1, // who waits has no state
		`urn:ietf:params:scim:schemas:core:2.0:User:schemas pr`:         2,
		`meta.resourceType eq "User" and externalId eq "ada"`:           1,
		`not (schemas eq "urn:ietf:params:scim:schemas:core:2.0:User")`: 0,
	} {
		if got := g.find(t, "Users", f); len(got) != want {
			t.Errorf("%s finds %v, want %d", f, got, want)
		}
	}
	if got := fmt.Sprint(g.find(t, "Groups", `meta.resourceType eq "Group" and displayName eq "chess"`)); got != "["+group+"]" {
		t.Errorf("found %s", got)
	}
	if a := g.do(t, "GET", "/Users?filter=meta.created+pr", ""); a.status != 400 || a.scimType != "invalidFilter" {
		t.Errorf("meta.created, which is not kept: %d", a.status)
	}
}
