//go:build real

package integration

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestRedmine runs Entra's cycle and the acceptance scenarios against a real Redmine 5.0: numeric ids, no place for
// external ids, lists without status.
func TestRedmine(t *testing.T) {
	addr, key := serveReal(t, "redmine")
	org := &redmine{jsonAPI{"http://" + addr, http.Header{"X-Redmine-Api-Key": {key}}, http.DefaultClient}}
	upstream := `upstream redmine {
			api_key ` + key + `
		}`
	for _, flag := range []bool{false, true} {
		t.Run(fmt.Sprintf("flag=%v", flag), func(t *testing.T) {
			org.clear(t)
			s := start(t, gateway(addr, upstream))
			c := s.entra("/scim")
			c.Flag = flag
			cycle(t, c, org)
		})
	}
	t.Run("acceptance", func(t *testing.T) { acceptance(t, org.platform(addr, upstream)) })
}

type redmine struct{ jsonAPI }

// platform is Redmine for the acceptance scenarios: one server, emptied and seeded for each of them.
func (r *redmine) platform(addr, upstream string) *platform {
	const remembered = "Redmine has no place for it, and the gateway's memory has no limit"
	on := &platform{
		name: "Redmine", nobody: "00000000-0000-4000-8000-000000000000", newcomer: "login user5@example.com, admin false",
		lacks: map[string]string{"a limit of users' externalId": remembered, "a limit of groups' externalId": remembered},
	}
	on.open = func(t *testing.T, n int, _ between) func(*testing.T, int) *world {
		s := start(t, tenants(n, addr, func(i int) string { return fmt.Sprintf("organization w%d\n\t\t%s", i, upstream) }))
		return func(t *testing.T, i int) *world {
			t.Helper()
			r.clear(t)
			w := on.tenant(s, i, r, map[string]string{"boss": personWith(t, r, "admin@example.net").id})
			var people []int
			for i, seed := range seedPeople {
				var made struct{ User redmineUser }
				r.do(t, "POST", "/users.json", map[string]any{"user": map[string]any{
					"login": seed.mail, "mail": seed.mail, "firstname": "Test", "lastname": fmt.Sprintf("User %d", i+1), "generate_password": true,
				}}, &made)
				if seed.state == "revoked" {
					r.do(t, "PUT", fmt.Sprintf("/users/%d.json", made.User.ID), map[string]any{"user": map[string]any{"status": 3}}, nil)
				}
				people = append(people, made.User.ID)
				w.ids[fmt.Sprintf("U%d", i+1)] = fmt.Sprint(made.User.ID)
			}
			for i, seed := range seedGroups {
				wanted := map[string]any{"name": seed.name}
				if i == 0 {
					wanted["user_ids"] = []int{people[0], people[3]}
				}
				var made struct{ Group redmineUser }
				r.do(t, "POST", "/groups.json", map[string]any{"group": wanted}, &made)
				w.ids[fmt.Sprintf("G%d", i+1)] = fmt.Sprint(made.Group.ID)
			}
			w.link(t)
			return w
		}
	}
	return on
}

type redmineUser struct {
	ID                int
	Login, Mail, Name string
	Admin             bool
}

// people are read in two lists, because the items do not say their status.
func (r *redmine) people(t *testing.T) []person {
	t.Helper()
	var all []person
	for status, word := range map[int]string{1: "active", 3: "revoked"} {
		var list struct{ Users []redmineUser }
		r.do(t, "GET", fmt.Sprintf("/users.json?limit=100&status=%d", status), nil, &list)
		for _, u := range list.Users {
			all = append(all, person{fmt.Sprint(u.ID), u.Mail, word, "", fmt.Sprintf("login %s, admin %v", u.Login, u.Admin)})
		}
	}
	slices.SortFunc(all, func(a, b person) int { return strings.Compare(a.id, b.id) })
	return all
}

func (r *redmine) groups(t *testing.T) []group {
	t.Helper()
	var list struct{ Groups []redmineUser }
	r.do(t, "GET", "/groups.json", nil, &list)
	var all []group
	for _, g := range list.Groups {
		var one struct{ Group struct{ Users []redmineUser } }
		r.do(t, "GET", fmt.Sprintf("/groups/%d.json?include=users", g.ID), nil, &one)
		var ids []string
		for _, u := range one.Group.Users {
			ids = append(ids, fmt.Sprint(u.ID))
		}
		slices.Sort(ids)
		all = append(all, group{id: fmt.Sprint(g.ID), name: g.Name, members: ids})
	}
	return all
}

// clear removes everybody but the administrator.
func (r *redmine) clear(t *testing.T) {
	t.Helper()
	for _, g := range r.groups(t) {
		r.do(t, "DELETE", "/groups/"+g.id+".json", nil, nil)
	}
	for _, p := range r.people(t) {
		if p.mail != "admin@example.net" {
			r.do(t, "DELETE", "/users/"+p.id+".json", nil, nil)
		}
	}
}
