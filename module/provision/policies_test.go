package provision

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-scim/gateway/module/ledger/storagetest"
	"github.com/caddy-scim/gateway/module/provision/api"
	"github.com/caddy-scim/gateway/module/provision/resource"
	"github.com/caddy-scim/gateway/module/upstream"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/schema"
)

const disable = `{"op":"replace","path":"active","value":false}`
const enable = `{"op":"replace","path":"active","value":true}`

func inactive(userName, externalId string, more ...string) string {
	return strings.Replace(user(userName, externalId, more...), `"active":true`, `"active":false`, 1)
}

// Nobody is invited before being active for the first time; until then the ledger stands in for the organization.
func TestInactiveDefer(t *testing.T) {
	g, b := onBitwarden(t, nil)
	other := newGateway(t, &Organization{Mapping: bitwardenMapping()}, b, g.shared.seat.Storage())
	a := g.must(t, 201, "POST", "/Users", inactive("jane@corp.example", "jane",
		`"displayName":"Jane","title":"Dr","password":"p","x509Certificates":[{"value":"TUlJQ0VSVA=="}],"emails":[{"primary":true,"type":"work","value":"jane@example.com"}]`))
	id := a.id()
	if len(b.members) > 0 || a.body["active"] != false || a.body["displayName"] != "Jane" || a.body["title"] != nil {
		t.Errorf("members %v, answer %v", b.members, a.body)
	}
	record, err := g.user.book.Get(t.Context(), id)
	if err != nil || record == nil {
		t.Fatal(record, err)
	}
	for _, word := range []string{"title", "x509Certificates", "password"} { // nobody will ever ask for them
		if strings.Contains(string(record.Deferred), word) {
			t.Errorf("%s is remembered: %s", word, record.Deferred)
		}
	}
	present := g.people(t, "bob")
	group := g.makeGroup(t, "Sales", id, present[0])
	if got := b.membersOf(group); !slices.Equal(got, present) {
		t.Errorf("members %v", got)
	}
	for _, gw := range []*gateway{g, other} {
		gw.must(t, 200, "GET", "/Users/"+id, "")
		if ids := gw.find(t, "Users", `userName eq "JANE@corp.example"`); !cmp.Equal(ids, []string{id}) {
			t.Errorf("found %v", ids)
		}
		if a := gw.must(t, 200, "GET", "/Groups/"+group, ""); len(a.body["members"].([]any)) != 2 {
			t.Errorf("members %v", a.body["members"])
		}
		if a := gw.must(t, 200, "GET", "/Users", ""); a.body["totalResults"] != float64(2) {
			t.Errorf("total %v", a.body["totalResults"])
		}
		if a := gw.do(t, "POST", "/Users", user("jane@corp.example", "z")); a.status != 409 {
			t.Errorf("created again: %d", a.status)
		}
	}
	g.must(t, 200, "PATCH", "/Users/"+id, patchOp(`{"op":"replace","path":"displayName","value":"Jane D."}`))
	g.must(t, 200, "PATCH", "/Users/"+id, patchOp(disable)) // already so
	if len(b.members) != 1 {
		t.Fatalf("members %v", b.members)
	}

	a = g.must(t, 200, "PATCH", "/Users/"+id, patchOp(enable))
	if a.id() != id || a.body["active"] != true || a.body["displayName"] != "Jane D." {
		t.Errorf("activated: %v", a.body)
	}
	m := b.members[1]
	if m["email"] != "jane@example.com" || m["externalId"] != "jane" {
		t.Errorf("member %v", m)
	}
	if got := b.membersOf(group); !slices.Contains(got, m["id"].(string)) || len(got) != 2 {
		t.Errorf("members %v", got)
	}
	for _, gw := range []*gateway{g, newGateway(t, &Organization{Mapping: bitwardenMapping()}, b, g.shared.seat.Storage())} {
		if ids := gw.find(t, "Users", `userName eq "jane@corp.example"`); !cmp.Equal(ids, []string{id}) {
			t.Errorf("found %v", ids)
		}
		gw.must(t, 404, "GET", "/Users/"+m["id"].(string), "") // the provider knows one id, not two
		if ids := memberIDs(gw.must(t, 200, "GET", "/Groups/"+group, "")); !slices.Contains(ids, id) || len(ids) != 2 {
			t.Errorf("members %v", ids)
		}
	}
	g.must(t, 200, "PATCH", "/Groups/"+group, memberOps("remove", id))
	if got := b.membersOf(group); !slices.Equal(got, present) {
		t.Errorf("members %v", got)
	}
	g.must(t, 200, "PATCH", "/Users/"+id, patchOp(disable))
	if m["status"] != -1 {
		t.Errorf("status %v", m["status"])
	}
	g.must(t, 204, "DELETE", "/Users/"+id, "")
	g.must(t, 404, "GET", "/Users/"+id, "")
	if len(b.members) != 1 {
		t.Errorf("members %v", b.members)
	}
}

