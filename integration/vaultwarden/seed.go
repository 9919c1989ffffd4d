package vaultwarden

import "slices"

// AddMember puts a member there as somebody does who does not ask the API. One who is revoked was confirmed before.
func (s *Server) AddMember(m Member) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	m.ID, m.before = newID(), confirmed
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
func (s *Server) Members() []Member {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Member
	for _, m := range s.members {
		all = append(all, *m)
	}
	return all
}

// AllGroups are all groups of the organization: two may have the same name.
func (s *Server) AllGroups() []Group {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Group
	for _, g := range s.groups {
		c := *g
		c.Users = slices.Clone(g.Users)
		all = append(all, c)
	}
	return all
}
