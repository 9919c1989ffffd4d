package vaultwarden

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
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
			list = append(list, map[string]any{"id": m.ID, "userId": m.user, "type": m.Type, "status": m.Status, "name": m.Email, "email": m.Email})
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
	s.guard("POST "+o+"/users/{id}/reinvite", "user", s.member("The user hasn't been invited to the organization.", func(w http.ResponseWriter, _ *http.Request, m *Member) {
		switch {
		case m.Status != invited:
			fail(w, http.StatusBadRequest, "The user is already accepted or confirmed to the organization")
		case s.settings.MailBroken:
			fail(w, http.StatusBadRequest, "SMTP error: Connection error: Connection refused (os error 111)")
		}
	}))
	s.guard("GET "+o+"/groups", "user", func(w http.ResponseWriter, _ *http.Request) {
		list := make([]any, 0, len(s.groups))
		for _, g := range s.groups {
			if !s.settings.NoGroups {
				list = append(list, g.view(false))
			}
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
		g.Users = distinct(ids)
	}))
	s.guard("POST "+o+"/groups/{id}/delete-user/{mid}", "user", s.ofGroup(func(w http.ResponseWriter, r *http.Request, g *Group) {
		if s.byID(r.PathValue("mid")) == nil {
			fail(w, http.StatusBadRequest, "User could not be found or does not belong to the organization.")
			return
		}
		g.Users = slices.DeleteFunc(g.Users, func(id string) bool { return id == r.PathValue("mid") })
	}))
	s.admin()
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
		if s.groupsOff(w) {
			return
		}
		if g := s.group(r.PathValue("id")); g != nil {
			h(w, r, g)
			return
		}
		fail(w, http.StatusBadRequest, noGroup)
	}
}

const noGroup = "Group could not be found or does not belong to the organization."

// groupsOff answers where the operator has not turned groups on.
func (s *Server) groupsOff(w http.ResponseWriter) bool {
	if s.settings.NoGroups {
		fail(w, http.StatusBadRequest, "Group support is disabled")
	}
	return s.settings.NoGroups
}

func (s *Server) invite(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Emails      []string
		Groups      []string
		Type        json.RawMessage
		Collections []struct{ ID string }
	}
	if !decode(w, r, &in) {
		return
	}
	if in.Groups == nil || in.Type == nil || in.Emails == nil {
		unprocessable(w, r)
		return
	}
	refused := ""
	switch kind := strings.Trim(string(in.Type), `"`); {
	case !slices.Contains([]string{"0", "1", "2", "3", "4", "Owner", "Admin", "User", "Manager", "Custom"}, kind):
		refused = "Invalid type"
	case kind != "2" && kind != "User":
		refused = "Only Owners can invite Managers, Admins or Owners"
	case len(in.Collections) > 0:
		refused = "Collection not found in Organization"
	}
	for _, id := range in.Groups {
		if s.group(id) == nil {
			refused = "Group not found in Organization"
		}
	}
	for _, mail := range in.Emails {
		at := strings.LastIndexByte(mail, '@')
		switch {
		case s.byMail(mail) != nil:
			refused = "User already in organization: " + mail
		case at < 1 || at == len(mail)-1 || strings.ContainsAny(mail, " <>"):
			refused = "Invalid email address format: " + mail
		case s.settings.MailBroken:
			refused = "Error sending invite: SMTP error: Connection error: Connection refused (os error 111)"
		}
	}
	if refused != "" {
		fail(w, http.StatusBadRequest, refused)
		return
	}
	for _, mail := range in.Emails {
		s.newMember(mail)
	}
}

// newMember is somebody who has been invited. Where the server sends no mail, there is nothing to accept for people who have an
// account.
func (s *Server) newMember(mail string) *Member {
	m := &Member{ID: newID(), user: s.person(mail).id, Email: strings.ToLower(mail), Type: 2, Status: invited}
	if s.settings.NoMail && s.person(mail).registered {
		m.Status = accepted
	}
	s.members = append(s.members, m)
	return m
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
	if s.groupsOff(w) {
		return
	}
	var in struct {
		Name        *string
		AccessAll   bool
		ExternalID  *string `json:"externalId"`
		Collections []any
		Users       []string
	}
	if !decode(w, r, &in) {
		return
	}
	if in.Name == nil || in.Collections == nil || in.Users == nil {
		unprocessable(w, r)
		return
	}
	if s.unknown(in.Users) {
		fail(w, http.StatusBadRequest, "Invalid member")
		return
	}
	if s.settings.ShortNames && utf8.RuneCountInString(*in.Name) > 100 {
		fail(w, http.StatusBadRequest, "Error saving group")
		return
	}
	g := s.group(r.PathValue("id"))
	switch {
	case r.PathValue("id") != "" && g == nil:
		fail(w, http.StatusBadRequest, noGroup)
		return
	case g == nil:
		g = &Group{ID: newID(), ExternalID: in.ExternalID}
		s.groups = append(s.groups, g)
	}
	g.Name, g.AccessAll, g.Collections, g.Users = *in.Name, in.AccessAll, in.Collections, distinct(in.Users)
	reply(w, g.view(false))
}

// distinct are the ids, each of them once.
func distinct(ids []string) (once []string) {
	for _, id := range ids {
		if !slices.Contains(once, id) {
			once = append(once, id)
		}
	}
	return once
}

func (s *Server) unknown(ids []string) bool {
	return slices.ContainsFunc(ids, func(id string) bool { return s.byID(id) == nil })
}

func (s *Server) view(m *Member, r *http.Request) map[string]any {
	v := map[string]any{
		"id": m.ID, "userId": m.user, "email": m.Email, "externalId": m.ExternalID, "status": m.Status, "type": m.Type,
		"groups": []string{}, "collections": []any{}, "accessAll": false, "twoFactorEnabled": false,
		"resetPasswordEnrolled": false, "permissions": nil, "ssoBound": false, "object": "organizationUserUserDetails", "name": nil,
	}
	if m.Status != invited && (m.Status != revoked || m.before != invited) {
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

func unprocessable(w http.ResponseWriter, r *http.Request) {
	framework(w, r, http.StatusUnprocessableEntity, "Unprocessable Entity", "The request was well-formed but was unable to be followed due to semantic errors.")
}

func decode(w http.ResponseWriter, r *http.Request, into any) bool {
	d := json.NewDecoder(r.Body)
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		unprocessable(w, r)
		return false
	}
	return true
}
