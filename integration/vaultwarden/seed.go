package vaultwarden

import (
	"slices"

	"github.com/caddy-scim/gateway/integration/rows"
)

// AddMember puts a member there as somebody does who does not ask the API. One who is revoked was confirmed before.
func (s *Server) AddMember(m Member) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	m.ID, m.user, m.before = newID(), s.person(m.Email).id, confirmed
	s.members = append(s.members, &m)
	return m.ID
}

// AddGroup puts a group there.
func (s *Server) AddGroup(g Group) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	g.ID = newID()
	s.groups = append(s.groups, &g)
	return g.ID
}

// Members are all members of the organization.
func (s *Server) Members() []Member { return rows.Copies(&s.mu, &s.members, nil) }

// AllGroups are all groups of the organization: two may have the same name.
func (s *Server) AllGroups() []Group {
	return rows.Copies(&s.mu, &s.groups, func(g *Group) { g.Users = slices.Clone(g.Users) })
}