func memberIDs(a answer) []string {
	var ids []string
	for _, m := range a.body["members"].([]any) {
		ids = append(ids, m.(map[string]any)["value"].(string))
	}
	return ids
}

// A user who waits and is deleted or renamed leaves nothing behind.
func TestDeferredUserGoes(t *testing.T) {
	g, b := onBitwarden(t, nil)
	id := g.must(t, 201, "POST", "/Users", inactive("jane@example.com", "jane")).id()
	group := g.makeGroup(t, "Sales", id)
	g.must(t, 204, "DELETE", "/Users/"+id, "")
	g.must(t, 404, "GET", "/Users/"+id, "")
	if ids := memberIDs(g.must(t, 200, "GET", "/Groups/"+group, "")); ids != nil {
		t.Errorf("members %v", ids)
	}
	g.must(t, 201, "POST", "/Users", user("jane@example.com", "jane"))
	if got := b.membersOf(group); len(got) > 0 {
		t.Errorf("members %v", got)
	}
}

func TestInactivePolicies(t *testing.T) {
	g, b := onBitwarden(t, func(o *Organization) { o.Inactive = InactiveReject })
	if a := g.do(t, "POST", "/Users", inactive("jane@example.com", "jane")); a.status != 400 || len(b.members) > 0 {
		t.Errorf("reject: %d, members %v", a.status, b.members)
	}
	g, b = onBitwarden(t, func(o *Organization) { o.Inactive = InactiveRevoke })
	a := g.must(t, 201, "POST", "/Users", inactive("jane@example.com", "jane"))
	if a.body["active"] != false || b.members[0]["status"] != -1 {
		t.Errorf("create_then_revoke: %v, member %v", a.body, b.members[0])
	}
}

func TestExistingLink(t *testing.T) {
	g, b := onBitwarden(t, func(o *Organization) { o.Existing = ExistingLink })
	by := newGateway(t, &Organization{Mapping: bitwardenMapping()}, b, storagetest.New())
	ids := by.people(t, "jane")
	by.must(t, 200, "PATCH", "/Users/"+ids[0], patchOp(disable))

	a := g.must(t, 201, "POST", "/Users", user("Jane@Example.com", "other", `"displayName":"Jane"`))
	m := b.members[0]
	if a.id() != ids[0] || len(b.members) != 1 || m["externalId"] != "jane" || a.body["externalId"] != "jane" {
		t.Errorf("the link rewrote something: %v, member %v", a.body, m)
	}
	if m["status"] != 0 || a.body["active"] != true {
		t.Errorf("a user who is provisioned again is active: %v, member %v", a.body, m)
	}
	// A repetition is answered as the first time. Somebody else of the provider's is not the same member, whatever they have
	// in common: one of them would act as the other.
	if a := g.must(t, 201, "POST", "/Users", user("jane@example.com", "other")); a.id() != ids[0] {
		t.Errorf("the repetition made %v", a.body)
	}
	g.must(t, 409, "POST", "/Users", user("joe@corp.example", "jane"))
	g.must(t, 409, "POST", "/Users", user("joe@corp.example", "joe", `"emails":[{"type":"work","value":"jane@example.com"}]`))
	if a := g.must(t, 200, "GET", "/Users/"+ids[0], ""); a.body["userName"] != "Jane@Example.com" && a.body["userName"] != "jane@example.com" {
		t.Errorf("now it is %v", a.body)
	}
	waits := g.must(t, 201, "POST", "/Users", inactive("wanda@example.com", "wanda"))
	g.must(t, 409, "POST", "/Users", user("somebody@example.com", "wanda"))
	if a := g.must(t, 201, "POST", "/Users", inactive("wanda@example.com", "wanda")); a.id() != waits.id() {
		t.Errorf("the repetition made %v", a.body)
	}
	group := by.makeGroup(t, "Sales", ids[0])
	more := g.people(t, "bob")
	a = g.must(t, 201, "POST", "/Groups", `{"displayName":"sales","externalId":"zz","members":[{"value":"`+more[0]+`"}]}`)
	if a.id() != group || len(b.groups) != 1 || b.groups[0]["name"] != "Sales" || !slices.Equal(b.membersOf(group), []string{ids[0], more[0]}) {
		t.Errorf("linked %v; group %v, members %v", a.body, b.groups[0], b.membersOf(group))
	}
}

