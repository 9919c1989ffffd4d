package provision

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-scim/gateway/module/ledger/storagetest"
	"github.com/caddy-scim/gateway/module/upstream"
)

// losing makes answers of invitations get lost after the organization has carried them out.
func losing(b *bitwarden) {
	b.after = func(r *http.Request) *upstream.Answer {
		if r.Method == http.MethodPost && r.URL.Path == "/public/members" {
			return page(502)
		}
		return nil
	}
}

// open is what is in the storage of calls without an outcome.
func openIntents(s *storagetest.Storage) int { return len(s.Keys("/intents/")) }

// A user is created, and the answer is lost: whoever asks for the user next, in this process or in the next one, finds the
// member that was made, and nobody is made twice.
func TestLostCreate(t *testing.T) {
	const name, mail = "jane@corp.example", "jane@example.com"
	jane := user(name, "jane", `"emails":[{"type":"work","primary":true,"value":"`+mail+`"}]`)
	find := func(t *testing.T, g *gateway) string {
		t.Helper()
		ids := g.find(t, "Users", `userName eq "`+name+`"`)
		if len(ids) != 1 {
			t.Fatalf("found %v", ids)
		}
		return ids[0]
	}
	for next, ask := range map[string]func(*testing.T, *gateway, *bitwarden){
		"looked for and deleted": func(t *testing.T, g *gateway, b *bitwarden) {
			g.must(t, 204, "DELETE", "/Users/"+find(t, g), "")
			if len(b.members) > 0 {
				t.Errorf("members %v", b.members)
			}
		},
		"looked for and deactivated": func(t *testing.T, g *gateway, b *bitwarden) {
			id := find(t, g)
			if a := g.must(t, 200, "PATCH", "/Users/"+id, patchOp(disable)); a.body["userName"] != name || b.member(t, id)["status"] != -1 {
				t.Errorf("got %v", a.body)
			}
		},
		"created again": func(t *testing.T, g *gateway, b *bitwarden) {
			if a := g.must(t, 201, "POST", "/Users", jane); a.body["userName"] != name || len(b.members) != 1 || find(t, g) != a.id() {
				t.Errorf("got %v, members %v", a.body, b.members)
			}
		},
		"created again, inactive": func(t *testing.T, g *gateway, b *bitwarden) {
			a := g.must(t, 201, "POST", "/Users", strings.Replace(jane, `"active":true`, `"active":false`, 1))
			if a.body["active"] != false || len(b.members) != 1 || b.member(t, a.id())["status"] != -1 {
				t.Errorf("got %v, members %v", a.body, b.members)
			}
		},
		"among all": func(t *testing.T, g *gateway, _ *bitwarden) {
			a := g.must(t, 200, "GET", "/Users", "")
			if res := a.body["Resources"].([]any); len(res) != 1 || res[0].(map[string]any)["userName"] != name {
				t.Errorf("got %v", a.body)
			}
		},
	} {
		for _, crash := range []bool{false, true} {
			t.Run(next+map[bool]string{true: ", after a crash"}[crash], func(t *testing.T) {
				g, b, s := remembering(t, nil)
				g.must(t, 200, "GET", "/Users", "") // so that the view is not asked anew by chance
				var then *storagetest.Storage
				losing(b)
				lost := b.after
				b.after = func(r *http.Request) *upstream.Answer {
					a := lost(r)
					if a != nil {
						then = s.Copy()
					}
					return a
				}
				g.must(t, 502, "POST", "/Users", jane)
				b.after = nil
				if crash {
					g, s = g.restarted(t, then), then
				}
				if openIntents(s) != 1 {
					t.Error("nothing was written down")
				}
				ask(t, g, b)
				if n := openIntents(s); n > 0 {
					t.Errorf("%d intents are left", n)
				}
			})
		}
	}
}

