package provision

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-scim/gateway/module/ledger/storagetest"
	"github.com/caddy-scim/gateway/module/upstream"
	"github.com/caddy-scim/gateway/transforms/mapping"
)

// onNames is an organization that makes ids of addresses, and takes new ones.
func onNames(t *testing.T, changes bool) (*gateway, *bitwarden, *storagetest.Storage) {
	m := bitwardenMapping()
	m.User.IDChanges = changes
	m.User.Update[0].Edits = append(m.User.Update[0].Edits, mapping.EditDef{Path: "email", Value: "{scim.email|lower}"})
	g, b, storage := remembering(t, func(o *Organization) { o.Mapping = m })
	b.idOf = func(email string) string { return "id-of-" + strings.TrimSuffix(email, "@example.com") }
	return g, b, storage
}

func renamed(to string) string {
	return patchOp(`{"op":"replace","path":"userName","value":"` + to + `@example.com"},{"op":"replace","path":"emails[type eq \"work\"].value","value":"` + to + `@example.com"}`)
}

// Where a change of the name changes the id, the provider goes on with the one that it knows, and so do the externalId, the
// memberships, and above all what takes access away.
func TestIDChanges(t *testing.T) {
	g, b, storage := onNames(t, true)
	ada := g.must(t, 201, "POST", "/Users", user("ada@example.com", "a")).id()
	group := g.makeGroup(t, "Chess", ada)
	for _, name := range []string{"ada.l", "countess", "ada"} {
		a := g.must(t, 200, "PATCH", "/Users/"+ada, renamed(name))
		if a.id() != ada || a.body["externalId"] != "a" || b.member(t, "id-of-"+name) == nil {
			t.Fatalf("%s: %v", name, a.body)
		}
		for range 2 {
			g.finds(t, `userName eq "`+name+`@example.com"`, ada)
			g.finds(t, `externalId eq "a"`, ada)
			members, _ := g.must(t, 200, "GET", "/Groups/"+group, "").body["members"].([]any)
			if len(members) != 1 || members[0].(map[string]any)["value"] != ada {
				t.Errorf("%s: members %v", name, members)
			}
			g = g.restarted(t, storage)
		}
		g.must(t, 200, "PATCH", "/Users/"+ada, patchOp(disable))
		if m := b.member(t, "id-of-"+name); m["status"] != -1 {
			t.Errorf("%s: %v", name, m)
		}
		g.must(t, 200, "PATCH", "/Users/"+ada, patchOp(`{"op":"replace","path":"active","value":true}`))
	}
	g.must(t, 200, "PATCH", "/Users/"+ada, renamed("ada.l"))
	g.must(t, 204, "DELETE", "/Users/"+ada, "")
	if len(b.members) != 0 {
		t.Errorf("%v", b.members)
	}
}

// The answer to the change was lost, or the process ended before it came: whoever is asked for next is found under the new id.
func TestIDChangesAndALostAnswer(t *testing.T) {
	for _, restart := range []bool{false, true} {
		g, b, storage := onNames(t, true)
		ada := g.must(t, 201, "POST", "/Users", user("ada@example.com", "a")).id()
		if restart { // back to the name that the id is made of
			g.must(t, 200, "PATCH", "/Users/"+ada, renamed("countess"))
		}
		b.after = func(r *http.Request) *upstream.Answer {
			if r.Method != http.MethodPut {
				return nil
			}
			return &upstream.Answer{Status: 502, Header: http.Header{}}
		}
		to := "ada.l"
		if restart {
			to = "ada"
		}
		g.must(t, 502, "PATCH", "/Users/"+ada, renamed(to))
		b.after = nil
		if restart {
			g = g.restarted(t, storage)
		}
		g.must(t, 200, "PATCH", "/Users/"+ada, patchOp(disable))
		if m := b.member(t, "id-of-"+to); m["status"] != -1 {
			t.Errorf("restart %v: %v", restart, m)
		}
		g.finds(t, `externalId eq "a"`, ada)
	}
}

// Where nobody has said so, the provider is not told that the user is gone.
func TestIDChangesUnsaid(t *testing.T) {
	g, b, _ := onNames(t, false)
	ada := g.must(t, 201, "POST", "/Users", user("ada@example.com", "a")).id()
	if a := g.do(t, "PATCH", "/Users/"+ada, renamed("ada.l")); a.status != 502 || !strings.Contains(a.err.Detail, "id_changes") {
		t.Errorf("%d %v", a.status, a.err)
	}
	if b.member(t, "id-of-ada.l") == nil {
		t.Error("not renamed")
	}
}

// Ids that are names, and change with them, are found when the configuration is read.
func TestIDMadeOfAName(t *testing.T) {
	for _, changes := range []bool{false, true} {
		m := bitwardenMapping()
		m.User.ID, m.User.IDChanges = "email", changes
		m.User.Update[0].Edits = append(m.User.Update[0].Edits, mapping.EditDef{Path: "email", Value: "{scim.userName|lower}"})
		err := (&Organization{Mapping: m}).Check()
		if changes != (err == nil) || err != nil && !strings.Contains(err.Error(), "user.id: it is the value of userName") {
			t.Errorf("id_changes %v: %v", changes, err)
		}
	}
	m := bitwardenMapping()
	m.User.IDChanges = true
	if err := (&Organization{Mapping: m, Ledger: LedgerConfig{Off: true}}).Check(); err == nil || !strings.HasPrefix(err.Error(), "id_changes needs the ledger") {
		t.Errorf("%v", err)
	}
}
