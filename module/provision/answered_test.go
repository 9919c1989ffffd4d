package provision

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-scim/gateway/module/ledger/storagetest"
	"github.com/caddy-scim/gateway/module/upstream"
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

// Who was deactivated or deleted after the answer, and before a crash, stays without access: what an intent says is not the
// provider's last word.
func TestSettlingGivesNobodyAccess(t *testing.T) {
	jane := user("jane@corp.example", "jane", `"emails":[{"value":"jane@example.com"}]`)
	waiting := strings.Replace(jane, `"active":true`, `"active":false`, 1)
	for name, made := range map[string]func(*testing.T, *gateway, *storagetest.Storage) string{
		"created": func(t *testing.T, g *gateway, s *storagetest.Storage) string {
			s.Fault(func(op, key string) error { // the intent is written, and nothing after it
				if op == "store" && strings.Contains(key, "/users/") {
					return storagetest.Err
				}
				return nil
			})
			return g.must(t, 201, "POST", "/Users", jane).id()
		},
		"activated": func(t *testing.T, g *gateway, s *storagetest.Storage) string {
			id := g.must(t, 201, "POST", "/Users", waiting).id()
			s.Fault(func(op, key string) error {
				if op == "store" && strings.Contains(key, "/users/") {
					return storagetest.Err
				}
				return nil
			})
			g.must(t, 200, "PATCH", "/Users/"+id, patchOp(enable))
			return id
		},
		"just now": func(t *testing.T, g *gateway, s *storagetest.Storage) string {
			s.Fault(func(op, key string) error { // the intent does not go
				if op == "delete" {
					return storagetest.Err
				}
				return nil
			})
			return g.must(t, 201, "POST", "/Users", jane).id()
		},
	} {
		for what, leave := range map[string]func(*testing.T, *gateway, string){
			"deactivated": func(t *testing.T, g *gateway, id string) { g.must(t, 200, "PATCH", "/Users/"+id, patchOp(disable)) },
			"deleted":     func(t *testing.T, g *gateway, id string) { g.must(t, 204, "DELETE", "/Users/"+id, "") },
		} {
			for next, ask := range map[string]func(*testing.T, *gateway){
				"nobody asks": func(t *testing.T, g *gateway) { g.settleAll(t.Context(), g.caller) },
				"looked for":  func(t *testing.T, g *gateway) { g.find(t, "Users", `userName eq "jane@corp.example"`) },
				"listed":      func(t *testing.T, g *gateway) { g.must(t, 200, "GET", "/Users", "") },
			} {
				t.Run(name+", "+what+", "+next, func(t *testing.T) {
					g, b, s := remembering(t, func(o *Organization) { o.Delete = DeleteRevoke })
					g.must(t, 200, "GET", "/Users", "")
					id := made(t, g, s)
					leave(t, g, id)
					if len(b.members) != 1 || b.members[0]["status"] != -1 {
						t.Fatalf("members %v", b.members)
					}
					then := s.Copy()
					if openIntents(then) != 1 {
						t.Fatalf("%d intents are on disk", openIntents(then))
					}
					ask(t, g.restarted(t, then))
					if b.members[0]["status"] != -1 {
						t.Errorf("has access again: %v", b.members)
					}
				})
			}
		}
	}
}

// Before the members of a group are read or changed, it is known whose id is whose: a user's call may have made a member under
// another id just before a crash.
func TestGroupsKnowWhoWasMade(t *testing.T) {
	g, b, s := remembering(t, nil)
	id := g.must(t, 201, "POST", "/Users", inactive("jane@example.com", "jane")).id()
	group := g.makeGroup(t, "Sales", id)
	then := killedWhileActivating(t, g, b, s, id)
	if len(b.membersOf(group)) != 1 {
		t.Fatalf("members %v", b.membersOf(group))
	}
	g = g.restarted(t, then)
	if a := g.must(t, 200, "GET", "/Groups/"+group, ""); !strings.Contains(fmt.Sprint(a.body["members"]), id) {
		t.Errorf("told of the members %v", a.body["members"])
	}
	g.must(t, 200, "PATCH", "/Groups/"+group, memberOps("remove", id))
	if len(b.membersOf(group)) > 0 {
		t.Errorf("is a member still: %v", b.membersOf(group))
	}
	g.settleAll(t.Context(), g.caller)
	if len(b.membersOf(group)) > 0 {
		t.Errorf("is a member again: %v", b.membersOf(group))
	}
}

// killedWhileActivating activates a user, and returns the storage that a kill in the middle of it leaves.
func killedWhileActivating(t *testing.T, g *gateway, b *bitwarden, s *storagetest.Storage, id string) (then *storagetest.Storage) {
	t.Helper()
	b.onCall = func(call string) {
		if call == "POST /public/members" {
			then = s.Copy()
		}
	}
	g.must(t, 200, "PATCH", "/Users/"+id, patchOp(enable))
	b.onCall = nil
	return then
}

// What became of one user nobody can find out: all the others leave their groups all the same, and the groups can go.
func TestGroupsDoNotWaitForOneUser(t *testing.T) {
	g, b, s := remembering(t, nil)
	others := g.people(t, "bob", "carl")
	group, other := g.makeGroup(t, "Sales", others...), g.makeGroup(t, "Support", others...)
	id := g.must(t, 201, "POST", "/Users", inactive("jane@example.com", "jane")).id()
	then := killedWhileActivating(t, g, b, s, id)
	g = g.restarted(t, then)
	b.fault = func(r *http.Request) *upstream.Answer {
		if r.URL.Path == "/public/members" {
			return page(500)
		}
		return nil
	}
	g.must(t, 200, "PATCH", "/Groups/"+group, memberOps("remove", others[0]))
	if got := b.membersOf(group); len(got) != 1 {
		t.Errorf("members %v", got)
	}
	g.must(t, 204, "DELETE", "/Groups/"+other, "")
	if a := g.do(t, "PATCH", "/Groups/"+group, memberOps("remove", id)); a.status < 500 {
		t.Errorf("of Jane nobody knows under which id she is there, and the answer is %d", a.status)
	}
}
