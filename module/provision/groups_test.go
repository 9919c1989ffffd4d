package provision

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-scim/gateway/module/upstream"
	"github.com/caddy-scim/gateway/transforms/mapping"
	"github.com/caddy-scim/gateway/transforms/quirks"
)

// people creates users and returns their ids.
func (g *gateway) people(t testing.TB, names ...string) []string {
	t.Helper()
	ids := make([]string, len(names))
	for i, name := range names {
		ids[i] = g.must(t, 201, "POST", "/Users", user(name+"@example.com", name)).id()
	}
	return ids
}

func (g *gateway) makeGroup(t testing.TB, name string, members ...string) string {
	t.Helper()
	list := ""
	for i, id := range members {
		if i > 0 {
			list += ","
		}
		list += `{"value":"` + id + `"}`
	}
	return g.must(t, 201, "POST", "/Groups", `{"displayName":"`+name+`","externalId":"x-`+name+`","members":[`+list+`]}`).id()
}

// A PATCH of a group is answered 204 where the rules say so, and then nobody reads the members to be shown; where the
// request names attributes, it is answered with them (RFC 7644 §3.5.2).
func TestChangeOfAGroupWithoutAnAnswer(t *testing.T) {
	g, b := onBitwarden(t, nil)
	u := g.people(t, "a", "b")
	id := g.makeGroup(t, "Sales", u[0])
	g.must(t, 200, "PATCH", "/Groups/"+id, memberOps("add", u[1]))

	var err error
	if g.quirks, err = quirks.New(quirks.Config{Profile: quirks.Entra, Schemas: g.set}); err != nil {
		t.Fatal(err)
	}
	if a := g.must(t, 204, "PATCH", "/Groups/"+id, memberOps("remove", u[0])); a.body != nil {
		t.Errorf("204 with %v", a.body)
	}
	if got := b.membersOf(id); !slices.Equal(got, u[1:]) {
		t.Errorf("members %v", got)
	}
	b.took()
	rename := func(name string) string {
		return patchOp(`{"op":"replace","path":"displayName","value":"` + name + `"}`)
	}
	g.must(t, 204, "PATCH", "/Groups/"+id, rename("Marketing"))
	if calls := b.took(); slices.ContainsFunc(calls, func(c string) bool { return strings.HasSuffix(c, "/member-ids") }) {
		t.Errorf("members were read for nobody: %v", calls)
	}
	if a := g.must(t, 200, "PATCH", "/Groups/"+id+"?attributes=displayName", rename("Research")); a.body["displayName"] != "Research" {
		t.Errorf("answered %v", a.body)
	}
	g.must(t, 200, "PUT", "/Groups/"+id, `{"displayName":"Sales"}`)
	g.must(t, 200, "PATCH", "/Users/"+u[0], patchOp(`{"op":"replace","path":"active","value":false}`))
	g.must(t, 400, "PATCH", "/Groups/"+id, memberOps("add", "nobody"))
}

