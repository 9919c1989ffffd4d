package integration

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddy-scim/gateway/integration/desk"
	"github.com/caddy-scim/gateway/integration/gitea"
	"github.com/caddy-scim/gateway/integration/vaultwarden"
)

// tenants are n gateways of one site, the i-th below /scim/<i>, with the block that f writes for it. There are few people
// in them, of whom many are deactivated: a guard would hold that. What is not answered is settled soon.
func tenants(n int, addr string, f func(i int) string) string {
	var site strings.Builder
	for i := range n {
		site.WriteString(strings.Replace(gateway(addr, f(i)+"\n\t\tguard off\n\t\tupstream_timeout "+tenantTimeout.String()), "/scim/*", fmt.Sprintf("/scim/%d/*", i), 1))
	}
	return site.String()
}

// tenantTimeout is how long a call of theirs may take.
const tenantTimeout = 9 * time.Second

// tenant is the i-th of them.
func (p *platform) tenant(s *server, i int, org backend, ids map[string]string) *world {
	return &world{platform: p, org: org, c: s.entra(fmt.Sprintf("/scim/%d", i)), ids: ids}
}

// onEmbedded is the embedded organization. It is seeded once: a store is a file, and a file can be copied.
var onEmbedded = &platform{
	name: "embedded organization", others: 1, nobody: "00000000-0000-4000-8000-000000000000",
	newcomer: `type 2, name "", collections []`,
	slots:    []string{"users' externalId", "groups' externalId"},
}

func init() {
	onEmbedded.open = func(t *testing.T, n int, b between) func(*testing.T, int) *world {
		s := start(t, embedded)
		ids := seedPublicAPI(t, newPublicAPI(t, s, ""))
		s.load(`respond 404`) // so that the store is closed
		store, err := os.ReadFile(filepath.Join(s.dir, "organization.db"))
		if err != nil {
			t.Fatal(err)
		}
		addr, root := "", "/org/%d"
		if b != nil { // then the organizations are behind another server
			root = "/%d"
			addr = serveTenants(t, n, b, func(i int) http.Handler {
				return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
					r.Out.URL.Scheme, r.Out.URL.Host, r.Out.URL.Path = "http", s.addr, fmt.Sprintf("/org/%d", i)+r.In.URL.Path
				}}
			})
		}
		site := tenants(n, addr, func(i int) string { return bitwardenUpstream(fmt.Sprintf(root, i)) })
		for i := range n {
			name := strconv.Itoa(i) + ".db"
			if err := os.WriteFile(filepath.Join(s.dir, name), store, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s.move(site + offices(n))
		return func(t *testing.T, i int) *world {
			t.Helper()
			return onEmbedded.tenant(s, i, newPublicAPI(t, s, fmt.Sprintf("/org/%d", i)), ids)
		}
	}
}

// seedPublicAPI invites, accepts, confirms and revokes the people that the scenarios begin with.
func seedPublicAPI(t *testing.T, api *publicAPI) map[string]string {
	t.Helper()
	ids := map[string]string{"boss": personWith(t, api, "owner@example.com").id}
	for i, p := range seedPeople {
		var m apiMember
		api.do(t, http.MethodPost, "/members", map[string]any{
			"email": p.mail, "type": 2, "externalId": p.externalID,
			"collections": []any{map[string]any{"id": fmt.Sprintf("11111111-1111-4111-8111-11111111111%d", i), "readOnly": true, "hidePasswords": false, "manage": false}},
		}, &m)
		api.do(t, http.MethodPost, "/members/"+m.ID+"/accept", map[string]any{"name": fmt.Sprintf("Test User %d", i+1)}, nil)
		api.do(t, http.MethodPost, "/members/"+m.ID+"/confirm", nil, nil)
		if p.state == "revoked" {
			api.do(t, http.MethodPost, "/members/"+m.ID+"/revoke", nil, nil)
		}
		ids[fmt.Sprintf("U%d", i+1)] = m.ID
	}
	for i, g := range seedGroups {
		var made apiGroup
		api.do(t, http.MethodPost, "/groups", map[string]any{
			"name": g.name, "externalId": g.externalID,
			"collections": []any{map[string]any{"id": "22222222-2222-4222-8222-222222222222", "readOnly": true, "hidePasswords": false, "manage": false}},
		}, &made)
		ids[fmt.Sprintf("G%d", i+1)] = made.ID
	}
	api.do(t, http.MethodPut, "/groups/"+ids["G1"]+"/member-ids", map[string]any{"memberIds": []string{ids["U1"], ids["U4"]}}, nil)
	return ids
}

// between is what stands between the i-th gateway and its organization.
type between func(i int, org http.Handler) http.Handler

