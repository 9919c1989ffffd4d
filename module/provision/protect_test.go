package provision

import (
	"strings"
	"testing"
	"time"

	"github.com/caddy-scim/gateway/module/guard"
)

// protecting makes a gateway protect people and groups, as the guard's lines say.
func (g *gateway) protecting(lines ...string) *gateway {
	var c guard.Config
	for _, line := range lines {
		words := strings.Fields(line)
		c.Protect = append(c.Protect, guard.Protection{Attribute: words[0], Patterns: words[1:]})
	}
	g.guard = &guard.Open{Guard: guard.New(c, time.Now)}
	return g
}

// Who is protected stays so: nothing that the provider writes takes away what they are protected by, and then their access.
func TestProtectedPeople(t *testing.T) {
	const mail = `"emails":[{"value":"break@example.com","type":"work"},{"value":"glass@home.example","type":"home"}]`
	replaced := func(attribute, value string) string {
		return patchOp(`{"op":"replace","path":"` + attribute + `","value":"` + value + `"}`)
	}
	for name, write := range map[string]string{
		"disabled":             patchOp(disable),
		"renamed":              replaced("userName", "somebody@example.com"),
		"renamed and disabled": patchOp(`{"op":"replace","path":"userName","value":"somebody@example.com"}`, disable),
		"given another mail":   patchOp(`{"op":"replace","path":"emails[type eq \"home\"].value","value":"evil@home.example"}`),
		"without mails":        patchOp(`{"op":"remove","path":"emails"}`),
	} {
		g, b := onBitwarden(t, func(o *Organization) { o.Ledger.Store = []string{"*"} })
		id := g.must(t, 201, "POST", "/Users", user("break@example.com", "bg", mail)).id()
		g.protecting("userName BREAK@*")
		if a := g.do(t, "PATCH", "/Users/"+id, write); a.status != 403 || !strings.Contains(a.err.Detail, "(protect userName BREAK@*)") {
			t.Errorf("%s: %d %v", name, a.status, a.err)
		}
		g.must(t, 403, "DELETE", "/Users/"+id, "")
		if b.member(t, id)["status"] != 0 {
			t.Errorf("%s: %v", name, b.member(t, id))
		}
		g.must(t, 200, "PATCH", "/Users/"+id, replaced("title", "Emergency"))
		g.must(t, 200, "PATCH", "/Users/"+id, patchOp(`{"op":"add","path":"emails","value":[{"value":"more@example.com","type":"other"}]}`))
	}
	for attribute, line := range map[string]string{"externalId": "externalId bg", "title": "title emergency", "displayName": "displayName *glass"} {
		g, _ := onBitwarden(t, func(o *Organization) { o.Ledger.Store = []string{"*"} })
		id := g.must(t, 201, "POST", "/Users", user("break@example.com", "bg", `"title":"Emergency"`, `"displayName":"Break Glass"`)).id()
		g.protecting(line)
		g.must(t, 403, "PATCH", "/Users/"+id, replaced(attribute, "other"))
		g.must(t, 403, "PATCH", "/Users/"+id, patchOp(disable))
	}
}

// A member whom the provider is refused to create is found by the provider's name from then on, and is protected under the
// organization's name all the same.
func TestProtectedUnderEitherName(t *testing.T) {
	g, b := onBitwarden(t, nil)
	const id = "by-hand"
	b.members = append(b.members, map[string]any{"id": id, "email": "break-glass@example.com", "status": 2, "type": 2, "externalId": nil})
	g.protecting("userName break-glass@*")
	g.must(t, 409, "POST", "/Users", user("somebody@example.com", "x", `"emails":[{"value":"break-glass@example.com","type":"work","primary":true}]`))
	if ids := g.find(t, "Users", `userName eq "somebody@example.com"`); len(ids) != 1 || ids[0] != id {
		t.Fatalf("found %v", ids)
	}
	g.must(t, 403, "PATCH", "/Users/"+id, patchOp(disable))
	g.must(t, 403, "DELETE", "/Users/"+id, "")
	if b.member(t, id) == nil {
		t.Error("gone")
	}
}

// A group that is protected keeps its name, and some of those who were in it.
func TestProtectedGroup(t *testing.T) {
	g, b := onBitwarden(t, nil)
	ids := g.people(t, "ann", "bob", "cy")
	group := g.must(t, 201, "POST", "/Groups", `{"displayName":"Administrators","externalId":"adm","members":[{"value":"`+ids[0]+`"},{"value":"`+ids[1]+`"}]}`).id()
	g.protecting("displayName admin*")
	for name, write := range map[string]string{
		"renamed":   patchOp(`{"op":"replace","path":"displayName","value":"Nobody"}`),
		"emptied":   memberOps("remove", ids[0], ids[1]),
		"removed":   patchOp(`{"op":"remove","path":"members"}`),
		"exchanged": memberOps("replace", ids[2]),
	} {
		if a := g.do(t, "PATCH", "/Groups/"+group, write); a.status != 403 {
			t.Errorf("%s: %d %v", name, a.status, a.err)
		}
	}
	g.must(t, 403, "PUT", "/Groups/"+group, `{"displayName":"Administrators","members":[]}`)
	g.must(t, 403, "DELETE", "/Groups/"+group, "")
	if in := b.in[group]; len(in) != 2 {
		t.Errorf("in the group: %v", in)
	}
	g.must(t, 200, "PATCH", "/Groups/"+group, memberOps("remove", ids[0]))
	g.must(t, 403, "PATCH", "/Groups/"+group, memberOps("remove", ids[1]))
	g.must(t, 200, "PATCH", "/Groups/"+group, memberOps("add", ids[2]))
	g.must(t, 200, "PATCH", "/Groups/"+group, memberOps("remove", ids[1]))
}