// The life of a group as Entra drives it.
func TestGroupLife(t *testing.T) {
	g, b := onBitwarden(t, nil)
	u := g.people(t, "a", "b", "c", "d")
	b.took()

	made := g.must(t, 201, "POST", "/Groups", `{"displayName":"Sales","externalId":"s1","members":[]}`)
	id := made.id()
	want := map[string]any{
		"schemas": []any{"urn:ietf:params:scim:schemas:core:2.0:Group"}, "id": id, "displayName": "Sales", "externalId": "s1",
		"members": []any{}, "meta": map[string]any{"resourceType": "Group", "location": base + "/Groups/" + id},
	}
	if diff := cmp.Diff(want, made.body); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"GET /public/groups", "POST /public/groups"}, b.took()); diff != "" {
		t.Error(diff)
	}
	for _, again := range []string{`{"displayName":"sales"}`, `{"displayName":"Other","externalId":"s1"}`} {
		if a := g.do(t, "POST", "/Groups", again); a.status != 409 || a.scimType != "uniqueness" {
			t.Errorf("%s: got %d %v", again, a.status, a.err)
		}
	}
	for _, bad := range []string{`{"displayName":" "}`, `{"externalId":"z"}`, `{"displayName":null}`} {
		g.must(t, 400, "POST", "/Groups", bad)
	}
	b.took()

	// A membership change is two calls, however many members, and none that writes when there is nothing to change.
	two := []string{"GET /public/groups/" + id + "/member-ids", "PUT /public/groups/" + id + "/member-ids"}
	a := g.must(t, 200, "PATCH", "/Groups/"+id, memberOps("add", u[0], u[1], u[2], u[0]))
	if diff := cmp.Diff(two, b.took()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]any{"value": u[0], "$ref": base + "/Users/" + u[0], "type": "User"}, a.body["members"].([]any)[0]); diff != "" {
		t.Error(diff)
	}
	for _, step := range []struct {
		name, body string
		want       []string
		calls      []string
	}{
		{"redundant add (Entra)", memberOps("add", u[1]), u[:3], two[:1]},
		{"remove one", memberOps("remove", u[1]), []string{u[0], u[2]}, two},
		{"remove who is not in it", memberOps("remove", u[1], u[3], "nobody"), []string{u[0], u[2]}, two[:1]},
		{"replace", memberOps("replace", u[3], u[2]), []string{u[2], u[3]}, two},
		{"replace by the same", memberOps("replace", u[2], u[3]), []string{u[2], u[3]}, two[:1]},
		{"add and remove", patchOp(`{"op":"add","path":"members","value":[{"value":"`+u[0]+`"}]}`,
			`{"op":"remove","path":"members[value eq \"`+u[2]+`\" or value eq \"`+u[3]+`\"]"}`), u[:1], two},
		{"empty", memberOps("replace"), nil, two},
		{"remove all", patchOp(`{"op":"remove","path":"members"}`), nil, two[:1]},
	} {
		g.must(t, 200, "PATCH", "/Groups/"+id, step.body)
		if got := b.membersOf(id); !slices.Equal(got, step.want) {
			t.Errorf("%s: members %v, want %v", step.name, got, step.want)
		}
		if diff := cmp.Diff(step.calls, b.took()); diff != "" {
			t.Errorf("%s: %s", step.name, diff)
		}
	}

	// Someone whom the organization does not have is refused whole, before anything is written.
	a = g.do(t, "PATCH", "/Groups/"+id, patchOp(`{"op":"replace","path":"displayName","value":"New"}`,
		`{"op":"add","path":"members","value":[{"value":"`+u[0]+`"},{"value":"nobody"}]}`))
	if a.status != 400 || a.scimType != "invalidValue" || len(b.membersOf(id)) > 0 || b.groups[0]["name"] != "Sales" {
		t.Errorf("got %d %v; members %v, name %v", a.status, a.err, b.membersOf(id), b.groups[0]["name"])
	}
	b.took()

	// Both at once.
	g.must(t, 200, "PATCH", "/Groups/"+id, patchOp(`{"op":"replace","value":{"displayName":"Sales EU","externalId":"s2"}}`,
		`{"op":"add","path":"members","value":[{"value":"`+u[0]+`"}]}`))
	if gr := b.groups[0]; gr["name"] != "Sales EU" || gr["externalId"] != "s2" || !slices.Equal(b.membersOf(id), u[:1]) {
		t.Errorf("group %v, members %v", gr, b.membersOf(id))
	}
	// PUT says everything but what it does not mention: members and externalId.
	g.must(t, 200, "PUT", "/Groups/"+id, `{"displayName":"Sales"}`)
	if gr := b.groups[0]; gr["name"] != "Sales" || gr["externalId"] != "s2" || !slices.Equal(b.membersOf(id), u[:1]) {
		t.Errorf("group %v, members %v", gr, b.membersOf(id))
	}
	g.must(t, 200, "PUT", "/Groups/"+id, `{"displayName":"Sales","members":[{"value":"`+u[1]+`"}]}`)
	if got := b.membersOf(id); !slices.Equal(got, u[1:2]) {
		t.Errorf("members %v", got)
	}
	other := g.makeGroup(t, "Other")
	if a := g.do(t, "PATCH", "/Groups/"+id, patchOp(`{"op":"replace","path":"displayName","value":"OTHER"}`)); a.status != 409 {
		t.Errorf("renamed to a taken name: %d %v", a.status, a.err)
	}
	b.took()

	// Reading members is one call a group, made only where they are asked for.
	a = g.must(t, 200, "GET", "/Groups?excludedAttributes=members", "")
	if calls := b.took(); len(calls) > 0 {
		t.Errorf("a list without members took %v", calls)
	}
	if list := a.body["Resources"].([]any); len(list) != 2 || list[0].(map[string]any)["members"] != nil {
		t.Errorf("listed %v", list)
	}
	a = g.must(t, 200, "GET", "/Groups", "")
	if calls := b.took(); len(calls) != 2 {
		t.Errorf("a list with members took %v", calls)
	}
	if m := a.body["Resources"].([]any)[0].(map[string]any)["members"].([]any); len(m) != 1 {
		t.Errorf("members %v", m)
	}
	if ids := g.find(t, "Groups", `id eq "`+id+`" and members eq "`+u[1]+`"`); !slices.Equal(ids, []string{id}) {
		t.Errorf("found %v", ids)
	}
	if ids := g.find(t, "Groups", `members[value eq "`+u[2]+`"]`); ids != nil {
		t.Errorf("found %v", ids)
	}

	// Nobody can be found by what the organization does not keep: a success would leave the member in.
	for _, path := range []string{`members[display eq \"a\"]`, `members[value eq \"` + u[0] + `\" and display eq \"a\"]`, `members[not (display eq \"b\")]`} {
		a := g.do(t, "PATCH", "/Groups/"+other, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"remove","path":"`+path+`"}]}`)
		if a.status != 400 || a.scimType != "invalidPath" {
			t.Errorf("%s: %d %v", path, a.status, a.err)
		}
	}
	g.must(t, 204, "DELETE", "/Groups/"+other, "")
	g.must(t, 404, "DELETE", "/Groups/"+other, "")
	g.must(t, 404, "PATCH", "/Groups/"+other, memberOps("add", u[0]))
	if len(b.members) != 4 {
		t.Error("who leaves a group stays a member of the organization")
	}
}

// 32 requests at once for one group: the organization takes only whole lists, and nothing may be lost.
func TestConcurrentMembership(t *testing.T) {
	g, b := onBitwarden(t, nil)
	var names []string
	for i := range 32 {
		names = append(names, fmt.Sprintf("u%02d", i))
	}
	u := g.people(t, names...)
	id := g.makeGroup(t, "Sales", u[16:]...)
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			op := "add"
			if i >= 16 {
				op = "remove"
			}
			g.must(t, 200, "PATCH", "/Groups/"+id, memberOps(op, u[i]))
		})
	}
	wg.Wait()
	if got := b.membersOf(id); !slices.Equal(got, slices.Sorted(slices.Values(u[:16]))) {
		t.Errorf("members %v, want %v", got, u[:16])
	}
}

// The connection breaks when the list has been written, or before: the provider is told that it failed, repeats it, and
// all is well.
func TestBrokenMembershipWrite(t *testing.T) {
	for _, carriedOut := range []bool{false, true} {
		g, b := onBitwarden(t, nil)
		u := g.people(t, "a", "b")
		id := g.makeGroup(t, "Sales", u[0])
		broken := func(r *http.Request) *upstream.Answer {
			if r.Method == http.MethodPut {
				return &upstream.Answer{Status: 502, Body: []byte("<html>bad gateway</html>")}
			}
			return nil
		}
		if carriedOut {
			b.after = broken
		} else {
			b.fault = broken
		}
		if a := g.do(t, "PATCH", "/Groups/"+id, memberOps("add", u[1])); a.status != 502 {
			t.Errorf("got %d", a.status)
		}
		b.fault, b.after = nil, nil
		g.must(t, 200, "PATCH", "/Groups/"+id, memberOps("add", u[1]))
		if got := b.membersOf(id); !slices.Equal(got, u) {
			t.Errorf("members %v", got)
		}
	}
}

// What a group is called, and what an id looks like, is the provider's business: a file that a storage locks with is not
// named after it.
func TestLongNames(t *testing.T) {
	g, _ := onBitwarden(t, nil)
	long := strings.Repeat("very long indeed ", 15)
	id := g.makeGroup(t, long+"x")
	g.must(t, 200, "PATCH", "/Groups/"+id, patchOp(`{"op":"replace","path":"displayName","value":"`+long+`y"}`))
	for _, method := range []string{"PATCH", "DELETE"} {
		body := ""
		if method == "PATCH" {
			body = patchOp(`{"op":"replace","path":"displayName","value":"z"}`)
		}
		g.must(t, 404, method, "/Groups/"+strings.Repeat("x", 300), body)
	}
}

// An organization that writes names in its own way refuses a group that is there under the name it would write. The
// provider finds it under its own name then, and two of its groups are not taken for one.
func TestNameWrittenOtherwise(t *testing.T) {
	for _, existing := range []string{ExistingConflict, ExistingLink} {
		t.Run(existing, func(t *testing.T) {
			m := bitwardenMapping()
			m.Group.Create[0].Edits[0].Value = "{scim.displayName|slug}"
			m.Group.Create[0].Errors = []mapping.RuleDef{{Status: "409", Answer: 409, Type: "uniqueness"}}
			g, b := onBitwarden(t, func(o *Organization) { o.Mapping, o.Existing = m, existing })
			b.uniqueGroups = true
			b.groups = append(b.groups, map[string]any{"id": "hand", "name": "Chess-Club", "externalId": nil})
			if ids := g.find(t, "Groups", `displayName eq "Chess Club"`); len(ids) > 0 {
				t.Errorf("found %v", ids)
			}
			const chess = `{"displayName":"Chess Club","externalId":"chess"}`
			if a := g.do(t, "POST", "/Groups", chess); existing == ExistingConflict && a.status != 409 || existing == ExistingLink && (a.status != 201 || a.id() != "hand") {
				t.Errorf("got %d %v", a.status, a.body)
			}
			if ids := g.find(t, "Groups", `displayName eq "Chess Club"`); !cmp.Equal(ids, []string{"hand"}) {
				t.Errorf("found %v", ids)
			}
			g.must(t, 409, "POST", "/Groups", `{"displayName":"Chess  Club","externalId":"other"}`)
			if ids := g.find(t, "Groups", `displayName eq "Chess  Club"`); len(ids) > 0 {
				t.Errorf("found %v", ids)
			}
		})
	}
}