func (b between) put(i int, org http.Handler) http.Handler {
	if b == nil {
		return org
	}
	return b(i, org)
}

// offices are n embedded organizations of one site, the i-th below /org/<i> with the store <i>.db.
func offices(n int) string {
	var site strings.Builder
	for i := range n {
		fmt.Fprintf(&site, "\n\thandle_path /org/%d/* {%s\n\t}", i, strings.Replace(organization, "organization.db", fmt.Sprintf("%d.db", i), 1))
	}
	return site.String()
}

// bitwardenUpstream is the upstream of a gateway in front of the embedded organization that is below a path.
func bitwardenUpstream(root string) string {
	return strings.Replace(bitwarden, "{", fmt.Sprintf(`{
			base %[1]s/api
			token_url %[1]s/identity/connect/token`, root), 1)
}

// serveTenants is one server with n organizations, the i-th below /<i>.
func serveTenants(t *testing.T, n int, b between, f func(i int) http.Handler) (addr string) {
	t.Helper()
	mux := http.NewServeMux()
	for i := range n {
		prefix := fmt.Sprintf("/%d", i)
		mux.Handle(prefix+"/", http.StripPrefix(prefix, b.put(i, f(i))))
	}
	upstream := httptest.NewServer(mux)
	t.Cleanup(upstream.Close)
	return upstream.Listener.Addr().String()
}

const unlimited = "nothing is known of a limit"

var onVaultwarden = &platform{
	name: "Vaultwarden's contract", others: 2, nobody: "00000000-0000-4000-8000-000000000000",
	newcomer: `type 2, name ""`,
	slots:    []string{"users' externalId"}, // a group's is written when it is created, and never again
	lacks:    map[string]string{"a limit of users' externalId": unlimited, "a limit of groups' externalId": unlimited},
}

// vaultwardenUpstream is the upstream of a gateway in front of Vaultwarden's contract.
func vaultwardenUpstream(base string) string {
	return `upstream vaultwarden {
			organization ` + vaultwarden.Organization + `
			client_id ` + vaultwarden.UserID + `
			client_secret ` + vaultwarden.UserSecret + `
			organization_secret ` + vaultwarden.OrganizationSecret + `
			base "` + base + `"
		}`
}

func init() {
	onVaultwarden.open = func(t *testing.T, n int, b between) func(*testing.T, int) *world {
		orgs := make([]*vaultwarden.Server, n)
		addr := serveTenants(t, n, b, func(i int) http.Handler { orgs[i] = vaultwarden.New(); return orgs[i] })
		s := start(t, tenants(n, addr, func(i int) string { return vaultwardenUpstream(fmt.Sprintf("/%d", i)) }))
		return func(_ *testing.T, i int) *world {
			org := orgs[i]
			ids := map[string]string{"boss": org.Member("owner@example.com").ID}
			for i, p := range seedPeople {
				m := vaultwarden.Member{Email: p.mail, Name: fmt.Sprintf("Test User %d", i+1), Type: 2, Status: 2, ExternalID: &p.externalID}
				if p.state == "revoked" {
					m.Status = -1
				}
				ids[fmt.Sprintf("U%d", i+1)] = org.AddMember(m)
			}
			for i, g := range seedGroups {
				made := vaultwarden.Group{Name: g.name, ExternalID: &g.externalID, AccessAll: i == 0, Collections: []any{map[string]any{"id": "22222222-2222-4222-8222-222222222222"}}}
				if i == 0 {
					made.Users = []string{ids["U1"], ids["U4"]}
				}
				ids[fmt.Sprintf("G%d", i+1)] = org.AddGroup(made)
			}
			return onVaultwarden.tenant(s, i, vaultwardenBackend{org}, ids)
		}
	}
}

var onGitea = &platform{
	name: "Gitea's contract", nobody: "00000000-0000-4000-8000-000000000000",
	newcomer: `login user5, website "", admin false`,
	slots:    []string{"users' externalId", "groups' externalId"},
	lacks:    map[string]string{"a limit of users' externalId": unlimited},
	// Names of teams have no spaces. All that the scenarios have otherwise can stand in one.
	spell: func(name string) string { return strings.ReplaceAll(name, " ", "-") },
}

func giteaUpstream(base string) string {
	return `upstream gitea {
			token ` + gitea.Token + `
			organization ` + gitea.Organization + `
			base ` + base + `/api/v1
		}`
}

