package provision

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// jane is somebody new who got the externalId of john, who left: the mail nickname that it is made of was free again.
var jane = user("jane.smith@example.com", "jsmith", `"emails":[{"type":"work","primary":true,"value":"jane.smith@example.com"}]`)

// Nobody is let in again, renamed or taken over because somebody new has the same externalId.
func TestSameExternalIdIsNobody(t *testing.T) {
	t.Run("who was deleted and is revoked", func(t *testing.T) {
		g, b := onBitwarden(t, func(o *Organization) { o.Delete = DeleteRevoke })
		john := g.must(t, 201, "POST", "/Users", user("john.smith@example.com", "jsmith")).id()
		g.must(t, 204, "DELETE", "/Users/"+john, "")
		a := g.must(t, 201, "POST", "/Users", jane)
		if a.id() == john || b.member(t, john)["status"] != -1 || b.member(t, a.id())["email"] != "jane.smith@example.com" {
			t.Errorf("got %v, members %v", a.body, b.members)
		}
		// Not even by a change of the externalId, which is free.
		other := g.people(t, "bob")[0]
		g.must(t, 204, "DELETE", "/Users/"+a.id(), "")
		g.must(t, 200, "PATCH", "/Users/"+other, patchOp(`{"op":"replace","path":"externalId","value":"jsmith"}`))
		if b.member(t, a.id())["status"] != -1 || b.member(t, john)["status"] != -1 {
			t.Errorf("members %v", b.members)
		}
		// Whom it is about comes back.
		if a := g.must(t, 201, "POST", "/Users", user("john.smith@example.com", "new")); a.id() != john || b.member(t, john)["status"] == -1 {
			t.Errorf("got %v", a.body)
		}
	})
	for _, existing := range []string{ExistingConflict, ExistingLink} {
		t.Run("who was revoked by hand, "+existing, func(t *testing.T) {
			g, b := onBitwarden(t, func(o *Organization) { o.Existing = existing })
			b.members = append(b.members, map[string]any{"id": "old", "email": "john.smith@example.com", "status": -1, "type": 2, "externalId": "jsmith"})
			g.must(t, 409, "POST", "/Users", jane)
			if b.member(t, "old")["status"] != -1 {
				t.Error("a revoked member was let in again")
			}
			if ids := g.find(t, "Users", `userName eq "jane.smith@example.com"`); len(ids) > 0 {
				t.Errorf("found %v", ids)
			}
		})
	}
	t.Run("who has the address goes first", func(t *testing.T) {
		g, b := onBitwarden(t, func(o *Organization) { o.Existing = ExistingLink })
		b.members = append(b.members,
			map[string]any{"id": "old", "email": "john.smith@example.com", "status": -1, "type": 2, "externalId": "jsmith"},
			map[string]any{"id": "right", "email": "jane.smith@example.com", "status": 2, "type": 2, "externalId": nil})
		if a := g.must(t, 201, "POST", "/Users", jane); a.id() != "right" {
			t.Errorf("got %v", a.body)
		}
	})
	t.Run("who waited meanwhile", func(t *testing.T) {
		g, b := onBitwarden(t, nil)
		id := g.must(t, 201, "POST", "/Users", inactive("jane.smith@example.com", "jsmith")).id()
		b.members = append(b.members, map[string]any{"id": "old", "email": "john.smith@example.com", "status": -1, "type": 2, "externalId": "jsmith"})
		g.seen.users.Expire()
		g.must(t, 409, "PATCH", "/Users/"+id, patchOp(enable))
		if b.member(t, "old")["status"] != -1 {
			t.Error("a revoked member was let in again")
		}
		if ids := g.find(t, "Users", `userName eq "jane.smith@example.com"`); !cmp.Equal(ids, []string{id}) {
			t.Errorf("found %v", ids)
		}
	})
}
