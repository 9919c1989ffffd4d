package provision

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-scim/gateway/module/upstream"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
)

// A user is activated, and the groups that wait for the user cannot be written: whoever is taken out meanwhile is not put
// back by whatever comes later, and whoever is not is put in.
func TestLeavesBeforeJoining(t *testing.T) {
	for _, leaves := range []bool{true, false} {
		for _, style := range []string{"whole list", "one by one", "several at once"} {
			t.Run(style, func(t *testing.T) {
				g, b := onBitwarden(t, func(o *Organization) { styles[style](o.Mapping.Group) })
				other := g.people(t, "bob")[0]
				id := g.must(t, 201, "POST", "/Users", inactive("jane@example.com", "jane")).id()
				group := g.makeGroup(t, "Sales", id, other)
				b.fault = func(r *http.Request) *upstream.Answer {
					if strings.Contains(r.URL.Path, "/member") && r.Method != http.MethodGet && strings.Contains(r.URL.Path, "/groups/") {
						return &upstream.Answer{Status: 502, Header: http.Header{}}
					}
					return nil
				}
				g.must(t, 502, "PATCH", "/Users/"+id, patchOp(enable))
				b.fault = nil
				if leaves {
					g.must(t, 200, "PATCH", "/Groups/"+group, memberOps("remove", id))
				}
				g.must(t, 200, "PATCH", "/Users/"+id, patchOp(`{"op":"replace","path":"displayName","value":"Jane"}`))
				member := g.upstreamID(t, id)
				if in := slices.Contains(b.membersOf(group), member); in == leaves {
					t.Errorf("left %v, and is in the group: %v", leaves, in)
				}
				if !slices.Contains(b.membersOf(group), other) {
					t.Error("somebody else is out")
				}
			})
		}
	}
}

// The call that activates a user is carried out, and its answer is lost: deactivated next, the user is in the group all the
// same. Where the group cannot be written then, that is made good later, also by another process.
func TestJoinsThoughLeaving(t *testing.T) {
	for _, fault := range []string{"", "for a while", "until a restart"} {
		t.Run(fault, func(t *testing.T) {
			g, b, s := remembering(t, nil)
			id := g.must(t, 201, "POST", "/Users", inactive("jane@example.com", "jane")).id()
			group := g.makeGroup(t, "Sales", id)
			losing(b)
			g.must(t, 502, "PATCH", "/Users/"+id, patchOp(enable))
			b.after = nil
			if fault != "" {
				b.fault = func(r *http.Request) *upstream.Answer {
					if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/groups/") {
						return page(502)
					}
					return nil
				}
			}
			g.must(t, 200, "PATCH", "/Users/"+id, patchOp(disable))
			if b.members[0]["status"] != -1 {
				t.Error("the leaver has access")
			}
			b.fault = nil
			if fault == "until a restart" {
				g = g.restarted(t, s)
			}
			if fault != "" {
				g.settleAll(t.Context(), g.caller)
			}
			if got := b.membersOf(group); !slices.Equal(got, []string{g.upstreamID(t, id)}) {
				t.Errorf("members %v", got)
			}
		})
	}
}

// After a restart nobody has to ask for the user: any request will do.
func TestJoinsAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, b, s := remembering(t, nil)
		id := g.must(t, 201, "POST", "/Users", inactive("jane@example.com", "jane")).id()
		group := g.makeGroup(t, "Sales", id)
		var mended atomic.Bool // the earlier process may still be asking
		b.fault = func(r *http.Request) *upstream.Answer {
			if strings.HasSuffix(r.URL.Path, "/member-ids") && !mended.Load() {
				return page(502)
			}
			return nil
		}
		g.must(t, 502, "PATCH", "/Users/"+id, patchOp(enable))
		mended.Store(true)
		g = g.restarted(t, s.Copy()) // the earlier process has ended and writes no more
		g.must(t, 200, "GET", "/Groups", "")
		time.Sleep(g.settlePause())
		synctest.Wait()
		if got := b.membersOf(group); !slices.Equal(got, []string{g.upstreamID(t, id)}) {
			t.Errorf("members %v", got)
		}
	})
}

// A 404 on a group that is there, from whomever, ends no membership and makes the provider give up none.
func TestGroupThatIsThere(t *testing.T) {
	g, b := onBitwarden(t, nil)
	other := g.people(t, "bob")[0]
	id := g.must(t, 201, "POST", "/Users", inactive("jane@example.com", "jane")).id()
	group := g.makeGroup(t, "Sales", id, other)
	hide := func(r *http.Request) *upstream.Answer {
		if strings.HasPrefix(r.URL.Path, "/public/groups/") {
			return &upstream.Answer{Status: 404, Header: http.Header{}}
		}
		return nil
	}
	b.fault = hide
	g.must(t, 502, "PATCH", "/Users/"+id, patchOp(enable))
	g.must(t, 502, "PATCH", "/Groups/"+group, memberOps("remove", other))
	g.must(t, 502, "PATCH", "/Groups/"+group, patchOp(`{"op":"replace","path":"displayName","value":"New"}`))
	g.must(t, 502, "DELETE", "/Groups/"+group, "")
	b.fault = nil
	g.must(t, 200, "PATCH", "/Users/"+id, patchOp(enable))
	if got := b.membersOf(group); len(got) != 2 {
		t.Errorf("members %v", got)
	}
}

