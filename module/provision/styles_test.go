package provision

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-scim/gateway/module/upstream"
	"github.com/caddy-scim/gateway/transforms/mapping"
)

func oneCall(method, url string, edits ...mapping.EditDef) []mapping.CallDef {
	return []mapping.CallDef{{Method: method, URL: url, Edits: edits}}
}

// styles are the ways in which organizations change the members of a group.
var styles = map[string]func(*mapping.ResourceDef){
	"whole list": func(*mapping.ResourceDef) {},
	"one by one": func(g *mapping.ResourceDef) {
		g.MembersSet = nil
		g.MemberAdd = oneCall("PUT", "/groups/{id}/members/{mid}")
		g.MemberRemove = oneCall("DELETE", "/groups/{id}/members/{mid}")
	},
	"one by one, by something else than the id": func(g *mapping.ResourceDef) {
		g.MembersSet = nil
		g.MemberAdd = oneCall("PUT", "/groups/{id}/members/{member.id}")
		g.MemberRemove = oneCall("DELETE", "/groups/{id}/members/{member.id}")
	},
	"several at once": func(g *mapping.ResourceDef) {
		g.MembersSet = nil
		g.MemberAdd = oneCall("POST", "/groups/{id}/members/add", mapping.EditDef{Path: "ids", Value: "{members}"})
		g.MemberRemove = oneCall("POST", "/groups/{id}/members/remove", mapping.EditDef{Path: "ids", Value: "{members}"})
	},
	"all of them": func(g *mapping.ResourceDef) {
		g.MemberAdd = oneCall("PUT", "/groups/{id}/members/{mid}")
		g.MemberRemove = oneCall("DELETE", "/groups/{id}/members/{mid}")
	},
	"a list on the user": onTheUser,
	"resources of their own": func(g *mapping.ResourceDef) {
		g.MembersSet = nil
		g.MemberAdd = oneCall("POST", "/memberships", mapping.EditDef{Path: "user", Value: "{mid}"}, mapping.EditDef{Path: "group", Value: "{id}"})
		g.MemberRemove = []mapping.CallDef{
			{Method: "GET", URL: "/memberships", Save: []mapping.SaveDef{{Name: "m", Path: "@this", Take: "id", Where: []mapping.WhereDef{
				{Path: "user", Value: "{mid}"}, {Path: "group", Value: "{id}"},
			}}}},
			{Method: "DELETE", URL: "/memberships/{m}"},
		}
	},
	"inside the group": func(g *mapping.ResourceDef) {
		g.Members, g.EmbeddedMembers = nil, "memberIds"
	},
}

// onTheUser is the way of an organization whose users have the list of their groups, so that a membership is read, changed
// and written with the whole user.
func onTheUser(g *mapping.ResourceDef) {
	change := func(action string) []mapping.CallDef {
		return []mapping.CallDef{
			{Method: "GET", URL: "/members/{mid}", Save: []mapping.SaveDef{{Name: "u", Path: "@this"}}},
			{Method: "GET", URL: "/members/{mid}/group-ids", Save: []mapping.SaveDef{{Name: "in", Path: "@this"}}},
			{Method: "PUT", URL: "/members/{mid}", From: "u", Edits: []mapping.EditDef{
				{Path: "groups", Value: "{in}"}, {Action: action, Path: "groups", Value: "{id}"},
			}},
		}
	}
	g.MembersSet = nil
	g.MemberAdd, g.MemberRemove = change("append"), change("remove")
}