// A waiting user is activated, and the answer is lost: whatever the provider says next is about the member who was made.
func TestLostActivation(t *testing.T) {
	for next, ask := range map[string]func(*testing.T, *gateway, *bitwarden, string){
		"deactivated": func(t *testing.T, g *gateway, b *bitwarden, id string) {
			if a := g.must(t, 200, "PATCH", "/Users/"+id, patchOp(disable)); a.body["active"] != false || len(b.members) != 1 || b.members[0]["status"] != -1 {
				t.Errorf("got %v, members %v", a.body, b.members)
			}
		},
		"deleted": func(t *testing.T, g *gateway, b *bitwarden, id string) {
			if g.must(t, 204, "DELETE", "/Users/"+id, ""); len(b.members) > 0 {
				t.Errorf("members %v", b.members)
			}
		},
		"activated again": func(t *testing.T, g *gateway, b *bitwarden, id string) {
			a := g.must(t, 200, "PATCH", "/Users/"+id, patchOp(enable))
			if a.body["active"] != true || a.id() != id || len(b.members) != 1 || len(b.membersOf(b.groups[0]["id"].(string))) != 1 {
				t.Errorf("got %v, members %v in %v", a.body, b.members, b.in)
			}
		},
		"read": func(t *testing.T, g *gateway, _ *bitwarden, id string) {
			if a := g.must(t, 200, "GET", "/Users/"+id, ""); a.body["active"] != true {
				t.Errorf("got %v", a.body)
			}
		},
		"not to be found out": func(t *testing.T, g *gateway, b *bitwarden, id string) {
			b.fault = func(*http.Request) *upstream.Answer { return page(502) }
			for range 2 {
				g.must(t, 502, "PATCH", "/Users/"+id, patchOp(disable))
				g.must(t, 502, "DELETE", "/Users/"+id, "")
			}
		},
	} {
		t.Run(next, func(t *testing.T) {
			g, b, _ := remembering(t, nil)
			id := g.must(t, 201, "POST", "/Users", inactive("jane@example.com", "jane")).id()
			g.makeGroup(t, "Sales", id)
			losing(b)
			g.must(t, 502, "PATCH", "/Users/"+id, patchOp(enable))
			b.after = nil
			ask(t, g, b, id)
		})
	}
}

// A user is deactivated while the call that activates them is under way, and its answer gets lost.
func TestDeactivatedBesideALostActivation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, b, _ := remembering(t, nil)
		id := g.must(t, 201, "POST", "/Users", inactive("jane@example.com", "jane")).id()
		done := make(chan answer)
		losing(b)
		b.onCall = func(call string) {
			if call == "POST /public/members" {
				b.onCall = nil
				go func() { done <- g.do(t, "PATCH", "/Users/"+id, patchOp(disable)) }()
				synctest.Wait() // for the user's lock
			}
		}
		g.must(t, 502, "PATCH", "/Users/"+id, patchOp(enable))
		if a := <-done; a.status != 200 || len(b.members) != 1 || b.members[0]["status"] != -1 {
			t.Errorf("got %d, members %v", a.status, b.members)
		}
	})
}

// What is refused leaves nothing to settle, and what was there before is nobody's.
func TestNothingToSettle(t *testing.T) {
	g, b, s := remembering(t, nil)
	g.people(t, "bob")
	b.members = append(b.members, map[string]any{"id": "hand", "email": "jane@example.com", "status": 1, "type": 2, "externalId": nil})
	g.must(t, 409, "POST", "/Users", user("jane@example.com", "jane"))
	if n := openIntents(s); n > 0 {
		t.Errorf("%d intents are left", n)
	}
	b.took()
	g.must(t, 200, "GET", "/Users?filter=userName+eq+%22bob@example.com%22", "")
	if calls := b.took(); len(calls) > 0 {
		t.Errorf("asked for %v", calls)
	}
}

// Without an intent on disk nothing is created: nobody could find again what a lost answer leaves behind.
func TestNoCreateWithoutIntent(t *testing.T) {
	g, b, s := remembering(t, nil)
	g.must(t, 200, "GET", "/Users", "")
	id := g.must(t, 201, "POST", "/Users", inactive("late@example.com", "late")).id()
	b.took()
	s.Fault(func(op, key string) error {
		if op == "store" && strings.Contains(key, "/intents/") {
			return storagetest.Err
		}
		return nil
	})
	g.must(t, 503, "POST", "/Users", user("jane@example.com", "jane"))
	g.must(t, 503, "POST", "/Groups", `{"displayName":"Sales"}`)
	g.must(t, 503, "PATCH", "/Users/"+id, patchOp(enable))
	for _, call := range b.took() {
		if !strings.HasPrefix(call, "GET ") {
			t.Error(call)
		}
	}
}

// Where nobody asks, the gateway finds out by itself. What it has found and nobody asks for is told to the operator.
func TestSettledInTheBackground(t *testing.T) {
	for _, crash := range []bool{false, true} {
		g, b, s := remembering(t, nil)
		waits := g.must(t, 201, "POST", "/Users", inactive("late@example.com", "late")).id()
		g.makeGroup(t, "Sales", waits)
		losing(b)
		g.must(t, 502, "POST", "/Users", user("jane@corp.example", "jane", `"emails":[{"type":"work","primary":true,"value":"jane@example.com"}]`))
		g.must(t, 502, "PATCH", "/Users/"+waits, patchOp(enable))
		b.after = nil
		if crash {
			g = g.restarted(t, s)
		}
		if g.settleAll(t.Context(), g.caller) {
			t.Error("something is left")
		}
		st, err := g.status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		told := st.(status)
		if len(told.Unclaimed) != 1 || len(told.Problems) != 1 || len(told.Open) > 0 {
			t.Errorf("told %+v", told)
		}
		if len(b.membersOf(b.groups[0]["id"].(string))) != 1 {
			t.Error("the user has not joined")
		}
		if ids := g.find(t, "Users", `userName eq "jane@corp.example"`); len(ids) != 1 || ids[0] != told.Unclaimed[0].ID {
			t.Errorf("found %v", ids)
		}
		if g.must(t, 200, "GET", "/Users/"+waits, "").body["active"] != true {
			t.Error("is not active")
		}
		if n := openIntents(s); n > 0 {
			t.Errorf("%d intents are left", n)
		}
	}
}

