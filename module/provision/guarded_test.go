package provision

import (
	"slices"
	"testing"
)

// The owner is there and cannot be touched.
func TestProtected(t *testing.T) {
	g, b := onBitwarden(t, nil)
	id := g.people(t, "boss")[0]
	b.member(t, id)["type"] = 0
	g.seen.users.Expire()
	if ids := g.find(t, "Users", `userName eq "boss@example.com"`); ids != nil {
		t.Errorf("found %v", ids)
	}
	g.must(t, 404, "GET", "/Users/"+id, "")
	g.must(t, 403, "PATCH", "/Users/"+id, patchOp(disable))
	g.must(t, 403, "DELETE", "/Users/"+id, "")
	g.must(t, 409, "POST", "/Users", user("boss@example.com", "x"))
	if m := b.member(t, id); m == nil || m["status"] != float64(0) && m["status"] != 0 {
		t.Errorf("member %v", m)
	}
}

// Somebody protected is in no group that the provider sees, and stays in those that they are in.
func TestProtectedMembers(t *testing.T) {
	for name, style := range styles {
		t.Run(name, func(t *testing.T) {
			m := bitwardenMapping()
			style(m.Group)
			g, b := onBitwarden(t, func(o *Organization) { o.Mapping = m })
			u := g.people(t, "boss", "a", "b")
			id := g.makeGroup(t, "Sales", u...)
			b.member(t, u[0])["type"] = 0
			g.seen.users.Expire()
			if got := memberIDs(g.must(t, 200, "GET", "/Groups/"+id, "")); !slices.Equal(got, u[1:]) {
				t.Errorf("shown %v", got)
			}
			for _, step := range []struct {
				body string
				want []string
			}{
				{memberOps("replace", u[1]), u[:2]},
				{memberOps("remove", u[0]), u[:2]},
				{memberOps("add", u[2]), u},
				{memberOps("replace"), u[:1]},
				{patchOp(`{"op":"remove","path":"members"}`), u[:1]},
			} {
				g.seen.users.Expire()
				told := memberIDs(g.must(t, 200, "PATCH", "/Groups/"+id, step.body))
				if got := b.membersOf(id); !slices.Equal(got, step.want) || slices.Contains(told, u[0]) {
					t.Errorf("%s: members %v, told %v", step.body, got, told)
				}
			}
			g.must(t, 200, "PUT", "/Groups/"+id, `{"displayName":"Sales","members":[]}`)
			if got := b.membersOf(id); !slices.Equal(got, u[:1]) {
				t.Errorf("after PUT: members %v", got)
			}
			other := g.makeGroup(t, "Ops", u[1])
			g.must(t, 400, "PATCH", "/Groups/"+other, memberOps("add", u[0]))
			if got := b.membersOf(other); !slices.Equal(got, u[1:2]) {
				t.Errorf("somebody protected was added: %v", got)
			}
		})
	}
}