// Whatever the organization's way, members come out the same.
func TestMembershipStyles(t *testing.T) {
	for name, style := range styles {
		t.Run(name, func(t *testing.T) {
			m := bitwardenMapping()
			style(m.Group)
			g, b := onBitwarden(t, func(o *Organization) { o.Mapping = m })
			u := g.people(t, "a", "b", "c", "d")
			id := g.makeGroup(t, "Sales", u[0], u[1])
			for _, step := range []struct {
				body string
				want []string
			}{
				{memberOps("add", u[1], u[2]), u[:3]},
				{memberOps("remove", u[0], u[3], "nobody"), u[1:3]},
				{memberOps("replace", u[3], u[1]), []string{u[1], u[3]}},
				{patchOp(`{"op":"add","path":"members","value":[{"value":"`+u[0]+`"}]}`, `{"op":"remove","path":"members[value eq \"`+u[3]+`\"]"}`), u[:2]},
				{memberOps("replace"), nil},
			} {
				a := g.must(t, 200, "PATCH", "/Groups/"+id, step.body)
				if got := b.membersOf(id); !slices.Equal(got, step.want) {
					t.Errorf("%s: members %v, want %v", step.body, got, step.want)
				}
				told := memberIDs(a)
				slices.Sort(told)
				if !slices.Equal(told, step.want) {
					t.Errorf("%s: told %v, want %v", step.body, told, step.want)
				}
				b.took()
				g.must(t, 200, "PATCH", "/Groups/"+id, step.body)
				for _, c := range b.took() {
					if !strings.HasPrefix(c, "GET") {
						t.Errorf("%s again: %s", step.body, c)
					}
				}
			}
			if a := g.do(t, "PATCH", "/Groups/"+id, memberOps("add", u[0], "nobody")); a.status != 400 || len(b.membersOf(id)) > 0 {
				t.Errorf("somebody unknown: %d, members %v", a.status, b.membersOf(id))
			}
		})
	}
}

// A member whose item is needed for the call, and of whom something says that they are not there: that is believed only
// where the organization's list says so too.
func TestMemberWhoIsThere(t *testing.T) {
	g, b := onBitwarden(t, func(o *Organization) { styles["one by one, by something else than the id"](o.Mapping.Group) })
	u := g.people(t, "in", "out")
	group := g.makeGroup(t, "Sales", u[0])
	b.fault = func(r *http.Request) *upstream.Answer {
		if strings.HasPrefix(r.URL.Path, "/public/members/") {
			return &upstream.Answer{Status: 404, Header: http.Header{}}
		}
		return nil
	}
	for range 2 {
		g.must(t, 502, "PATCH", "/Groups/"+group, memberOps("remove", u[0]))
		g.must(t, 502, "PATCH", "/Groups/"+group, memberOps("add", u[1]))
		g.seen.users.Expire()
	}
	b.fault = nil
	g.must(t, 200, "PATCH", "/Groups/"+group, memberOps("add", u[1]))
	b.members = b.members[1:] // removed by hand; the group names them still
	g.must(t, 200, "PATCH", "/Groups/"+group, memberOps("remove", u[0]))
	if got := b.membersOf(group); !slices.Equal(got, u) {
		t.Errorf("members %v", got)
	}
}

// The connection breaks after the third of five members: the provider is told how far it came, and its repetition
// completes it.
func TestHalfDoneMembership(t *testing.T) {
	m := bitwardenMapping()
	styles["one by one"](m.Group)
	g, b := onBitwarden(t, func(o *Organization) { o.Mapping = m })
	u := g.people(t, "a", "b", "c", "d", "e")
	id := g.makeGroup(t, "Sales")
	n := 0
	b.fault = func(r *http.Request) *upstream.Answer {
		if r.Method != http.MethodPut {
			return nil
		}
		if n++; n > 3 {
			return &upstream.Answer{Status: 503, Header: http.Header{}}
		}
		return nil
	}
	a := g.do(t, "PATCH", "/Groups/"+id, memberOps("add", u...))
	if a.status != 502 || !strings.Contains(a.err.Detail, "3 of 5") || len(b.membersOf(id)) != 3 {
		t.Errorf("got %d %v, members %v", a.status, a.err, b.membersOf(id))
	}
	b.fault = nil
	b.took()
	g.must(t, 200, "PATCH", "/Groups/"+id, memberOps("add", u...))
	if got := b.membersOf(id); !slices.Equal(got, u) {
		t.Errorf("members %v", got)
	}
	if calls := b.took(); len(calls) != 4 { // the group, its members, and the two that were left
		t.Errorf("the repetition took %v", calls)
	}
}

// Where the organization can search, nobody lists it; and what a search finds too much is not believed.
func TestFind(t *testing.T) {
	m := bitwardenMapping()
	m.User.Find = map[string]mapping.CallDef{
		"userName":   {Method: "GET", URL: "/members?email={value}", Items: "data"}, // the fake answers with everybody
		"externalId": {Method: "GET", URL: "/members?ext={value}", Items: "data"},
	}
	g, b := onBitwarden(t, func(o *Organization) { o.Mapping, o.ViewTTL = m, -1 })
	u := g.people(t, "a", "b", "c")
	for name, id := range map[string]string{"a@example.com": u[0], "B@example.com": u[1], "x@example.com": ""} {
		var want []string
		if id != "" {
			want = []string{id}
		}
		b.took()
		if got := g.find(t, "Users", `userName eq "`+name+`"`); !cmp.Equal(got, want) {
			t.Errorf("%s found %v", name, got)
		}
		if calls := b.took(); len(calls) != 1 {
			t.Errorf("a filter took %v", calls)
		}
	}
	if a := g.do(t, "POST", "/Users", user("a@example.com", "z")); a.status != 409 {
		t.Errorf("got %d", a.status)
	}
}

