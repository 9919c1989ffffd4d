package provision

import (
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-scim/gateway/module/ledger/storagetest"
	"github.com/caddy-scim/gateway/module/provision/resource"
	"github.com/caddy-scim/gateway/transforms/mapping"
)

// The life of a user as Entra drives it, with what it costs: every step is checked in the organization itself.
func TestUserLife(t *testing.T) {
	g, b := onBitwarden(t, nil)

	// Test Connection: a user who cannot exist.
	if ids := g.find(t, "Users", `userName eq "4c4a2d4f-1f0e-4a0a-8b0e-0d6f6c4c6a11"`); ids != nil {
		t.Fatalf("found %v", ids)
	}
	b.took()

	made := g.must(t, 201, "POST", "/Users", user("Jane@Example.com", "jane",
		`"displayName":"Jane Doe","emails":[{"primary":true,"type":"work","value":"Jane@Example.com"}],"name":{"givenName":"Jane"},"title":"Dr"`))
	if calls := b.took(); !cmp.Equal(calls, []string{"POST /public/members"}) {
		t.Errorf("a create took %v", calls)
	}
	id := made.id()
	if made.location != base+"/Users/"+id {
		t.Errorf("location %q", made.location)
	}
	want := map[string]any{
		"schemas": []any{"urn:ietf:params:scim:schemas:core:2.0:User", resource.StateSchema},
		"id":      id, "userName": "Jane@Example.com", "externalId": "jane", "displayName": "Jane Doe", "active": true,
		"emails":             []any{map[string]any{"type": "work", "value": "jane@example.com"}},
		resource.StateSchema: map[string]any{"state": "invited"},
		"meta":               map[string]any{"resourceType": "User", "location": base + "/Users/" + id},
	}
	if diff := cmp.Diff(want, made.body); diff != "" {
		t.Errorf("created: %s", diff)
	}
	m := b.member(t, id)
	if m["email"] != "jane@example.com" || m["externalId"] != "jane" || m["type"] != float64(2) {
		t.Errorf("member %v", m)
	}
	m["collections"] = []any{map[string]any{"id": "c1"}}

	for _, f := range []string{
		`userName eq "jane@example.com"`, `externalId eq "jane"`, `id eq "` + id + `"`, `displayName eq "jane doe"`,
		`emails.value eq "jane@example.com"`, `emails[type eq "work" and value eq "jane@example.com"]`, `active eq true`,
		`userName eq "x" or externalId eq "jane"`, `userName sw "jane" and not (active eq false)`,
	} {
		if ids := g.find(t, "Users", f); !cmp.Equal(ids, []string{id}) {
			t.Errorf("%s found %v", f, ids)
		}
	}
	for _, f := range []string{`externalId eq "JANE"`, `userName eq "jane"`, `PLACEHOLDER eq "x"`} {
		if ids := g.find(t, "Users", f); ids != nil {
			t.Errorf("%s found %v", f, ids)
		}
	}
	if calls := b.took(); len(calls) > 0 {
		t.Errorf("filters took %v although the view is fresh", calls)
	}
	for _, f := range []string{`title eq "Dr"`, `name.familyName eq "Doe"`, `emails.display eq "x"`, `meta.created pr`} {
		if a := g.do(t, "GET", "/Users?filter="+url.QueryEscape(f), ""); a.status != 400 || a.scimType != "invalidFilter" {
			t.Errorf("%s asks for what is not kept, and got %v", f, a)
		}
	}

	// The same again, whichever way it is the same.
	for _, again := range []string{user("JANE@example.com", "other"), user("other@example.com", "jane"), user("upn@example.com", "o", `"emails":[{"primary":true,"value":"jane@EXAMPLE.com"}]`)} {
		if a := g.do(t, "POST", "/Users", again); a.status != 409 || a.scimType != "uniqueness" {
			t.Errorf("%s: got %d %v", again, a.status, a.err)
		}
	}
	b.took()

	// No value is no word to lock somebody out (T4), and a PUT without active says nothing about it.
	for _, op := range []string{`{"op":"remove","path":"active"}`, `{"op":"replace","value":{"active":null}}`} {
		if a := g.do(t, "PATCH", "/Users/"+id, patchOp(op)); a.status != 400 || a.scimType != "invalidValue" || m["status"] != 0 {
			t.Errorf("%s: got %v, member %v", op, a, m)
		}
	}
	b.took()

	// Disabled: revoked, with all that belongs to the member.
	a := g.must(t, 200, "PATCH", "/Users/"+id, patchOp(`{"op":"replace","path":"active","value":false}`))
	if a.body["active"] != false || m["status"] != -1 {
		t.Errorf("disabled: %v, member %v", a.body, m)
	}
	if diff := cmp.Diff([]string{"GET /public/members/" + id, "POST /public/members/" + id + "/revoke", "GET /public/members/" + id}, b.took()); diff != "" {
		t.Error(diff)
	}
	// Already so: no write.
	g.must(t, 200, "PATCH", "/Users/"+id, patchOp(`{"op":"replace","path":"active","value":false}`))
	if calls := b.took(); !cmp.Equal(calls, []string{"GET /public/members/" + id}) {
		t.Errorf("a change that changes nothing took %v", calls)
	}
	// A PUT without active is not a word on it; what the organization cannot keep costs nothing.
	a = g.must(t, 200, "PUT", "/Users/"+id, `{"userName":"jane@example.com","displayName":"Jane D.","title":"Prof"}`)
	if a.body["active"] != false || m["status"] != -1 || a.body["displayName"] != "Jane D." || a.body["title"] != nil || m["externalId"] != "jane" {
		t.Errorf("put: %v, member %v", a.body, m)
	}
	b.took()
	a = g.must(t, 200, "PATCH", "/Users/"+id, patchOp(`{"op":"replace","value":{"active":true,"externalId":"jane2"}}`))
	if a.body["active"] != true || m["status"] != 0 || m["externalId"] != "jane2" || a.body["externalId"] != "jane2" {
		t.Errorf("restored: %v, member %v", a.body, m)
	}
	if diff := cmp.Diff([]any{map[string]any{"id": "c1"}}, m["collections"]); diff != "" {
		t.Errorf("access to collections was lost: %s", diff)
	}

	b.took()
	g.must(t, 204, "DELETE", "/Users/"+id, "")
	if b.member(t, id) != nil {
		t.Error("the member is still there")
	}
	for _, method := range []string{"GET", "DELETE"} {
		g.must(t, 404, method, "/Users/"+id, "")
	}
	g.must(t, 404, "PATCH", "/Users/"+id, patchOp(`{"op":"replace","path":"active","value":false}`))
}

