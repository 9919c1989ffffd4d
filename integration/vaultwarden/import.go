package vaultwarden

import "net/http"

// importAll is the one route of the Public API. Every field is required; members are matched by e-mail only; "deleted"
// revokes; overwriteExisting removes whoever has an external id that is not in the request.
func (s *Server) importAll(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Groups *[]struct {
			Name              *string
			ExternalID        *string   `json:"externalId"`
			MemberExternalIDs *[]string `json:"memberExternalIds"`
		}
		Members *[]struct {
			Email      *string
			ExternalID *string `json:"externalId"`
			Deleted    *bool
		}
		OverwriteExisting *bool
	}
	if !decode(w, r, &in) {
		return
	}
	if in.Groups == nil || in.Members == nil || in.OverwriteExisting == nil {
		unprocessable(w, r)
		return
	}
	for _, m := range *in.Members {
		if m.Email == nil || m.ExternalID == nil || m.Deleted == nil {
			unprocessable(w, r)
			return
		}
	}
	for _, m := range *in.Members {
		have := s.byMail(*m.Email)
		switch {
		case have == nil && *m.Deleted:
			continue
		case have == nil:
			have = s.newMember(*m.Email)
		case *m.Deleted && have.Status != revoked && !s.lastOwner(have):
			have.before, have.Status = have.Status, revoked
		case !*m.Deleted && have.Status == revoked:
			have.Status = have.before
		}
		if have.ExternalID = m.ExternalID; *m.ExternalID == "" {
			have.ExternalID = nil
		}
	}
	for _, g := range *in.Groups {
		if g.Name == nil || g.ExternalID == nil || g.MemberExternalIDs == nil {
			unprocessable(w, r)
			return
		}
		s.importGroup(*g.Name, *g.ExternalID, *g.MemberExternalIDs)
	}
	if *in.OverwriteExisting {
		kept := s.members[:0]
		for _, m := range s.members {
			listed := m.ExternalID == nil || s.lastOwner(m)
			for _, named := range *in.Members {
				listed = listed || m.ExternalID != nil && *named.ExternalID == *m.ExternalID
			}
			if listed {
				kept = append(kept, m)
			}
		}
		s.members = kept
	}
}

// importGroup finds a group by external id, never renames it, and replaces its members.
func (s *Server) importGroup(name, externalID string, memberExternalIDs []string) {
	var g *Group
	for _, have := range s.groups {
		if have.ExternalID != nil && *have.ExternalID == externalID {
			g = have
		}
	}
	if g == nil {
		g = &Group{ID: newID(), Name: name, ExternalID: &externalID}
		s.groups = append(s.groups, g)
	}
	g.Users = nil
	for _, want := range memberExternalIDs {
		for _, m := range s.members {
			if m.ExternalID != nil && *m.ExternalID == want {
				g.Users = append(g.Users, m.ID)
			}
		}
	}
}
