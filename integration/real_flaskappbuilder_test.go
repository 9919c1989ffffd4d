//go:build real

package integration

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-scim/gateway/integration/entra"
)

// TestFlaskAppBuilder runs Entra's cycle, the acceptance scenarios and more users than fill two pages, with the mapping of the
// example, against a real Flask-AppBuilder: pages that are part of a parameter in a language of its own, groups that are replaced
// as a whole.
func TestFlaskAppBuilder(t *testing.T) {
	addr, password := serveReal(t, "flaskappbuilder")
	t.Setenv("FAB_USER", "admin")
	t.Setenv("FAB_PASSWORD", password)
	example, err := os.ReadFile("../examples/flask-appbuilder.caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	mapping := regexp.MustCompile(`(?ms)^\t\tupstream rest \{\n.*?^\t\t\}$`).Find(example)
	if mapping == nil {
		t.Fatal("the example has no mapping any more")
	}
	fab := newFlaskAppBuilder(addr, password)
	for _, flag := range []bool{false, true} {
		t.Run(fmt.Sprintf("flag=%v", flag), func(t *testing.T) {
			fab.clear(t)
			c := start(t, gateway(addr, string(mapping))).entra("/scim")
			c.Flag = flag
			cycle(t, c, fab)
		})
	}
	t.Run("pages", func(t *testing.T) {
		fab.clear(t)
		fab.pages(t, start(t, gateway(addr, string(mapping))).entra("/scim"))
	})
	t.Run("acceptance", func(t *testing.T) { acceptance(t, fab.platform(addr, string(mapping))) })
}

type flaskAppBuilder struct {
	jsonAPI
	password string
}

func newFlaskAppBuilder(addr, password string) *flaskAppBuilder {
	return &flaskAppBuilder{jsonAPI{base: "http://" + addr + "/api/v1/security", http: http.DefaultClient}, password}
}

// login gets a token, which lives a quarter of an hour.
func (f *flaskAppBuilder) login(t *testing.T) {
	t.Helper()
	var login struct {
		Token string `json:"access_token"`
	}
	f.header = nil
	f.do(t, "POST", "/login", map[string]any{"username": "admin", "password": f.password, "provider": "db"}, &login)
	f.header = http.Header{"Authorization": {"Bearer " + login.Token}}
}

type fabUser struct {
	ID              int
	Username, Email string
	Active          bool
	Roles           []struct{ Name string }
}

type fabGroup struct {
	ID                int
	Name, Description string
	Roles             []struct{ Name string }
	Users             []struct{ ID int }
}

// wholeList is a list of the API, page by page.
func wholeList[T any](t *testing.T, f *flaskAppBuilder, what string) (all []T) {
	t.Helper()
	for page := 0; ; page++ {
		var list struct {
			Count  int
			Result []T
		}
		f.do(t, "GET", fmt.Sprintf("/%s/?q=(page:%d,page_size:100)", what, page), nil, &list)
		if all = append(all, list.Result...); len(all) >= list.Count {
			return all
		}
	}
}

func (f *flaskAppBuilder) people(t *testing.T) []person {
	t.Helper()
	var all []person
	for _, u := range wholeList[fabUser](t, f, "users") {
		one := person{fmt.Sprint(u.ID), u.Email, "active", "", fmt.Sprintf("username %s, roles %v", u.Username, u.Roles)}
		if !u.Active {
			one.state = "revoked"
		}
		all = append(all, one)
	}
	return all
}

func (f *flaskAppBuilder) groups(t *testing.T) []group {
	t.Helper()
	var all []group
	for _, g := range wholeList[fabGroup](t, f, "groups") {
		var ids []string
		for _, u := range g.Users {
			ids = append(ids, fmt.Sprint(u.ID))
		}
		slices.Sort(ids)
		all = append(all, group{fmt.Sprint(g.ID), g.Name, g.Description, ids, fmt.Sprintf("roles %v", g.Roles)})
	}
	return all
}

// clear removes everybody but the administrator.
func (f *flaskAppBuilder) clear(t *testing.T) {
	t.Helper()
	f.login(t)
	for _, g := range f.groups(t) {
		f.do(t, "PUT", "/groups/"+g.id, map[string]any{"users": []int{}, "roles": []int{}}, nil)
		f.do(t, "DELETE", "/groups/"+g.id, nil, nil)
	}
	for _, p := range f.people(t) {
		if p.mail != "admin@example.com" {
			f.do(t, "DELETE", "/users/"+p.id, nil, nil)
		}
	}
}

func (f *flaskAppBuilder) addUser(t *testing.T, username, mail, first, last string, active bool) int {
	t.Helper()
	var made struct{ ID int }
	f.do(t, "POST", "/users/", map[string]any{
		"username": username, "email": mail, "first_name": first, "last_name": last, "active": active, "password": "Password-0123456789", "roles": []int{3}, "groups": []int{},
	}, &made)
	return made.ID
}

// pages: who is on the third page is found, and everybody is listed once.
func (f *flaskAppBuilder) pages(t *testing.T, c *entra.Client) {
	const many = 235
	for i := range many {
		f.addUser(t, fmt.Sprintf("o'many%d", i), fmt.Sprintf("many%d@example.com", i), "Many", fmt.Sprint(i), i%7 != 0)
	}
	seen := map[string]bool{}
	for from := 1; from <= many; from += 50 {
		res, err := c.Do("GET", fmt.Sprintf("/Users?startIndex=%d&count=50", from), nil)
		if err != nil || res.Status != 200 || res.Total() != many {
			t.Fatalf("%v %.300s", err, res.Raw)
		}
		list, _ := res.Body["Resources"].([]any)
		for _, one := range list {
			seen[one.(map[string]any)["id"].(string)] = true
		}
	}
	if len(seen) != many {
		t.Errorf("%d people were listed, want %d", len(seen), many)
	}
	for attribute, value := range map[string]string{"userName": "o'many234", "emails.value": "many234@example.com"} {
		res, err := c.Find("/Users", attribute, value)
		if err != nil || res.Total() != 1 || res.First()["userName"] != "o'many234" {
			t.Errorf("%s: %v %.300s", attribute, err, res.Raw)
		}
	}
	res, err := c.Read("/Users", "no-number")
	if err != nil || res.Status != 404 {
		t.Errorf("%v %s", err, res.Raw)
	}
}

// platform is Flask-AppBuilder for the acceptance scenarios: one server, emptied and seeded for each of them.
func (f *flaskAppBuilder) platform(addr, mapping string) *platform {
	on := &platform{
		name: "Flask-AppBuilder", nobody: "999999", newcomer: "username user5@example.com, roles [{Public}]",
		slots: []string{"groups' externalId"},
		lacks: map[string]string{
			"a limit of users' externalId":  "it has no place for one, and the gateway's memory has no limit",
			"a limit of groups' externalId": "its database has none",
		},
	}
	on.open = func(t *testing.T, n int, _ between) func(*testing.T, int) *world {
		s := start(t, tenants(n, addr, func(i int) string { return fmt.Sprintf("organization w%d\n\t\t%s", i, mapping) }))
		return func(t *testing.T, i int) *world {
			t.Helper()
			f.clear(t)
			w := on.tenant(s, i, f, map[string]string{"boss": personWith(t, f, "admin@example.com").id})
			var people []int
			for i, seed := range seedPeople {
				id := f.addUser(t, seed.mail, seed.mail, "Test", fmt.Sprintf("User %d", i+1), seed.state != "revoked")
				people = append(people, id)
				w.ids[fmt.Sprintf("U%d", i+1)] = fmt.Sprint(id)
			}
			for i, seed := range seedGroups {
				users := []int{}
				if i == 0 {
					users = []int{people[0], people[3]}
				}
				var made struct{ ID int }
				f.do(t, "POST", "/groups/", map[string]any{
					"name": seed.name, "label": strings.ToUpper(seed.name), "description": seed.externalID, "roles": []int{3}, "users": users,
				}, &made)
				w.ids[fmt.Sprintf("G%d", i+1)] = fmt.Sprint(made.ID)
			}
			w.link(t)
			return w
		}
	}
	return on
}