// Any attribute can be searched for, and any can be unique; those of extensions too.
func TestFindAnything(t *testing.T) {
	const schemaURI = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	m := bitwardenMapping()
	for _, attribute := range []string{"nickName", "title", schemaURI + ":employeeNumber"} {
		m.User.Map = append(m.User.Map, mapping.MapDef{Attribute: attribute, Value: "externalId"})
	}
	m.User.Find = map[string]mapping.CallDef{"nickName": {Method: "GET", URL: "/members?nick={value}", Items: "data"}}
	m.User.Unique = []string{schemaURI + ":employeeNumber"}
	g, b := onBitwarden(t, func(o *Organization) { o.Mapping, o.ViewTTL = m, -1 })
	u := g.people(t, "a", "b")
	searched := false
	b.fault = func(r *http.Request) *upstream.Answer {
		searched = searched || r.URL.RawQuery == "nick=a"
		return nil
	}
	for _, attribute := range []string{"nickName", "title", schemaURI + ":employeeNumber"} {
		if got := g.find(t, "Users", attribute+` eq "a"`); !slices.Equal(got, u[:1]) {
			t.Errorf("by %s: %v", attribute, got)
		}
	}
	if !searched {
		t.Error("the organization can search and was not asked to")
	}
	g.must(t, 409, "POST", "/Users", user("c@example.com", "c", `"`+schemaURI+`":{"employeeNumber":"B"}`))
}

// Lists that hold only references, and items that are known by another key than their id.
func TestHydrateAndKey(t *testing.T) {
	m := bitwardenMapping()
	m.User.List[0].Hydrate = true
	m.User.Key = "email"
	g, b := onBitwarden(t, func(o *Organization) { o.Mapping = m })
	u := g.people(t, "a", "b")
	g.seen.users.Expire()
	b.took()
	if a := g.must(t, 200, "GET", "/Users", ""); a.body["totalResults"] != float64(2) {
		t.Errorf("got %v", a.body)
	}
	if diff := cmp.Diff([]string{"GET /public/members", "GET /public/members/" + u[0], "GET /public/members/" + u[1]}, b.took()); diff != "" {
		t.Error(diff)
	}
	if key := g.user.KeyOf(u[0]); key != "a@example.com" {
		t.Errorf("key %q", key)
	}
}

// A membership that is kept on the user is written with all that the user is: neither another membership nor a change of the
// user may get lost on the way.
func TestListOnTheUserBesideChanges(t *testing.T) {
	m := bitwardenMapping()
	onTheUser(m.Group)
	m.Auths["default"] = mapping.AuthDef{Kind: "header", Header: "Authorization", Value: "Bearer fixed"}
	g, b := onBitwarden(t, func(o *Organization) { o.Mapping = m })
	b.token = "fixed"
	id := g.people(t, "jane")[0]
	var groups []string
	for _, name := range []string{"A", "B", "C", "D"} {
		groups = append(groups, g.makeGroup(t, name))
	}
	b.fault = func(*http.Request) *upstream.Answer { // so that there is time for others between two calls
		time.Sleep(time.Millisecond)
		return nil
	}
	for round := range 3 {
		var wg sync.WaitGroup
		for i, group := range groups {
			wg.Go(func() {
				g.must(t, 200, "PATCH", "/Groups/"+group, memberOps([]string{"add", "remove"}[(round+i)%2], id))
			})
		}
		externalID := fmt.Sprint("jane", round)
		wg.Go(func() {
			g.must(t, 200, "PATCH", "/Users/"+id, patchOp(`{"op":"replace","path":"externalId","value":"`+externalID+`"}`))
		})
		wg.Wait()
		if got := b.member(t, id)["externalId"]; got != externalID {
			t.Errorf("externalId is %v, want %s", got, externalID)
		}
		for i, group := range groups {
			if in := slices.Contains(b.membersOf(group), id); in != ((round+i)%2 == 0) {
				t.Errorf("round %d: a member of group %d is %v", round, i, in)
			}
		}
	}
}
