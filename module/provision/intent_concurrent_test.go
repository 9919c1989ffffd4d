package provision

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-scim/gateway/module/ledger/storagetest"
	"github.com/caddy-scim/gateway/module/upstream"
	"github.com/caddy-scim/gateway/transforms/mapping"
)

// While a whole list of members is written, that is on disk; when it is done, no longer.
func TestMembersAreIntended(t *testing.T) {
	g, b, s := remembering(t, nil)
	u := g.people(t, "a", "b")
	group := g.makeGroup(t, "Sales", u[0])
	during := 0
	b.onCall = func(call string) {
		if strings.HasPrefix(call, "PUT ") {
			during = openIntents(s)
		}
	}
	g.must(t, 200, "PATCH", "/Groups/"+group, memberOps("add", u[1]))
	if during != 1 || openIntents(s) != 0 {
		t.Errorf("%d during the call, %d after it", during, openIntents(s))
	}
	b.after = func(r *http.Request) *upstream.Answer {
		if r.Method == http.MethodPut {
			return page(502)
		}
		return nil
	}
	g.must(t, 502, "PATCH", "/Groups/"+group, memberOps("remove", u[1]))
	b.after = nil
	g.must(t, 200, "PATCH", "/Groups/"+group, memberOps("add", u[1]))
	if !cmp.Equal(b.membersOf(group), u) {
		t.Errorf("members %v", b.membersOf(group))
	}
}

// A list of members that a gateway was writing when it was stopped arrives after another one has taken its place, and has
// changed the group. What is told of the group from then on is what the organization has, and a repetition repairs it.
func TestLateListOfMembers(t *testing.T) {
	for _, style := range []string{"whole list", "inside the group"} {
		t.Run(style, func(t *testing.T) {
			g, b, s := remembering(t, func(o *Organization) { styles[style](o.Mapping.Group) })
			u := g.people(t, "a", "b", "c")
			group := g.makeGroup(t, "Sales", u[0])
			var then *storagetest.Storage
			b.fault = func(r *http.Request) *upstream.Answer {
				if r.Method == http.MethodPut {
					then = s.Copy()
					return page(502)
				}
				return nil
			}
			g.must(t, 502, "PATCH", "/Groups/"+group, memberOps("add", u[1]))
			b.fault = nil
			next := g.restarted(t, then)
			next.must(t, 200, "PATCH", "/Groups/"+group, memberOps("add", u[2]))
			b.in[group] = u[:2]
			if st, err := next.status(t.Context()); err != nil || len(st.(status).Open) != 1 || st.(status).Open[0].ID != group {
				t.Errorf("told %+v, %v", st, err)
			}
			if got := memberIDs(next.must(t, 200, "GET", "/Groups/"+group, "")); !cmp.Equal(got, u[:2]) {
				t.Errorf("told %v", got)
			}
			next.must(t, 200, "PATCH", "/Groups/"+group, memberOps("add", u[2]))
			if got := b.membersOf(group); !cmp.Equal(got, u) {
				t.Errorf("members %v", got)
			}
		})
	}
}

// A client has gone while its request is carried out, and asks what became of it. It is told when that is known, and not
// what was so before: it would give up somebody whom the organization has a moment later.
func TestAskedWhileACallIsUnderWay(t *testing.T) {
	for _, ask := range []string{
		`/Users?filter=userName+eq+%22jane@example.com%22`, `/Users?filter=externalId+eq+%22jane%22`, `/Users`, `/Users/{id}`,
	} {
		for _, waits := range []bool{false, true} {
			if !waits && strings.Contains(ask, "{id}") {
				continue
			}
			t.Run(ask, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					g, b, _ := remembering(t, nil)
					method, target, body := "POST", "/Users", user("jane@example.com", "jane")
					if waits {
						id := g.must(t, 201, "POST", "/Users", inactive("jane@example.com", "jane")).id()
						method, target, body = "PATCH", "/Users/"+id, patchOp(enable)
					}
					g.must(t, 200, "GET", "/Users", "")
					asked := strings.Replace(ask, "{id}", strings.TrimPrefix(target, "/Users/"), 1)
					told := make(chan answer)
					losing(b)
					b.onCall = func(call string) {
						if call == "POST /public/members" {
							b.onCall = nil
							go func() { told <- g.do(t, "GET", asked, "") }()
							synctest.Wait()
						}
					}
					g.must(t, 502, method, target, body)
					a := <-told
					shown := a.body
					if list, ok := shown["Resources"].([]any); ok && len(list) == 1 {
						shown = list[0].(map[string]any)
					}
					if a.status != 200 || shown["active"] != true {
						t.Errorf("told %d %v, while the organization has %v", a.status, a.body, b.members)
					}
				})
			})
		}
	}
}

// The provider repeats a request before the first one is over, and the answer of the first is lost: the second one finds
// what it has made.
func TestPostBehindALostOne(t *testing.T) {
	for target, body := range map[string]string{"/Users": user("jane@example.com", "jane"), "/Groups": `{"displayName":"Sales"}`} {
		synctest.Test(t, func(t *testing.T) {
			g, b, _ := remembering(t, nil)
			second := make(chan answer)
			created := map[string]string{"/Users": "POST /public/members", "/Groups": "POST /public/groups"}[target]
			b.onCall = func(call string) {
				if call == created {
					b.onCall = nil
					go func() { second <- g.do(t, "POST", target, body) }()
					synctest.Wait()
				}
			}
			b.after = func(r *http.Request) *upstream.Answer {
				if r.Method+" "+r.URL.Path == created {
					b.after = nil
					return page(502)
				}
				return nil
			}
			g.must(t, 502, "POST", target, body)
			if a := <-second; a.status != 201 || len(b.members)+len(b.groups) != 1 {
				t.Errorf("%s: %d, members %v, groups %v", target, a.status, b.members, b.groups)
			}
		})
	}
}

// Somebody whom the organization had before is nobody's whose creation was refused without an answer: the organization was
// asked, also where nothing was known of it.
func TestWhomTheOrganizationHad(t *testing.T) {
	m := bitwardenMapping()
	m.User.Find = map[string]mapping.CallDef{}
	for _, attribute := range []string{"userName", "externalId", "emails.value"} {
		m.User.Find[attribute] = mapping.CallDef{Method: "GET", URL: "/members?q={value}", Items: "data"}
	}
	g, b := onBitwarden(t, func(o *Organization) { o.Mapping, o.ViewTTL = m, -1 })
	hand := map[string]any{"id": "hand", "email": "jane@example.com", "status": -1, "before": 1, "type": 2, "externalId": nil}
	b.members = append(b.members, hand)
	losing(b)
	g.must(t, 502, "POST", "/Users", user("jane@example.com", "jane"))
	b.after = nil
	g.settleAll(t.Context(), g.caller)
	if hand["status"] != -1 || hand["externalId"] != nil {
		t.Errorf("somebody added by hand was taken for the provider's: %v", hand)
	}
	g.must(t, 409, "POST", "/Users", user("jane@example.com", "jane"))
}
