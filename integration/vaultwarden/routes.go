package vaultwarden

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

func (s *Server) routes() {
	s.mux.HandleFunc("POST /identity/connect/token", s.token)
	s.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"error":{"code":404,"reason":"Not Found","description":"The requested resource could not be found."}}`))
	})
	s.guard("POST /api/public/organization/import", "organization", s.importAll)

	const o = "/api/organizations/{org}"
	s.guard("GET "+o+"/users", "user", func(w http.ResponseWriter, r *http.Request) {
		list := make([]any, 0, len(s.members))
		for _, m := range s.members {
			list = append(list, s.view(m, r))
		}
		reply(w, map[string]any{"data": list, "object": "list", "continuationToken": nil})
	})
	s.guard("GET "+o+"/users/mini-details", "user", func(w http.ResponseWriter, _ *http.Request) {
		list := make([]any, 0, len(s.members))
		for _, m := range s.members {
			list = append(list, map[string]any{"id": m.ID, "userId": m.ID, "type": m.Type, "status": m.Status, "name": m.Email, "email": m.Email})
		}
		reply(w, map[string]any{"data": list, "object": "list", "continuationToken": nil})
	})
	s.guard("POST "+o+"/users/invite", "user", s.invite)
	s.guard("GET "+o+"/users/{id}", "user", s.member("The specified user isn't a member of the organization", func(w http.ResponseWriter, r *http.Request, m *Member) {
		reply(w, s.view(m, r))
	}))
	s.guard("DELETE "+o+"/users/{id}", "user", s.member("User to delete isn't member of the organization", s.remove))
	s.guard("PUT "+o+"/users/{id}/revoke", "user", s.member("User not found in organization", s.revoke))
	s.guard("PUT "+o+"/users/{id}/restore", "user", s.member("User not found in organization", s.restore))
	s.guard("POST "+o+"/users/{id}/reinvite", "user", s.member("User not found in organization", func(w http.ResponseWriter, _ *http.Request, m *Member) {
		if m.Status != invited {
			fail(w, http.StatusBadRequest, "User already accepted the invitation")
		}
	}))
	s.guard("GET "+o+"/groups", "user", func(w http.ResponseWriter, _ *http.Request) {
		list := make([]any, 0, len(s.groups))
		for _, g := range s.groups {
			list = append(list, g.view(false))
		}
		reply(w, map[string]any{"data": list, "object": "list", "continuationToken": nil})
	})
	s.guard("POST "+o+"/groups", "user", s.putGroup)
	s.guard("GET "+o+"/groups/{id}", "user", s.ofGroup(func(w http.ResponseWriter, _ *http.Request, g *Group) { reply(w, g.view(false)) }))
	s.guard("GET "+o+"/groups/{id}/details", "user", s.ofGroup(func(w http.ResponseWriter, _ *http.Request, g *Group) { reply(w, g.view(true)) }))
	s.guard("PUT "+o+"/groups/{id}", "user", s.putGroup)
	s.guard("DELETE "+o+"/groups/{id}", "user", s.ofGroup(func(_ http.ResponseWriter, _ *http.Request, g *Group) {
		s.groups = slices.DeleteFunc(s.groups, func(o *Group) bool { return o == g })
	}))
	s.guard("GET "+o+"/groups/{id}/users", "user", s.ofGroup(func(w http.ResponseWriter, _ *http.Request, g *Group) {
		reply(w, append([]string{}, g.Users...))
	}))
	s.guard("PUT "+o+"/groups/{id}/users", "user", s.ofGroup(func(w http.ResponseWriter, r *http.Request, g *Group) {
		var ids []string
		if !decode(w, r, &ids) {
			return
		}
		if s.unknown(ids) {
			fail(w, http.StatusBadRequest, "Invalid member")
			return
		}
		g.Users = ids
	}))
	s.guard("POST "+o+"/groups/{id}/delete-user/{mid}", "user", s.ofGroup(func(_ http.ResponseWriter, r *http.Request, g *Group) {
		g.Users = slices.DeleteFunc(g.Users, func(id string) bool { return id == r.PathValue("mid") })
	}))
}

func (s *Server) member(missing string, h func(http.ResponseWriter, *http.Request, *Member)) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		if m := s.byID(r.PathValue("id")); m != nil {
			h(w, r, m)
			return
		}
		fail(w, http.StatusBadRequest, missing) // 400, not 404: that is the contract
	}
}

func (s *Server) ofGroup(h func(http.ResponseWriter, *http.Request, *Group)) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		if g := s.group(r.PathValue("id")); g != nil {
			h(w, r, g)
			return
		}
		fail(w, http.StatusBadRequest, "Group not found")
	}
}

func (s *Server) invite(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Emails      []string
		Groups      []string
		Type        *json.Number
		Collections []any
	}
	if !decode(w, r, &in) {
		return
	}
	if in.Groups == nil || in.Type == nil || in.Emails == nil {
		fail(w, http.StatusUnprocessableEntity, "missing field")
		return
	}
	if *in.Type != "2" {
		fail(w, http.StatusBadRequest, "Only Owners can invite Managers, Admins or Owners")
		return
	}
	for _, mail := range in.Emails {
		if s.byMail(mail) != nil {
			fail(w, http.StatusBadRequest, "User already in organization: "+mail)
			return
		}
	}
	for _, mail := range in.Emails {
		s.members = append(s.members, &Member{ID: newID(), Email: strings.ToLower(mail), Type: 2, Status: invited})
	}
}

func (s *Server) remove(w http.ResponseWriter, _ *http.Request, m *Member) {
	switch {
	case m.Type < 2:
		fail(w, http.StatusBadRequest, "Only Owners can delete Admins or Owners")
	case s.lastOwner(m):
		fail(w, http.StatusBadRequest, "Can't delete the last owner")
	default:
		s.members = slices.DeleteFunc(s.members, func(o *Member) bool { return o == m })
		for _, g := range s.groups {
			g.Users = slices.DeleteFunc(g.Users, func(id string) bool { return id == m.ID })
		}
	}
}

func (s *Server) revoke(w http.ResponseWriter, _ *http.Request, m *Member) {
	switch {
	case m.Status == revoked:
		fail(w, http.StatusBadRequest, "User is already revoked")
	case m.Email == account:
		fail(w, http.StatusBadRequest, "You cannot revoke yourself")
	case m.Type == 0:
		fail(w, http.StatusBadRequest, "Only owners can revoke other owners")
	default:
		m.before, m.Status = m.Status, revoked
	}
}

func (s *Server) restore(w http.ResponseWriter, _ *http.Request, m *Member) {
	switch m.Status {
	case revoked:
		m.Status = m.before
	case accepted, confirmed:
		fail(w, http.StatusBadRequest, "User is already active")
	}
}

// putGroup creates or replaces: collections, users and accessAll are reset to what the body says, the external id is
// kept on update.
func (s *Server) putGroup(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Name        string
		AccessAll   bool
		ExternalID  *string `json:"externalId"`
		Collections []any
		Users       []string
	}
	if !decode(w, r, &in) {
		return
	}
	if in.Collections == nil || in.Users == nil {
		fail(w, http.StatusUnprocessableEntity, "missing field")
		return
	}
	if s.unknown(in.Users) {
		fail(w, http.StatusBadRequest, "Invalid member")
		return
	}
	g := s.group(r.PathValue("id"))
	switch {
	case r.PathValue("id") != "" && g == nil:
		fail(w, http.StatusBadRequest, "Group not found")
		return
	case g == nil:
		g = &Group{ID: newID(), ExternalID: in.ExternalID}
		s.groups = append(s.groups, g)
	}
	g.Name, g.AccessAll, g.Collections, g.Users = in.Name, in.AccessAll, in.Collections, in.Users
	reply(w, g.view(true))
}

func (s *Server) unknown(ids []string) bool {
	return slices.ContainsFunc(ids, func(id string) bool { return s.byID(id) == nil })
}

func (s *Server) view(m *Member, r *http.Request) map[string]any {
	v := map[string]any{
		"id": m.ID, "userId": m.ID, "email": m.Email, "externalId": m.ExternalID, "status": m.Status, "type": m.Type,
		"groups": []string{}, "collections": []any{}, "accessAll": false, "twoFactorEnabled": false,
		"resetPasswordEnrolled": false, "permissions": nil, "ssoBound": false, "object": "organizationUserUserDetails", "name": nil,
	}
	if m.Status != invited {
		v["name"] = m.Email
		if m.Name != "" {
			v["name"] = m.Name
		}
	}
	if r.URL.Query().Get("includeGroups") == "true" {
		ids := []string{}
		for _, g := range s.groups {
			if slices.Contains(g.Users, m.ID) {
				ids = append(ids, g.ID)
			}
		}
		v["groups"] = ids
	}
	return v
}

func (g *Group) view(details bool) map[string]any {
	v := map[string]any{"id": g.ID, "organizationId": Organization, "name": g.Name, "externalId": g.ExternalID, "object": "group"}
	if details {
		v["accessAll"], v["collections"], v["object"] = g.AccessAll, append([]any{}, g.Collections...), "groupDetails"
	}
	return v
}

func decode(w http.ResponseWriter, r *http.Request, into any) bool {
	d := json.NewDecoder(r.Body)
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		fail(w, http.StatusUnprocessableEntity, "invalid body")
		return false
	}
	return true
}
