package integration

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddy-scim/gateway/integration/gitea"
)

// TestGiteaTraps is about what only Gitea does to those who provision it.
func TestGiteaTraps(t *testing.T) {
	var org *gitea.Server
	traps := []struct {
		name string
		do   func(t *testing.T, w *world)
	}{
		// Paths name accounts by their login names, which change; whoever asks for the old one is sent elsewhere.
		{"an account that is renamed by hand", func(t *testing.T, w *world) {
			w.lookUp(t, "/Users", `userName eq "user1@example.com"`)
			w.read(t, "/Users")
			org.Rename("user1", "first")
			w.must(t, 200, "PATCH", "/Users/{U1}", disable)
			is("user1@example.com", "revoked")(t, w, nil)
			w.must(t, 204, "PATCH", "/Groups/{G1}", patchOp+`[{"op":"Remove","path":"members","value":[{"value":"{U1}"}]}]}`)
			members("G1", "U4")(t, w, nil)
			w.must(t, 204, "DELETE", "/Users/{U1}", "")
			is("user1@example.com", "")(t, w, nil)
		}},
		// A search by an id that is no number finds everybody, and two ids below zero belong to nobody.
		{"ids that are none", func(t *testing.T, w *world) {
			for _, id := range []string{"x", "0", "-1", "-2", "1e0", "01", "{U1}.0", "9223372036854775808"} {
				w.must(t, 404, "GET", "/Users/"+id, "")
				if res := w.must(t, 0, "DELETE", "/Users/"+id, ""); res.Status != 404 && res.Status != 403 {
					t.Errorf("deleting %s is answered %d", id, res.Status)
				}
			}
			w.must(t, 400, "PATCH", "/Groups/{G1}", patchOp+`[{"op":"Add","path":"members","value":[{"value":"-1"}]}]}`)
			if len(org.Users()) != 5 {
				t.Errorf("users %v", org.Users())
			}
		}},
		{"the team of the owners", func(t *testing.T, w *world) {
			owners := groupNamed(t, w.org, "Owners")
			if found := w.lookUp(t, "/Groups", `displayName eq "owners"`); found != nil {
				t.Errorf("found %v", found)
			}
			w.must(t, 404, "GET", "/Groups/"+owners.id, "")
			w.must(t, 409, "POST", "/Groups", `{"displayName":"Owners"}`)
			w.must(t, 403, "PATCH", "/Groups/"+owners.id, patchOp+`[{"op":"Add","path":"members","value":[{"value":"{U1}"}]}]}`)
			w.must(t, 403, "PUT", "/Groups/"+owners.id, `{"displayName":"Others","members":[]}`)
			w.must(t, 403, "DELETE", "/Groups/"+owners.id, "")
			if now := groupNamed(t, w.org, "Owners"); now == nil || len(now.members) != 1 || now.id != owners.id {
				t.Errorf("the owners are %+v", now)
			}
		}},
		// The words of a search are patterns to the database, and are looked for everywhere.
		{"a search that finds others", func(t *testing.T, w *world) {
			org.AddUser(gitea.User{Login: "axb", Email: "axb@example.com", FullName: "a_b@example.com", Active: true})
			if found := w.lookUp(t, "/Users", `userName eq "a_b@example.com"`); found != nil {
				t.Errorf("found %v", found)
			}
			id := org.AddUser(gitea.User{Login: "a_b", Email: "a_b@example.com", Active: true})
			if found := w.lookUp(t, "/Users", `userName eq "A_B@example.com"`); found["id"] != fmt.Sprint(id) {
				t.Errorf("found %v", found)
			}
		}},
		{"more accounts than a page holds", func(t *testing.T, w *world) {
			for i := range 120 {
				org.AddUser(gitea.User{Login: fmt.Sprintf("many%d", i), Email: fmt.Sprintf("many%d@example.com", i), Active: true})
			}
			if total := w.must(t, 200, "GET", "/Users?count=1", "").Total(); total != 124 {
				t.Errorf("%d users", total)
			}
			if found := w.lookUp(t, "/Users", `userName eq "many9@example.com"`); found == nil {
				t.Error("many9 is one of those whose names begin like that, and is not found")
			}
			group := org.AddTeam(gitea.Team{Name: "all", Permission: "read", Units: []string{"repo.code"}})
			var ids []string
			for _, u := range org.Users() {
				if strings.HasPrefix(u.Login, "many") {
					ids = append(ids, fmt.Sprintf(`{"value":"%d"}`, u.ID))
				}
			}
			w.must(t, 204, "PATCH", fmt.Sprintf("/Groups/%d", group), patchOp+`[{"op":"Add","path":"members","value":[`+strings.Join(ids, ",")+`]}]}`)
			if list, _ := w.read(t, fmt.Sprintf("/Groups/%d", group))["members"].([]any); len(list) != 120 {
				t.Errorf("%d members", len(list))
			}
		}},
		// Names that the server cannot tell from each other: the provider is told that they are taken.
		{"names that become the same", func(t *testing.T, w *world) {
			res := w.must(t, 409, "POST", "/Groups", `{"displayName":"Test: Group 1","externalId":"other"}`)
			if res.String("scimType") != "uniqueness" {
				t.Errorf("%s", res.Raw)
			}
			w.must(t, 409, "POST", "/Users", user("user1@elsewhere.example", "user1@elsewhere.example", "other"))
			w.must(t, 400, "POST", "/Users", user(strings.Repeat("x", 41)+"@example.com", "", "long"))
			w.must(t, 400, "POST", "/Users", user("admin@elsewhere.example", "", "reserved"))
			if len(org.Users()) != 5 || len(org.Teams()) != 4 {
				t.Errorf("users %v, teams %v", org.Users(), org.Teams())
			}
		}},
		// Neither a token that they made nor their password lets people in who have left.
		{"what people who have left still hold", func(t *testing.T, w *world) {
			enters := func(want int, credentials func(*http.Request)) {
				t.Helper()
				r, res := httptest.NewRequest(http.MethodGet, "/api/v1/user", nil), httptest.NewRecorder()
				credentials(r)
				if org.ServeHTTP(res, r); res.Code != want {
					t.Errorf("status %d, want %d", res.Code, want)
				}
			}
			token := func(r *http.Request) { r.Header.Set("Authorization", "token "+gitea.PersonalToken("user1")) }
			password := func(r *http.Request) { r.SetBasicAuth("user1", gitea.PersonalPassword("user1")) }
			enters(200, token)
			enters(200, password)
			w.must(t, 200, "PATCH", "/Users/{U1}", disable)
			enters(403, token)
			enters(401, password)
		}},
		{"an address that somebody else has", func(t *testing.T, w *world) {
			before := w.org.people(t)
			w.must(t, 409, "PATCH", "/Users/{U1}", patchOp+`[{"op":"Replace","value":{"userName":"user2@example.com","externalId":"changed"}}]}`)
			for i, p := range w.org.people(t) {
				if p != before[i] {
					t.Errorf("%+v became %+v", before[i], p)
				}
			}
		}},
	}
	open := onGitea.open(t, len(traps), nil)
	for i, trap := range traps {
		t.Run(trap.name, func(t *testing.T) {
			w := open(t, i)
			org = w.org.(giteaBackend).Server
			trap.do(t, w)
		})
	}
}
