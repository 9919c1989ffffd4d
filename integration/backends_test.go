package integration

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-scim/gateway/integration/desk"
	"github.com/caddy-scim/gateway/integration/gitea"
	"github.com/caddy-scim/gateway/integration/vaultwarden"
)

// backend looks into the organization itself, past the gateway: what SCIM answers is only believed when this agrees.
type backend interface {
	people(t *testing.T) []person
	groups(t *testing.T) []group
}

// person is somebody as the organization holds them.
type person struct {
	id, mail string

	// state is invited, accepted, confirmed or revoked; active or revoked where the organization knows no more.
	state string

	externalID string
	rest       string // what SCIM does not speak of
}

// group is a group as the organization holds it, with the ids of its members.
type group struct {
	id, name, externalID string
	members              []string
	rest                 string
}

// personWith is who has an address; nobody is the empty person.
func personWith(t *testing.T, org backend, mail string) person {
	t.Helper()
	for _, p := range org.people(t) {
		if strings.EqualFold(p.mail, mail) {
			return p
		}
	}
	return person{}
}

func groupNamed(t *testing.T, org backend, name string) *group {
	t.Helper()
	for _, g := range org.groups(t) {
		if g.name == name {
			return &g
		}
	}
	return nil
}

// statuses are Bitwarden's words for its numbers.
var statuses = map[int]string{-1: "revoked", 0: "invited", 1: "accepted", 2: "confirmed", 3: "staged"}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func (a *publicAPI) people(t *testing.T) []person {
	t.Helper()
	var list struct{ Data []apiMember }
	a.do(t, http.MethodGet, "/members", nil, &list)
	var all []person
	for _, m := range list.Data {
		all = append(all, person{m.ID, m.Email, statuses[m.Status], text(m.ExternalID), fmt.Sprintf("type %d, name %q, collections %v", m.Type, text(m.Name), m.Collections)})
	}
	slices.SortFunc(all, func(a, b person) int { return strings.Compare(a.id, b.id) })
	return all
}

func (a *publicAPI) groups(t *testing.T) []group {
	t.Helper()
	var list struct{ Data []apiGroup }
	a.do(t, http.MethodGet, "/groups", nil, &list)
	var all []group
	for _, g := range list.Data {
		var ids []string
		a.do(t, http.MethodGet, "/groups/"+g.ID+"/member-ids", nil, &ids)
		slices.Sort(ids)
		all = append(all, group{g.ID, g.Name, text(g.ExternalID), ids, fmt.Sprintf("collections %v", g.Collections)})
	}
	slices.SortFunc(all, func(a, b group) int { return strings.Compare(a.id, b.id) })
	return all
}

type vaultwardenBackend struct{ *vaultwarden.Server }

func (b vaultwardenBackend) people(*testing.T) []person {
	var all []person
	for _, m := range b.Members() {
		all = append(all, person{m.ID, m.Email, statuses[m.Status], text(m.ExternalID), fmt.Sprintf("type %d, name %q", m.Type, m.Name)})
	}
	return all
}

func (b vaultwardenBackend) groups(*testing.T) []group {
	var all []group
	for _, g := range b.AllGroups() {
		slices.Sort(g.Users)
		all = append(all, group{g.ID, g.Name, text(g.ExternalID), g.Users, fmt.Sprintf("access to all %v, collections %v", g.AccessAll, g.Collections)})
	}
	return all
}

type giteaBackend struct{ *gitea.Server }

// people shows the name that a local account signs in with as its external id; one that is called as the account itself is
// none, because that is what stands there where nothing else does.
func (b giteaBackend) people(*testing.T) []person {
	var all []person
	for _, u := range b.Users() {
		p := person{fmt.Sprint(u.ID), u.Email, "active", u.LoginName, fmt.Sprintf("login %s, website %q, admin %v", u.Login, u.Website, u.Admin)}
		if !u.Active && u.ProhibitLogin {
			p.state = "revoked"
		} else if !u.Active || u.ProhibitLogin {
			p.state = "half revoked"
		}
		if u.LoginName == u.Login {
			p.externalID = ""
		}
		all = append(all, p)
	}
	return all
}

func (b giteaBackend) groups(*testing.T) []group {
	var all []group
	for _, g := range b.Teams() {
		var ids []string
		for _, id := range g.Members {
			ids = append(ids, fmt.Sprint(id))
		}
		slices.Sort(ids)
		all = append(all, group{fmt.Sprint(g.ID), g.Name, g.Description, ids, fmt.Sprintf("permission %s, units %v", g.Permission, g.Units)})
	}
	return all
}

type deskBackend struct{ *desk.Server }

func (b deskBackend) people(*testing.T) []person {
	var all []person
	for _, p := range b.People() {
		one := person{fmt.Sprint(p.ID), p.Mail, "active", p.Ext, fmt.Sprintf("phone %q, boss %v", p.Phone, p.Boss)}
		if !p.On {
			one.state = "revoked"
		}
		all = append(all, one)
	}
	return all
}

func (b deskBackend) groups(*testing.T) []group {
	var all []group
	for _, g := range b.Teams() {
		var ids []string
		for _, id := range g.People {
			ids = append(ids, fmt.Sprint(id))
		}
		slices.Sort(ids)
		all = append(all, group{fmt.Sprint(g.ID), g.Title, g.Ext, ids, fmt.Sprintf("note %q", g.Note)})
	}
	return all
}

type scimBackend struct{ users, teams *scimStore }

func (b scimBackend) people(*testing.T) []person {
	b.users.mu.Lock()
	defer b.users.mu.Unlock()
	var all []person
	for id, r := range b.users.all {
		p := person{id: id, state: fmt.Sprintf("active is %#v", r.Attributes["active"])}
		p.mail, _ = r.Attributes["userName"].(string)
		switch r.Attributes["active"] {
		case true:
			p.state = "active"
		case false:
			p.state = "revoked"
		}
		all = append(all, p)
	}
	return all
}

func (b scimBackend) groups(*testing.T) []group {
	b.teams.mu.Lock()
	defer b.teams.mu.Unlock()
	var all []group
	for id, r := range b.teams.all {
		g := group{id: id}
		g.name, _ = r.Attributes["displayName"].(string)
		list, _ := r.Attributes["members"].([]any)
		for _, m := range list {
			g.members = append(g.members, m.(map[string]any)["value"].(string))
		}
		all = append(all, g)
	}
	return all
}
