package provision

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/module/upstream"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
)

// removing makes an organization deactivate by removing.
func removing(o *Organization) {
	m := bitwardenMapping()
	m.User.Disable, m.User.Enable, m.User.DisableAs = nil, nil, plan.DisableDelete
	o.Mapping = m
}

// A group that cannot be read keeps nobody in. The user is put back into the others, and which one is lost is told.
func TestUnreadGroupKeepsNobodyIn(t *testing.T) {
	for name, broken := range map[string]func(path, support string) bool{
		"one group":               func(path, support string) bool { return strings.Contains(path, support) },
		"all groups":              func(path, _ string) bool { return strings.Contains(path, "/groups") },
		"the list of the groups":  func(path, _ string) bool { return strings.HasSuffix(path, "/groups") },
		"the members of a group":  func(path, support string) bool { return strings.HasSuffix(path, support+"/member-ids") },
		"a group, after a reload": func(path, support string) bool { return strings.Contains(path, support) },
	} {
		t.Run(name, func(t *testing.T) {
			g, b := onBitwarden(t, removing)
			id := g.people(t, "jane")[0]
			sales, support := g.makeGroup(t, "Sales", id), g.makeGroup(t, "Support", id)
			g.seen.groups.Expire()
			if strings.Contains(name, "reload") {
				g.seen.groups.Forget()
			}
			b.fault = func(r *http.Request) *upstream.Answer {
				if broken(r.URL.Path, support) {
					return page(502)
				}
				return nil
			}
			told := new(trace.Trace)
			g.ctx = trace.With(t.Context(), told)
			if a := g.must(t, 200, "PATCH", "/Users/"+id, patchOp(disable)); a.body["active"] != false {
				t.Errorf("answered with %v", a.body)
			}
			if len(b.members) > 0 {
				t.Fatal("the leaver has access")
			}
			unread := func(group string) bool {
				return slices.ContainsFunc(told.Notes(), func(n trace.Note) bool {
					return n.Kind == trace.Unread && n.ID == id && n.Group == group
				})
			}
			all, list := name == "all groups", strings.HasPrefix(name, "the list")
			if unread(support) == list || unread(sales) != all || unread("") != (all || list) {
				t.Errorf("told %v", told.Notes())
			}
			b.fault, g.ctx = nil, t.Context()
			g.must(t, 200, "PATCH", "/Users/"+id, patchOp(enable))
			member := []string{g.upstreamID(t, id)}
			if in := b.membersOf(sales); slices.Equal(in, member) == all {
				t.Errorf("Sales has %v", in)
			}
			if in := b.membersOf(support); slices.Equal(in, member) != list {
				t.Errorf("Support has %v", in)
			}
		})
	}
}

// Nor does a group whose answer does not come, or an organization that wants to be asked less often: what it names as a
// pause is kept, where that is short.
func TestSlowGroupKeepsNobodyInForLong(t *testing.T) {
	for name, pause := range map[string]string{"a short pause": "5", "a long pause": "3600"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, b := onBitwarden(t, removing)
				id := g.people(t, "jane")[0]
				group := g.makeGroup(t, "Sales", id)
				began := time.Now()
				b.fault = func(r *http.Request) *upstream.Answer {
					if strings.HasSuffix(r.URL.Path, "/member-ids") && time.Since(began) < 7*time.Second {
						return &upstream.Answer{Status: 429, Header: http.Header{"Retry-After": {pause}}}
					}
					return nil
				}
				g.must(t, 200, "PATCH", "/Users/"+id, patchOp(disable))
				if took := time.Since(began); len(b.members) > 0 || took > placesPatience {
					t.Fatalf("after %v the organization has %v", took, b.members)
				}
				b.fault = nil
				g.must(t, 200, "PATCH", "/Users/"+id, patchOp(enable))
				if in := b.membersOf(group); (len(in) == 1) != (pause == "5") {
					t.Errorf("the group has %v", in)
				}
			})
		})
	}
	t.Run("no answer", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g, b := onBitwarden(t, removing)
			id := g.people(t, "jane")[0]
			for _, name := range []string{"Sales", "Support", "Research"} {
				g.makeGroup(t, name, id)
			}
			b.fault = func(r *http.Request) *upstream.Answer {
				if strings.HasSuffix(r.URL.Path, "/member-ids") {
					<-r.Context().Done() // the call's own limit is longer
					return page(504)
				}
				return nil
			}
			began := time.Now()
			g.must(t, 200, "PATCH", "/Users/"+id, patchOp(disable))
			if took := time.Since(began); len(b.members) > 0 || took > placesPatience {
				t.Errorf("after %v the organization has %v", took, b.members)
			}
		})
	})
}

// The provider's id of a group is not always the organization's.
func TestPlacesInRenamedGroups(t *testing.T) {
	g, b := onBitwarden(t, func(o *Organization) {
		removing(o)
		o.Mapping.Group.IDChanges = true
	})
	b.groupID = func(name string) string { return strings.ToLower(name) }
	id := g.people(t, "jane")[0]
	group := g.makeGroup(t, "Sales", id)
	g.must(t, 200, "PATCH", "/Groups/"+group, patchOp(`{"op":"replace","path":"displayName","value":"Trade"}`))
	if in := b.membersOf("trade"); len(in) != 1 {
		t.Fatalf("members %v", b.in)
	}
	g.must(t, 200, "PATCH", "/Users/"+id, patchOp(disable))
	g.must(t, 200, "PATCH", "/Users/"+id, patchOp(enable))
	if in := b.membersOf("trade"); len(in) != 1 {
		t.Errorf("members %v", in)
	}
}
