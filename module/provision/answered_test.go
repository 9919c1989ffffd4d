package provision

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-scim/gateway/module/ledger/storagetest"
)

// hold makes writes of keys that contain a text wait until the returned function is called.
func hold(s *storagetest.Storage, part string) (release func()) {
	gate := make(chan struct{})
	s.Fault(func(op, key string) error {
		if op == "store" && strings.Contains(key, part) {
			<-gate
		}
		return nil
	})
	return func() { s.Heal(); close(gate) }
}

// The provider is answered when the organization has the user, and goes on with the id. A crash before the record is on disk
// leaves the intent: whatever comes next finds the user as the provider wrote it.
func TestAnsweredBeforeACrash(t *testing.T) {
	const name = "jane@corp.example"
	jane := user(name, "jane", `"displayName":"Jane","emails":[{"type":"work","primary":true,"value":"jane@example.com"}]`)
	for next, ask := range map[string]func(*testing.T, *gateway, *bitwarden, string){
		"read": func(t *testing.T, g *gateway, _ *bitwarden, id string) {
			if a := g.must(t, 200, "GET", "/Users/"+id, ""); a.body["userName"] != name {
				t.Errorf("got %v", a.body)
			}
		},
		"changed": func(t *testing.T, g *gateway, _ *bitwarden, id string) {
			a := g.must(t, 200, "PATCH", "/Users/"+id, patchOp(`{"op":"replace","path":"displayName","value":"Jane Doe"}`))
			if a.body["userName"] != name || a.body["displayName"] != "Jane Doe" {
				t.Errorf("got %v", a.body)
			}
		},
		"deactivated": func(t *testing.T, g *gateway, b *bitwarden, id string) {
			if a := g.must(t, 200, "PATCH", "/Users/"+id, patchOp(disable)); a.body["userName"] != name || b.member(t, id)["status"] != -1 {
				t.Errorf("got %v, members %v", a.body, b.members)
			}
		},
		"put into a group": func(t *testing.T, g *gateway, b *bitwarden, id string) {
			group := g.makeGroup(t, "Sales", id)
			if !cmp.Equal(b.membersOf(group), []string{id}) {
				t.Errorf("members %v", b.membersOf(group))
			}
		},
		"looked for": func(*testing.T, *gateway, *bitwarden, string) {},
	} {
		t.Run(next, func(t *testing.T) {
			g, b, s := remembering(t, nil)
			g.hurried = true
			g.people(t, "bob")
			g.shared.ledger.Rest()
			release := hold(s, "/users/")
			t.Cleanup(release)
			id := g.must(t, 201, "POST", "/Users", jane).id()
			then := s.Copy()
			if openIntents(then) != 1 {
				t.Fatalf("%d intents are on disk", openIntents(then))
			}
			g = g.restarted(t, then)
			ask(t, g, b, id)
			if found := g.find(t, "Users", `userName eq "`+name+`"`); !cmp.Equal(found, []string{id}) || len(b.members) != 2 {
				t.Errorf("found %v of %v", found, b.members)
			}
			if n := openIntents(then); n > 0 {
				t.Errorf("%d intents are left", n)
			}
		})
	}
}

// Whoever is deleted after such a crash is gone, and nothing of them is taken for somebody whom nobody claims.
func TestDeletedAfterACrash(t *testing.T) {
	g, b, s := remembering(t, nil)
	g.hurried = true
	t.Cleanup(hold(s, "/users/"))
	id := g.must(t, 201, "POST", "/Users", user("jane@corp.example", "jane", `"emails":[{"value":"jane@example.com"}]`)).id()
	then := s.Copy()
	g = g.restarted(t, then)
	g.must(t, 204, "DELETE", "/Users/"+id, "")
	if len(b.members) > 0 || len(g.find(t, "Users", `userName eq "jane@corp.example"`)) > 0 {
		t.Errorf("members %v", b.members)
	}
	if n := openIntents(then); n > 0 {
		t.Errorf("%d intents are left", n)
	}
}

// While the record of a new user is on its way to the disk, everybody finds the user, and nobody waits for the disk.
func TestAnsweredBeforeItIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, b, s := remembering(t, nil)
		g.hurried = true
		g.people(t, "bob")
		g.shared.ledger.Rest()
		release := hold(s, "/users/")
		began := time.Now()
		id := g.must(t, 201, "POST", "/Users", user("jane@corp.example", "jane", `"emails":[{"value":"jane@example.com"}]`)).id()
		if found := g.find(t, "Users", `userName eq "jane@corp.example"`); !cmp.Equal(found, []string{id}) {
			t.Errorf("found %v", found)
		}
		g.must(t, 200, "GET", "/Users", "")
		g.must(t, 409, "POST", "/Users", user("jane@corp.example", "jane"))
		if took := time.Since(began); took > 0 {
			t.Errorf("waited for %s", took)
		}
		if n := openIntents(s); n != 1 {
			t.Errorf("%d intents", n)
		}
		release()
		g.shared.ledger.Rest()
		if n := openIntents(s); n > 0 {
			t.Errorf("%d intents are left", n)
		}
		g = g.restarted(t, s)
		if a := g.must(t, 200, "GET", "/Users/"+id, ""); a.body["userName"] != "jane@corp.example" || len(b.members) != 2 {
			t.Errorf("got %v", a.body)
		}
	})
}