// The provider's userName is not always the address that the organization knows the member by.
func TestUserNameIsNotMail(t *testing.T) {
	g, b := onBitwarden(t, nil)
	id := g.must(t, 201, "POST", "/Users", user("jane@corp.onmicrosoft.com", "jane",
		`"emails":[{"primary":true,"type":"work","value":"jane@example.com"}]`)).id()
	if m := b.member(t, id); m["email"] != "jane@example.com" {
		t.Errorf("invited %v", m["email"])
	}
	if ids := g.find(t, "Users", `userName eq "JANE@corp.onmicrosoft.com"`); !cmp.Equal(ids, []string{id}) {
		t.Errorf("found %v", ids)
	}
	// Renamed at the provider: the address of an account cannot be changed, the name is remembered.
	g.must(t, 200, "PATCH", "/Users/"+id, patchOp(`{"op":"replace","path":"userName","value":"doe@corp.onmicrosoft.com"}`))
	if ids := g.find(t, "Users", `userName eq "doe@corp.onmicrosoft.com"`); !cmp.Equal(ids, []string{id}) {
		t.Errorf("found %v", ids)
	}
	if ids := g.find(t, "Users", `userName eq "jane@corp.onmicrosoft.com"`); ids != nil {
		t.Errorf("the old name still finds %v", ids)
	}
	// A new gateway over the same storage knows it too; one that lost the ledger does not, and does no harm.
	c := newGateway(t, &Organization{Mapping: bitwardenMapping()}, b, g.shared.seat.Storage())
	if ids := c.find(t, "Users", `userName eq "doe@corp.onmicrosoft.com"`); !cmp.Equal(ids, []string{id}) {
		t.Errorf("the other gateway found %v", ids)
	}
	lost := newGateway(t, &Organization{Mapping: bitwardenMapping(), Existing: ExistingLink}, b, storagetest.New())
	if ids := lost.find(t, "Users", `userName eq "doe@corp.onmicrosoft.com"`); ids != nil {
		t.Errorf("found %v without a ledger", ids)
	}
	again := lost.must(t, 201, "POST", "/Users", user("doe@corp.onmicrosoft.com", "jane", `"emails":[{"primary":true,"value":"jane@example.com"}]`))
	if again.id() != id || len(b.members) != 1 {
		t.Errorf("linked %s, want %s; %d members", again.id(), id, len(b.members))
	}
	if ids := lost.find(t, "Users", `userName eq "doe@corp.onmicrosoft.com"`); !cmp.Equal(ids, []string{id}) {
		t.Errorf("found %v after the link", ids)
	}
}