func TestDeletePolicies(t *testing.T) {
	g, _ := onBitwarden(t, func(o *Organization) { o.Delete = DeleteRefuse })
	id := g.people(t, "jane")[0]
	g.must(t, 403, "DELETE", "/Users/"+id, "")

	g, b := onBitwarden(t, func(o *Organization) { o.Delete = DeleteRevoke })
	id = g.people(t, "jane")[0]
	g.must(t, 204, "DELETE", "/Users/"+id, "")
	if m := b.member(t, id); m == nil || m["status"] != -1 {
		t.Fatalf("member %v", m)
	}
	// To the provider the user is gone (RFC 7644 §3.6), until it is created again.
	for _, gw := range []*gateway{g, newGateway(t, &Organization{Mapping: bitwardenMapping(), Delete: DeleteRevoke}, b, g.shared.seat.Storage())} {
		gw.must(t, 404, "GET", "/Users/"+id, "")
		gw.must(t, 404, "DELETE", "/Users/"+id, "")
		if ids := gw.find(t, "Users", `userName eq "jane@example.com"`); ids != nil {
			t.Errorf("found %v", ids)
		}
		if a := gw.must(t, 200, "GET", "/Users", ""); a.body["totalResults"] != float64(0) {
			t.Errorf("total %v", a.body["totalResults"])
		}
	}
	a := g.must(t, 201, "POST", "/Users", user("jane@example.com", "jane"))
	if a.id() != id || a.body["active"] != true || b.member(t, id)["status"] != 0 {
		t.Errorf("created again: %v, member %v", a.body, b.member(t, id))
	}
	g.must(t, 200, "GET", "/Users/"+id, "")
}

// An upstream that cannot deactivate: the member is removed, and invited again under the id that the provider knows.
func TestDisableIsDelete(t *testing.T) {
	m := bitwardenMapping()
	m.User.Disable, m.User.Enable, m.User.DisableAs, m.User.Active = nil, nil, plan.DisableDelete, nil
	g, b := onBitwarden(t, func(o *Organization) { o.Mapping = m })
	id := g.people(t, "jane")[0]
	a := g.must(t, 200, "PATCH", "/Users/"+id, patchOp(disable))
	if a.body["active"] != false || len(b.members) > 0 {
		t.Errorf("disabled: %v, members %v", a.body, b.members)
	}
	a = g.must(t, 200, "PATCH", "/Users/"+id, patchOp(enable))
	if a.id() != id || a.body["active"] != true || len(b.members) != 1 {
		t.Errorf("enabled: %v, members %v", a.body, b.members)
	}
	if ids := g.find(t, "Users", `externalId eq "jane"`); !cmp.Equal(ids, []string{id}) {
		t.Errorf("found %v", ids)
	}
}

// Who is deactivated by being removed is a member of the same groups when activated, as far as the provider has not said
// otherwise meanwhile.
func TestDisableIsDeleteKeepsPlaces(t *testing.T) {
	m := bitwardenMapping()
	m.User.Disable, m.User.Enable, m.User.DisableAs = nil, nil, plan.DisableDelete
	g, b := onBitwarden(t, func(o *Organization) { o.Mapping = m })
	u := g.people(t, "a", "b")
	sales, staff, board := g.makeGroup(t, "Sales", u...), g.makeGroup(t, "Staff", u...), g.makeGroup(t, "Board", u[1])
	for range 2 { // the second time the user has an id of their own
		a := g.must(t, 200, "PATCH", "/Users/"+u[0], patchOp(disable))
		if a.body["active"] != false || a.body[resource.StateSchema] != nil || len(b.members) != 1 {
			t.Errorf("deactivated: %v, members %v", a.body, b.members)
		}
		a = g.must(t, 200, "GET", "/Groups/"+sales, "")
		if ids := memberIDs(a); len(ids) != 2 {
			t.Errorf("the group shows %v", ids)
		}
		g.must(t, 200, "PATCH", "/Groups/"+staff, memberOps("remove", u[0]))
		g.must(t, 200, "PATCH", "/Users/"+u[0], patchOp(enable))
		for group, want := range map[string]int{sales: 2, staff: 1, board: 1} {
			if got := b.membersOf(group); len(got) != want {
				t.Errorf("members %v, want %d", got, want)
			}
		}
		g.must(t, 200, "PATCH", "/Groups/"+staff, memberOps("add", u[0]))
	}
	// The member could not be removed, and has left a group before the next attempt.
	b.fault = func(r *http.Request) *upstream.Answer {
		if r.Method == http.MethodDelete {
			return &upstream.Answer{Status: 500, Header: http.Header{}}
		}
		return nil
	}
	if a := g.do(t, "PATCH", "/Users/"+u[0], patchOp(disable)); a.status != 502 {
		t.Errorf("got %d", a.status)
	}
	b.fault = nil
	g.must(t, 200, "PATCH", "/Groups/"+sales, memberOps("remove", u[0]))
	g.must(t, 200, "PATCH", "/Users/"+u[0], patchOp(`{"op":"replace","path":"externalId","value":"z"}`))
	if got := b.membersOf(sales); len(got) != 1 {
		t.Errorf("members %v", got)
	}
}

