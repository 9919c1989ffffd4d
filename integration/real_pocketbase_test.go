//go:build real

package integration

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/caddy-scim/gateway/integration/entra"
)

// TestPocketBase runs Entra's cycle and the acceptance scenarios against a real PocketBase with two collections, the
// stand-in for a backend of one's own.
func TestPocketBase(t *testing.T) {
	addr, _ := serveReal(t, "pocketbase")
	pb := newPocketBase(t, addr)
	for _, flag := range []bool{false, true} {
		t.Run(fmt.Sprintf("flag=%v", flag), func(t *testing.T) {
			pb.clear(t)
			s := start(t, gateway(addr, pocketBaseUpstream))
			c := s.entra("/scim")
			c.Flag = flag
			cycle(t, c, pb)
		})
	}
	t.Run("capitals", func(t *testing.T) { pb.capitals(t, addr) })
	t.Run("acceptance", func(t *testing.T) { acceptance(t, pb.platform(addr)) })
}

// capitals is a record that the application made itself, with an address as its user typed it: it is found however the
// provider spells it, and stays as it is until the provider changes the address.
func (p *pocketBase) capitals(t *testing.T, addr string) {
	const typed = "Ada.O'Lovelace_1@Example.com"
	p.clear(t)
	var seed pbRecord
	p.do(t, "POST", "/collections/members/records", map[string]any{"email": typed, "name": "Ada", "phone": "1"}, &seed)
	c := start(t, gateway(addr, pocketBaseUpstream)).entra("/scim")
	for _, spelling := range []string{"ada.o'lovelace_1@example.com", typed, "ADA.O'LOVELACE_1@EXAMPLE.COM"} {
		res, err := c.Find("/Users", "userName", spelling)
		if err != nil {
			t.Fatal(err)
		}
		if res.Status != 200 || res.Total() != 1 || res.First()["id"] != seed.ID {
			t.Errorf("looking for %s answers %s", spelling, res.Raw)
		}
	}
	res, err := c.Find("/Users", "userName", "ada.o'lovelacex1@example.com")
	if err != nil {
		t.Fatal(err)
	}
	if res.Total() != 0 {
		t.Errorf("somebody else is found: %s", res.Raw)
	}
	change := func(path, value, want string) {
		t.Helper()
		res, err := c.Patch("/Users", seed.ID, entra.Operation{"op": "Replace", "path": path, "value": value})
		if err != nil {
			t.Fatal(err)
		}
		if res.Status/100 != 2 {
			t.Errorf("changing %s answers %s", path, res.Raw)
		}
		if got := p.records(t, "members"); len(got) != 1 || got[0].Email != want {
			t.Errorf("after a change of %s there are %+v, want %s", path, got, want)
		}
	}
	// Entra creates whom it does not find: whoever is there already must not be there twice.
	res, err = c.Create(entra.User{UserName: "ADA.O'lovelace_1@example.com", Mail: "ADA.O'lovelace_1@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	if got := p.records(t, "members"); res.Status != 409 || len(got) != 1 || got[0].Email != typed {
		t.Errorf("creating her again answers %s, and there are %+v", res.Raw, got)
	}
	change("externalId", "ext-ada", typed)
	change("displayName", "Ada King", typed)
	change(`emails[type eq "work"].value`, "Ada.King@Example.com", "ada.king@example.com")
}

const pocketBaseUpstream = `upstream pocketbase {
			identity root@example.com
			password RootPass12345
		}`

// platform is PocketBase for the acceptance scenarios: one server, emptied and seeded for each of them, and a gateway for
// each, because the last one's must not remember anything.
func (p *pocketBase) platform(addr string) *platform {
	on := &platform{
		name: "PocketBase", nobody: "aaaaaaaaaaaaaaa", newcomer: `phone ""`,
		slots: []string{"users' externalId", "groups' externalId"},
		lacks: map[string]string{
			"a limit of users' externalId": "the collection has none that is so low", "a limit of groups' externalId": "the collection has none that is so low",
			"an account that must not go": "superusers are in a collection of their own",
		},
	}
	on.open = func(t *testing.T, n int, _ between) func(*testing.T, int) *world {
		s := start(t, tenants(n, addr, func(i int) string {
			return fmt.Sprintf("organization w%d\n\t\t%s", i, pocketBaseUpstream)
		}))
		return func(t *testing.T, i int) *world {
			t.Helper()
			p.clear(t)
			ids := map[string]string{}
			for i, seed := range seedPeople {
				var made pbRecord
				p.do(t, "POST", "/collections/members/records", map[string]any{
					"email": seed.mail, "name": fmt.Sprintf("Test User %d", i+1), "externalId": seed.externalID, "disabled": seed.state == "revoked", "phone": "1",
				}, &made)
				ids[fmt.Sprintf("U%d", i+1)] = made.ID
			}
			for i, seed := range seedGroups {
				record := map[string]any{"name": seed.name, "externalId": seed.externalID, "note": "x"}
				if i == 0 {
					record["members"] = []string{ids["U1"], ids["U4"]}
				}
				var made pbRecord
				p.do(t, "POST", "/collections/teams/records", record, &made)
				ids[fmt.Sprintf("G%d", i+1)] = made.ID
			}
			return on.tenant(s, i, p, ids)
		}
	}
	return on
}

type pocketBase struct{ jsonAPI }

func newPocketBase(t *testing.T, addr string) *pocketBase {
	t.Helper()
	p := &pocketBase{jsonAPI{base: "http://" + addr + "/api", http: http.DefaultClient}}
	var login struct{ Token string }
	p.do(t, "POST", "/collections/_superusers/auth-with-password", map[string]any{"identity": "root@example.com", "password": "RootPass12345"}, &login)
	p.header = http.Header{"Authorization": {login.Token}}
	var members struct{ ID string }
	p.do(t, "POST", "/collections", map[string]any{
		"name": "members", "type": "base",
		"fields": []any{
			map[string]any{"name": "email", "type": "email", "required": true},
			map[string]any{"name": "name", "type": "text"},
			map[string]any{"name": "externalId", "type": "text"},
			map[string]any{"name": "disabled", "type": "bool"},
			map[string]any{"name": "phone", "type": "text"}, // SCIM's phoneNumbers are not mapped
		},
		"indexes": []string{"CREATE UNIQUE INDEX members_email ON members (email)"},
	}, &members)
	p.do(t, "POST", "/collections", map[string]any{
		"name": "teams", "type": "base",
		"fields": []any{
			map[string]any{"name": "name", "type": "text", "required": true},
			map[string]any{"name": "externalId", "type": "text"},
			map[string]any{"name": "note", "type": "text"},
			map[string]any{"name": "members", "type": "relation", "collectionId": members.ID, "maxSelect": 10000},
		},
		"indexes": []string{"CREATE UNIQUE INDEX teams_name ON teams (name)"},
	}, nil)
	return p
}

type pbRecord struct {
	ID, Email, Name, ExternalID, Phone, Note string
	Disabled                                 bool
	Members                                  []string
}

func (p *pocketBase) records(t *testing.T, collection string) []pbRecord {
	t.Helper()
	var list struct{ Items []pbRecord }
	p.do(t, "GET", "/collections/"+collection+"/records?perPage=200&sort=id", nil, &list)
	return list.Items
}

func (p *pocketBase) clear(t *testing.T) {
	t.Helper()
	for _, collection := range []string{"teams", "members"} {
		for _, r := range p.records(t, collection) {
			p.do(t, "DELETE", "/collections/"+collection+"/records/"+r.ID, nil, nil)
		}
	}
}

func (p *pocketBase) people(t *testing.T) []person {
	t.Helper()
	var all []person
	for _, r := range p.records(t, "members") {
		one := person{r.ID, r.Email, "active", r.ExternalID, fmt.Sprintf("phone %q", r.Phone)}
		if r.Disabled {
			one.state = "revoked"
		}
		all = append(all, one)
	}
	return all
}

func (p *pocketBase) groups(t *testing.T) []group {
	t.Helper()
	var all []group
	for _, r := range p.records(t, "teams") {
		slices.Sort(r.Members)
		all = append(all, group{r.ID, r.Name, r.ExternalID, r.Members, fmt.Sprintf("note %q", r.Note)})
	}
	return all
}