// A call that was not carried out may be so later. After as long as a call can take, it is not waited for any more.
func TestSettledLate(t *testing.T) {
	g, b, s := remembering(t, nil)
	b.fault = func(r *http.Request) *upstream.Answer {
		if r.Method == http.MethodPost && r.URL.Path == "/public/members" {
			return page(502)
		}
		return nil
	}
	jane := user("jane@example.com", "jane")
	g.must(t, 502, "POST", "/Users", jane)
	if !g.settleAll(t.Context(), g.caller) || openIntents(s) != 1 {
		t.Error("given up at once")
	}
	g.clock.t = g.clock.t.Add(2 * time.Minute)
	left := g.settleAll(t.Context(), g.caller)
	if g.shared.ledger.Rest(); left || openIntents(s) != 0 {
		t.Error("waited for still")
	}
	b.fault = nil
	g.must(t, 201, "POST", "/Users", jane)
}

// A group that was made by a lost call is taken for the provider's, and not made again.
func TestLostGroup(t *testing.T) {
	g, b, s := remembering(t, nil)
	b.after = func(r *http.Request) *upstream.Answer {
		if r.Method == http.MethodPost && r.URL.Path == "/public/groups" {
			return page(502)
		}
		return nil
	}
	u := g.people(t, "jane")
	const sales = `{"displayName":"Sales","externalId":"s"`
	g.must(t, 502, "POST", "/Groups", sales+`}`)
	b.after = nil
	a := g.must(t, 201, "POST", "/Groups", sales+`,"members":[{"value":"`+u[0]+`"}]}`)
	if len(b.groups) != 1 || !cmp.Equal(b.membersOf(a.id()), u) || openIntents(s) > 0 {
		t.Errorf("groups %v, members %v", b.groups, b.membersOf(a.id()))
	}
}

// An invitation that a proxy delivers twice is refused the second time: somebody has the address. As long as nobody knows
// who, the user is not one whom the organization does not have.
func TestInvitationDeliveredTwice(t *testing.T) {
	g, b := onBitwarden(t, nil)
	waits := g.must(t, 201, "POST", "/Users", strings.Replace(user("jane@example.com", "j"), `"active":true`, `"active":false`, 1)).id()
	b.after = func(r *http.Request) *upstream.Answer {
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/members") {
			return &upstream.Answer{Status: 400, Header: http.Header{}, Body: []byte(`{"object":"error","message":"This user has already been invited."}`)}
		}
		return nil
	}
	b.fault = func(r *http.Request) *upstream.Answer {
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/members/") {
			return &upstream.Answer{Status: 500, Header: http.Header{}}
		}
		return nil
	}
	g.must(t, 502, "PATCH", "/Users/"+waits, patchOp(`{"op":"replace","path":"active","value":true}`))
	b.after, b.fault = nil, nil
	if len(b.members) != 1 {
		t.Fatalf("members %v", b.members)
	}
	g.must(t, 200, "PATCH", "/Users/"+waits, patchOp(disable))
	if b.members[0]["status"] != -1 {
		t.Errorf("the leaver has access, and the provider was told 200: %v", b.members[0])
	}
}

// Whatever the number of calls without an answer, a request that has to do with all of them has the organization listed once.
func TestManyLostCallsAreOneList(t *testing.T) {
	g, b, _ := remembering(t, nil)
	group := g.must(t, 201, "POST", "/Groups", `{"displayName":"Team"}`).id()
	b.fault = func(r *http.Request) *upstream.Answer {
		if r.Method == http.MethodPost && r.URL.Path == "/public/members" {
			return page(502)
		}
		return nil
	}
	for _, name := range []string{"ada", "ben", "cyd"} {
		id := g.must(t, 201, "POST", "/Users", strings.Replace(user(name+"@example.com", name), `"active":true`, `"active":false`, 1)).id()
		g.must(t, 502, "PATCH", "/Users/"+id, patchOp(enable))
	}
	b.fault = nil
	b.took()
	g.must(t, 200, "PUT", "/Groups/"+group, `{"displayName":"Team","members":[]}`)
	lists := 0
	for _, call := range b.took() {
		if call == "GET /public/members" {
			lists++
		}
	}
	if lists != 1 {
		t.Errorf("%d lists", lists)
	}
}