func TestLedgerOff(t *testing.T) {
	g, b := onBitwarden(t, func(o *Organization) { o.Ledger.Off = true })
	a := g.must(t, 201, "POST", "/Users", user("jane@corp.example", "jane", `"displayName":"Jane","emails":[{"primary":true,"value":"jane@example.com"}]`))
	if a.body["userName"] != "jane@example.com" || a.body["displayName"] != nil {
		t.Errorf("what nobody kept was answered: %v", a.body)
	}
	g.must(t, 400, "POST", "/Users", inactive("bob@example.com", "bob"))
	if len(b.members) != 1 {
		t.Errorf("members %v", b.members)
	}
	if keeps := a.body["id"] != nil && g.user.Keeps("", "displayName", ""); !keeps {
		t.Error("displayName is shown by the mapping and must be advertised")
	}
	displayName := *g.user.Type.Attribute("", "displayName", "")
	if g.user.Shape("", "displayName", "", &displayName); displayName.Mutability != schema.ReadOnly {
		t.Error("displayName cannot be written and must be advertised as readOnly")
	}
}

// With store *, the provider reads back what it wrote, and a change made in the organization still shows.
func TestStore(t *testing.T) {
	g, b := onBitwarden(t, func(o *Organization) { o.Ledger.Store = []string{"*"} })
	const department = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	a := g.must(t, 201, "POST", "/Users", user("jane@example.com", "jane", `"displayName":"Jane","title":"Dr","password":"secret",
		"name":{"givenName":"Jane","familyName":"Doe"},"phoneNumbers":[{"type":"work","value":"1"}],"`+department+`":{"department":"R&D"}`))
	id := a.id()
	want := map[string]any{"title": "Dr", "displayName": "Jane", "name": map[string]any{"givenName": "Jane", "familyName": "Doe"},
		"phoneNumbers": []any{map[string]any{"type": "work", "value": "1"}}, department: map[string]any{"department": "R&D"}}
	got := g.must(t, 200, "GET", "/Users/"+id, "").body
	for name, v := range want {
		if diff := cmp.Diff(v, got[name]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if got["password"] != nil {
		t.Error("a password was kept")
	}
	if ids := g.find(t, "Users", `title eq "dr" and `+department+`:department eq "r&d"`); !cmp.Equal(ids, []string{id}) {
		t.Errorf("found %v", ids)
	}
	b.took()
	g.must(t, 200, "PATCH", "/Users/"+id, patchOp(`{"op":"replace","path":"name.familyName","value":"Roe"}`, `{"op":"remove","path":"title"}`))
	if calls := b.took(); len(calls) != 1 {
		t.Errorf("what only the ledger keeps took %v", calls)
	}
	got = g.must(t, 200, "GET", "/Users/"+id, "").body
	if got["title"] != nil || got["name"].(map[string]any)["familyName"] != "Roe" || got["name"].(map[string]any)["givenName"] != "Jane" {
		t.Errorf("got %v", got)
	}
	b.member(t, id)["name"] = "Jane at Bitwarden"
	if got := g.must(t, 200, "GET", "/Users/"+id, "").body["displayName"]; got != "Jane at Bitwarden" {
		t.Errorf("displayName %v, although it was changed in the organization", got)
	}
	g.must(t, 200, "PATCH", "/Users/"+id, patchOp(`{"op":"replace","path":"displayName","value":"Jane"}`))
	if got := g.must(t, 200, "GET", "/Users/"+id, "").body["displayName"]; got != "Jane" {
		t.Errorf("displayName %v after it was set back", got)
	}
}

func TestMistakes(t *testing.T) {
	for name, o := range map[string]*Organization{
		"no mapping":      {},
		"unknown word":    {Mapping: bitwardenMapping(), Existing: "merge"},
		"defer, no store": {Mapping: bitwardenMapping(), Inactive: InactiveDefer, Ledger: LedgerConfig{Off: true}},
		"off and stores":  {Mapping: bitwardenMapping(), Ledger: LedgerConfig{Off: true, Store: []string{"title"}}},
		"reinvite":        {Mapping: bitwardenMapping(), ReinviteAfter: 1, Ledger: LedgerConfig{Off: true}},
		"pace":            {Mapping: bitwardenMapping(), Pace: []api.Pace{{Calls: -1}}},
		"negative":        {Mapping: bitwardenMapping(), PageSize: -1},
		"stores no word":  {Mapping: bitwardenMapping(), Ledger: LedgerConfig{Store: []string{"titel"}}},
		"stores active":   {Mapping: bitwardenMapping(), Ledger: LedgerConfig{Store: []string{"Active"}}},
		"stores secrets":  {Mapping: bitwardenMapping(), Ledger: LedgerConfig{Store: []string{"password"}}},
	} {
		if err := o.Check(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A member who was there before and whose address is not the provider's userName: refused once, then found.
func TestNoConflictLoop(t *testing.T) {
	g, b := onBitwarden(t, nil)
	b.members = append(b.members, map[string]any{"id": "m1", "email": "jane@example.com", "status": 2, "type": 2, "externalId": nil})
	jane := user("jane@corp.onmicrosoft.com", "jane", `"emails":[{"primary":true,"type":"work","value":"jane@example.com"}]`)
	if ids := g.find(t, "Users", `userName eq "jane@corp.onmicrosoft.com"`); ids != nil {
		t.Fatalf("found %v", ids)
	}
	g.must(t, 409, "POST", "/Users", jane)
	if ids := g.find(t, "Users", `userName eq "jane@corp.onmicrosoft.com"`); !cmp.Equal(ids, []string{"m1"}) {
		t.Errorf("found %v after the conflict", ids)
	}
	// Another user of the provider's with the same address does not take the member over.
	g.must(t, 409, "POST", "/Users", user("other@corp.onmicrosoft.com", "other", `"emails":[{"primary":true,"type":"work","value":"jane@example.com"}]`))
	if ids := g.find(t, "Users", `userName eq "jane@corp.onmicrosoft.com"`); !cmp.Equal(ids, []string{"m1"}) {
		t.Errorf("found %v", ids)
	}
	// Nor one who was created, or found and changed, by the provider.
	id := g.people(t, "bob")[0]
	b.members = append(b.members, map[string]any{"id": "m2", "email": "eve@example.com", "status": 2, "type": 2, "externalId": nil})
	g.seen.users.Expire()
	g.must(t, 200, "PATCH", "/Users/m2", patchOp(`{"op":"replace","path":"externalId","value":"eve"}`))
	for name, id := range map[string]string{"bob": id, "eve": "m2"} {
		g.must(t, 409, "POST", "/Users", user("thief@corp.example", "thief", `"emails":[{"primary":true,"value":"`+name+`@example.com"}]`))
		if ids := g.find(t, "Users", `userName eq "`+name+`@example.com"`); !cmp.Equal(ids, []string{id}) {
			t.Errorf("%s: found %v", name, ids)
		}
	}
}

// Somebody invites by hand a person who waits to be activated: that is who is activated.
func TestAdopt(t *testing.T) {
	g, b := onBitwarden(t, nil)
	id := g.must(t, 201, "POST", "/Users", inactive("jane@example.com", "jane")).id()
	b.members = append(b.members, map[string]any{"id": "m1", "email": "jane@example.com", "status": 1, "type": 2, "externalId": nil})
	g.seen.users.Expire()
	a := g.must(t, 200, "PATCH", "/Users/"+id, patchOp(enable))
	if a.id() != id || a.body["active"] != true || len(b.members) != 1 {
		t.Errorf("got %v, members %v", a.body, b.members)
	}
	g.must(t, 200, "PATCH", "/Users/"+id, patchOp(disable))
	if b.members[0]["status"] != -1 {
		t.Errorf("member %v", b.members[0])
	}
}
