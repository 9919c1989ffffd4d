package provision

import (
	"strings"
	"testing"

	"github.com/caddy-scim/gateway/module/ledger/storagetest"
)

// What a gateway owes to a storage that it could not reach is not laid over what another one has written since: the provider's
// id would lead nowhere, and who is deleted by it would keep access.
func TestOwedBeforeATakeover(t *testing.T) {
	name := "jane@corp.example"
	waiting := strings.Replace(user(name, "jane", `"emails":[{"value":"jane@example.com"}]`), `"active":true`, `"active":false`, 1)
	for owes, made := range map[string]func(*testing.T, *gateway, func()) string{
		"created": func(t *testing.T, g *gateway, trouble func()) string {
			trouble()
			return g.must(t, 201, "POST", "/Users", user(name, "jane", `"emails":[{"value":"jane@example.com"}]`)).id()
		},
		"activated": func(t *testing.T, g *gateway, trouble func()) string {
			id := g.must(t, 201, "POST", "/Users", waiting).id()
			trouble()
			g.must(t, 200, "PATCH", "/Users/"+id, patchOp(enable))
			return id
		},
		"changed": func(t *testing.T, g *gateway, trouble func()) string {
			id := g.people(t, "jane")[0]
			trouble()
			g.must(t, 200, "PATCH", "/Users/"+id, patchOp(disable))
			return id
		},
	} {
		t.Run(owes, func(t *testing.T) {
			g, b, s := remembering(t, removing)
			id := made(t, g, func() {
				s.Fault(func(op, key string) error {
					if op == "store" && strings.Contains(key, "/users/") {
						return storagetest.Err
					}
					return nil
				})
			})
			g.shared.ledger.Close() // it tries no more
			s.Heal()
			if g.shared.ledger.Owed() == 0 {
				t.Fatal("nothing is owed")
			}
			other := g.restarted(t, s)
			if owes == "changed" {
				other.must(t, 404, "GET", "/Users/"+id, "")
			} else {
				other.must(t, 200, "PATCH", "/Users/"+id, patchOp(disable))
				other.must(t, 200, "PATCH", "/Users/"+id, patchOp(enable))
				if len(b.members) != 1 || b.members[0]["id"] == id {
					t.Fatalf("members %v", b.members)
				}
			}
			g.shared.forget() // it leads again
			if err := g.shared.ledger.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n := g.shared.ledger.Owed(); n > 0 {
				t.Errorf("%d records are owed", n)
			}
			if owes == "changed" { // nobody has written since: what it knows is so
				if a := g.must(t, 200, "GET", "/Users/"+id, ""); a.body["active"] != false {
					t.Errorf("got %v", a.body)
				}
				return
			}
			g.must(t, 204, "DELETE", "/Users/"+id, "")
			if len(b.members) > 0 {
				t.Errorf("the leaver has access: %v", b.members)
			}
		})
	}
}