// A user who is activated while groups are told to take them, or to let them go, is in those that were told so last.
func TestActivatedBesideAnAdd(t *testing.T) {
	g, b := onBitwarden(t, nil)
	for range 30 {
		id := g.must(t, 201, "POST", "/Users", inactive("jane@example.com", "jane")).id()
		staying, leaving := g.makeGroup(t, "Stay"), g.makeGroup(t, "Leave", id)
		var wg sync.WaitGroup
		var enabled atomic.Int64
		wg.Go(func() { enabled.Store(int64(g.do(t, "PATCH", "/Users/"+id, patchOp(enable)).status)) })
		wg.Go(func() { g.must(t, 200, "PATCH", "/Groups/"+staying, memberOps("add", id)) })
		wg.Go(func() { g.must(t, 200, "PATCH", "/Groups/"+leaving, memberOps("remove", id)) })
		wg.Wait()
		if enabled.Load() != 200 {
			t.Fatalf("got %d", enabled.Load())
		}
		member := g.upstreamID(t, id)
		if !slices.Equal(b.membersOf(staying), []string{member}) || len(b.membersOf(leaving)) > 0 {
			t.Fatalf("stays in %v, left %v", b.membersOf(staying), b.membersOf(leaving))
		}
		g.must(t, 204, "DELETE", "/Groups/"+staying, "")
		g.must(t, 204, "DELETE", "/Groups/"+leaving, "")
		g.must(t, 204, "DELETE", "/Users/"+id, "")
	}
}

// Where ids are names, an account that was removed to deactivate the user and is created anew has the same id. Its
// memberships come back; a user of the same name who comes after the first one was deleted gets none of them.
func TestMembershipsOfNames(t *testing.T) {
	m := bitwardenMapping()
	m.User.Disable, m.User.Enable, m.User.DisableAs = nil, nil, plan.DisableDelete
	g, b := onBitwarden(t, func(o *Organization) { o.Mapping = m })
	b.idOf = func(email string) string { return strings.TrimSuffix(email, "@example.com") }
	u := g.people(t, "jane", "bob")
	group := g.makeGroup(t, "Sales", u...)
	g.must(t, 200, "PATCH", "/Users/jane", patchOp(disable))
	if got := b.membersOf(group); !slices.Equal(got, []string{"bob"}) {
		t.Fatalf("members %v", got)
	}
	g.must(t, 200, "PATCH", "/Users/jane", patchOp(enable))
	if got := b.membersOf(group); !slices.Equal(got, []string{"bob", "jane"}) {
		t.Errorf("members %v", got)
	}
	g.must(t, 200, "PATCH", "/Users/jane", patchOp(disable))
	g.must(t, 204, "DELETE", "/Users/jane", "")
	g.people(t, "jane")
	g.must(t, 200, "PATCH", "/Users/jane", patchOp(`{"op":"replace","path":"externalId","value":"another"}`))
	if got := b.membersOf(group); !slices.Equal(got, []string{"bob"}) {
		t.Errorf("somebody else of the same name is in the group: %v", got)
	}
}

// upstreamID is what the organization calls a user.
func (g *gateway) upstreamID(t testing.TB, id string) string {
	t.Helper()
	m, err := g.user.book.Marks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return m.Upstream(id)
}

// A user whose removal is refused is not waited for: whoever takes them out of a group by hand later has the last word.
func TestPlacesOfWhoStays(t *testing.T) {
	for _, refused := range []string{"by the configuration", "by the organization"} {
		t.Run(refused, func(t *testing.T) {
			m := bitwardenMapping()
			m.User.Disable, m.User.Enable, m.User.DisableAs = nil, nil, plan.DisableDelete
			g, b := onBitwarden(t, func(o *Organization) { o.Mapping = m })
			id := g.people(t, "jane")[0]
			group := g.makeGroup(t, "Sales", id)
			if refused == "by the configuration" {
				g.protecting("userName jane@*")
			} else {
				b.fault = func(r *http.Request) *upstream.Answer {
					if r.Method == http.MethodDelete {
						return &upstream.Answer{Status: 400, Header: http.Header{}, Body: []byte(`{"message":"the last owner"}`)}
					}
					return nil
				}
			}
			if a := g.do(t, "PATCH", "/Users/"+id, patchOp(disable)); a.status < 400 {
				t.Fatalf("got %d", a.status)
			}
			b.fault = nil
			if refused == "by the organization" { // a call was made: what became of it is found out
				g.settleAll(t.Context(), g.caller)
			}
			if groups := g.group.book.RecallMarks().Groups(id); len(groups) > 0 {
				t.Errorf("groups wait for somebody who is there: %v", groups)
			}
			b.in[group] = nil
			g.must(t, 200, "PATCH", "/Users/"+id, patchOp(`{"op":"replace","path":"externalId","value":"other"}`))
			if in := b.membersOf(group); len(in) > 0 {
				t.Errorf("put back into the group: %v", in)
			}
		})
	}
}
