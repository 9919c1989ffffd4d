package gitea

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
)

func (t *Team) view() map[string]any {
	return map[string]any{
		"id": t.ID, "name": t.Name, "description": t.Description, "permission": t.Permission, "units": t.Units,
		"organization": nil, "includes_all_repositories": false, "can_create_org_repo": false,
	}
}

func (s *Server) pageOfTeams(w http.ResponseWriter, r *http.Request, teams []*Team) []map[string]any {
	list := []map[string]any{}
	for _, t := range page(w, r, teams, func(t *Team) string { return t.Name }) {
		list = append(list, t.view())
	}
	return list
}

func (s *Server) listTeams(w http.ResponseWriter, r *http.Request) {
	reply(w, http.StatusOK, s.pageOfTeams(w, r, slices.Clone(s.teams)))
}

// searchTeams looks at names and, unless told otherwise, at descriptions.
func (s *Server) searchTeams(w http.ResponseWriter, r *http.Request) {
	word, described := strings.TrimSpace(r.URL.Query().Get("q")), r.URL.Query().Get("include_desc") != "false"
	var found []*Team
	for _, t := range s.teams {
		if word == "" || like(t.Name, word) || described && like(t.Description, word) {
			found = append(found, t)
		}
	}
	reply(w, http.StatusOK, map[string]any{"ok": true, "data": s.pageOfTeams(w, r, found)})
}

var notAlphaDashDot = regexp.MustCompile(`[^\w.-]`)

// refusedTeam answers a name or description that cannot be a team's.
func (s *Server) refusedTeam(w http.ResponseWriter, t *Team, name, description string) bool {
	other := one(s.teams, func(o *Team) bool { return strings.EqualFold(o.Name, name) })
	switch {
	case notAlphaDashDot.MatchString(name):
		fail(w, http.StatusUnprocessableEntity, "[Name]: AlphaDashDot")
	case len(name) > 255:
		fail(w, http.StatusUnprocessableEntity, "[Name]: MaxSize")
	case len(description) > 255:
		fail(w, http.StatusUnprocessableEntity, "[Description]: MaxSize")
	case other != nil && other != t:
		fail(w, http.StatusUnprocessableEntity, "team already exists [org_id: 1, name: "+name+"]")
	default:
		return false
	}
	return true
}

func (s *Server) createTeam(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Name, Description, Permission string
		Units                         []string
	}
	if !decode(w, r, &in) {
		return
	}
	switch {
	case in.Name == "":
		fail(w, http.StatusUnprocessableEntity, "[Name]: Required")
		return
	case s.refusedTeam(w, nil, in.Name, in.Description):
		return
	case len(in.Units) == 0:
		fail(w, http.StatusInternalServerError, "units permission should not be empty")
		return
	}
	t := &Team{ID: s.id(), Name: in.Name, Description: in.Description, Permission: in.Permission, Units: in.Units}
	s.teams = append(s.teams, t)
	reply(w, http.StatusCreated, t.view())
}

// editTeam changes what the body has: an empty name is no name, and a permission that is left out stays.
func (s *Server) editTeam(w http.ResponseWriter, r *http.Request, t *Team) {
	var in struct {
		Name, Permission string
		Description      *string
		Units            []string
	}
	if !decode(w, r, &in) {
		return
	}
	name, description := t.Name, t.Description
	if in.Name != "" {
		name = in.Name
	}
	set(&description, in.Description)
	if s.refusedTeam(w, t, name, description) {
		return
	}
	t.Name, t.Description = name, description
	if in.Permission != "" {
		t.Permission = in.Permission
	}
	if len(in.Units) > 0 {
		t.Units = in.Units
	}
	reply(w, http.StatusOK, t.view())
}

func (s *Server) deleteTeam(w http.ResponseWriter, _ *http.Request, t *Team) {
	s.teams = slices.DeleteFunc(s.teams, func(o *Team) bool { return o == t })
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) listMembers(w http.ResponseWriter, r *http.Request, t *Team) {
	var in []*User
	for _, id := range t.Members {
		in = append(in, s.byID(id))
	}
	reply(w, http.StatusOK, views(page(w, r, in, login)))
}

// addMember and removeMember are content with what is so already.
func (s *Server) addMember(w http.ResponseWriter, r *http.Request, t *Team) {
	s.ofUser(func(w http.ResponseWriter, _ *http.Request, u *User) {
		if !slices.Contains(t.Members, u.ID) {
			t.Members = append(t.Members, u.ID)
		}
		w.WriteHeader(http.StatusNoContent)
	})(w, r)
}

func (s *Server) removeMember(w http.ResponseWriter, r *http.Request, t *Team) {
	s.ofUser(func(w http.ResponseWriter, _ *http.Request, u *User) {
		t.Members = slices.DeleteFunc(t.Members, func(id int64) bool { return id == u.ID })
		w.WriteHeader(http.StatusNoContent)
	})(w, r)
}