func init() {
	onGitea.open = func(t *testing.T, n int, b between) func(*testing.T, int) *world {
		orgs := make([]*gitea.Server, n)
		addr := serveTenants(t, n, b, func(i int) http.Handler { orgs[i] = gitea.New(); return orgs[i] })
		s := start(t, tenants(n, addr, func(i int) string { return giteaUpstream(fmt.Sprintf("/%d", i)) }))
		return func(t *testing.T, i int) *world {
			t.Helper()
			org := orgs[i]
			ids := map[string]string{"boss": personWith(t, giteaBackend{org}, "admin@example.com").id}
			var people []int64
			for i, p := range seedPeople {
				active := p.state != "revoked"
				id := org.AddUser(gitea.User{
					Login: fmt.Sprintf("user%d", i+1), FullName: fmt.Sprintf("Test User %d", i+1), Email: p.mail, LoginName: p.externalID,
					Website: "https://example.com", Active: active, ProhibitLogin: !active,
				})
				people = append(people, id)
				ids[fmt.Sprintf("U%d", i+1)] = fmt.Sprint(id)
			}
			for i, g := range seedGroups {
				team := gitea.Team{Name: onGitea.spell(g.name), Description: g.externalID, Permission: "write", Units: []string{"repo.code", "repo.wiki"}}
				if i == 0 {
					team.Members = []int64{people[0], people[3]}
				}
				ids[fmt.Sprintf("G%d", i+1)] = fmt.Sprint(org.AddTeam(team))
			}
			w := onGitea.tenant(s, i, giteaBackend{org}, ids)
			w.link(t)
			return w
		}
	}
}

var onDesk = &platform{
	name: "an API of one's own", nobody: "00000000-0000-4000-8000-000000000000",
	newcomer: `phone "", boss false`,
	slots:    []string{"users' externalId", "groups' externalId"},
	lacks:    map[string]string{"a limit of users' externalId": "it has none", "a limit of groups' externalId": "it has none"},
}

// deskUpstream is a mapping for that API: pages of two, so that every list has several.
func deskUpstream(base string) string {
	return `upstream rest {
			base "` + base + `"
			auth default header X-Desk-Key ` + desk.Key + `
			error 200 error.code ^taken$ => 409 uniqueness "there is such a person or team already"
			error 200 error.code ^missing$ => 404
			error 200 error.code . => 502 "the application failed"
			user {
				id id
				map userName mail
				map ` + "`emails[type eq \"work\"].value`" + ` mail
				map displayName name
				map externalId ext
				active on is true
				protect boss is true
				list GET /people {
					items items
					paginate page page size 2 {
						total total
					}
				}
				get GET /people/{id}
				create POST /people {
					set mail {scim.email|trim|lower}
					set name {scim.displayName}
					set ext {scim.externalId}
				}
				update PATCH /people/{id} {
					set mail {scim.email|trim|lower}
					set name {scim.displayName??""}
					set ext {scim.externalId??""}
				}
				disable POST /people/{id}/off
				enable POST /people/{id}/on
				delete DELETE /people/{id}
			}
			group {
				id id
				map displayName title
				map externalId ext
				list GET /teams {
					items items
					paginate page page size 2 {
						total total
					}
				}
				get GET /teams/{id}
				create POST /teams {
					set title {scim.displayName}
					set ext {scim.externalId}
				}
				update PATCH /teams/{id} {
					set title {scim.displayName}
					set ext {scim.externalId??""}
				}
				delete DELETE /teams/{id}
				members GET /teams/{id}/people {
					items items
					member id
					paginate page page size 2 {
						total total
					}
				}
				member_add PUT /teams/{id}/people/{mid}
				member_remove DELETE /teams/{id}/people/{mid}
			}
		}`
}

func init() {
	onDesk.open = func(t *testing.T, n int, b between) func(*testing.T, int) *world {
		orgs := make([]*desk.Server, n)
		addr := serveTenants(t, n, b, func(i int) http.Handler { orgs[i] = desk.New(); return orgs[i] })
		s := start(t, tenants(n, addr, func(i int) string { return deskUpstream(fmt.Sprintf("/%d", i)) }))
		return func(t *testing.T, i int) *world {
			t.Helper()
			org := orgs[i]
			ids := map[string]string{"boss": personWith(t, deskBackend{org}, "boss@example.com").id}
			var people []int
			for i, p := range seedPeople {
				id := org.AddPerson(desk.Person{Mail: p.mail, Name: fmt.Sprintf("Test User %d", i+1), Ext: p.externalID, On: p.state != "revoked", Phone: "1"})
				people = append(people, id)
				ids[fmt.Sprintf("U%d", i+1)] = fmt.Sprint(id)
			}
			for i, g := range seedGroups {
				team := desk.Team{Title: g.name, Ext: g.externalID, Note: "x"}
				if i == 0 {
					team.People = []int{people[0], people[3]}
				}
				ids[fmt.Sprintf("G%d", i+1)] = fmt.Sprint(org.AddTeam(team))
			}
			return onDesk.tenant(s, i, deskBackend{org}, ids)
		}
	}
}