// Where an organization knows its people by their address, a provider that changes the userName and never spoke of
// addresses means the address.
func TestAddressFollowsUserName(t *testing.T) {
	m := bitwardenMapping()
	m.User.Update[0].Edits = append(m.User.Update[0].Edits, mapping.EditDef{Path: "email", Value: "{scim.email|lower}", If: []string{"userName", "emails"}})
	g, b := onBitwarden(t, func(o *Organization) { o.Mapping = m })
	id := g.people(t, "jane")[0]
	rename := func(userName, want string, more ...string) {
		t.Helper()
		a := g.must(t, 200, "PATCH", "/Users/"+id, patchOp(append(more, `{"op":"replace","path":"userName","value":"`+userName+`"}`)...))
		if got := b.member(t, id)["email"]; got != want || a.body["userName"] != userName {
			t.Errorf("%s: the address is %v, want %s; told %v", userName, got, want, a.body["userName"])
		}
	}
	rename("jane.roe@example.com", "jane.roe@example.com")
	rename("jane", "jane.roe@example.com")              // is no address
	rename("jane@corp.example", "jane.roe@example.com") // the two had parted already
	rename("jane.doe@corp.example", "jd@example.com", `{"op":"replace","path":"emails[type eq \"work\"].value","value":"jd@example.com"}`)
}

// Where it is asked for, a userName that is the address stays the address.
func TestUserNameFollowsAddress(t *testing.T) {
	for _, follows := range []bool{false, true} {
		g, _ := onBitwarden(t, func(o *Organization) {
			o.UserNameFollowsEmail, o.Ledger.Store = follows, []string{"emails"}
		})
		address := func(id, value, want string) {
			t.Helper()
			a := g.must(t, 200, "PATCH", "/Users/"+id, patchOp(`{"op":"replace","path":"emails[type eq \"work\"].value","value":"`+value+`"}`))
			if a.body["userName"] != want {
				t.Errorf("follows %v: userName is %v, want %s", follows, a.body["userName"], want)
			}
			if ids := g.find(t, "Users", `userName eq "`+want+`"`); !cmp.Equal(ids, []string{id}) {
				t.Errorf("found %v", ids)
			}
		}
		jane := g.people(t, "jane")[0]
		address(jane, "jr@example.com", map[bool]string{false: "jane@example.com", true: "jr@example.com"}[follows])
		bob := g.must(t, 201, "POST", "/Users", user("bob@corp.example", "bob", `"emails":[{"type":"work","value":"bob@example.com"}]`)).id()
		address(bob, "b@example.com", "bob@corp.example")
	}
}
