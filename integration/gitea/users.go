package gitea

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

func (u *User) view() map[string]any {
	return map[string]any{
		"id": u.ID, "login": u.Login, "username": u.Login, "login_name": u.LoginName, "source_id": u.SourceID,
		"full_name": u.FullName, "email": u.Email, "is_admin": u.Admin, "active": u.Active, "prohibit_login": u.ProhibitLogin,
		"restricted": false, "website": u.Website, "location": "", "description": "", "visibility": "public", "language": "",
	}
}

func views(users []*User) []map[string]any {
	list := make([]map[string]any, 0, len(users))
	for _, u := range users {
		list = append(list, u.view())
	}
	return list
}

func login(u *User) string { return u.Login }

// listUsers is the administrators' list, which can be narrowed to the accounts of a source with an exact login name.
// Source 0, the accounts of the server itself, narrows nothing.
func (s *Server) listUsers(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	found := slices.Clone(s.users)
	found = slices.DeleteFunc(found, func(u *User) bool {
		source := number(q.Get("source_id"))
		return source > 0 && u.SourceID != source || q.Get("login_name") != "" && u.LoginName != strings.TrimSpace(q.Get("login_name"))
	})
	reply(w, http.StatusOK, views(page(w, r, found, login)))
}

// searchUsers finds accounts whose name, full name or e-mail address contains a word. uid narrows it to one account; an id
// that is none narrows nothing, and two ids below zero are accounts that nobody has.
func (s *Server) searchUsers(w http.ResponseWriter, r *http.Request) {
	uid, word := number(r.URL.Query().Get("uid")), strings.TrimSpace(r.URL.Query().Get("q"))
	var found []*User
	switch uid {
	case -1:
		found = []*User{{ID: -1, Login: "Ghost", Email: "", Active: true}}
	case -2:
		found = []*User{{ID: -2, Login: "gitea-actions", Email: "teabot@gitea.io", Active: true}}
	default:
		for _, u := range s.users {
			if (uid <= 0 || u.ID == uid) && (word == "" || like(u.Login, word) || like(u.FullName, word) || like(u.Email, word)) {
				found = append(found, u)
			}
		}
	}
	reply(w, http.StatusOK, map[string]any{"ok": true, "data": views(page(w, r, found, login))})
}

var (
	username = regexp.MustCompile(`^[\da-zA-Z][-.\w]*$`)
	doubled  = regexp.MustCompile(`[-._]{2,}|[-._]$`)
	reserved = []string{"admin", "api", "assets", "explore", "ghost", "gitea-actions", "issues", "login", "org", "repo", "user"}
)

// unusable answers a name that cannot be an account's.
func unusable(w http.ResponseWriter, name string) bool {
	switch {
	case name == "":
		fail(w, http.StatusUnprocessableEntity, "[Username]: Required")
	case len(name) > 40:
		fail(w, http.StatusUnprocessableEntity, "[Username]: MaxSize")
	case !username.MatchString(name) || doubled.MatchString(name):
		fail(w, http.StatusUnprocessableEntity, "[Username]: invalid username")
	case slices.Contains(reserved, strings.ToLower(name)):
		fail(w, http.StatusBadRequest, "name is reserved [name: "+name+"]")
	default:
		return false
	}
	return true
}

func noAddress(mail string) bool {
	at := strings.IndexByte(mail, '@')
	return at < 1 || at == len(mail)-1 || len(mail) > 254 || strings.ContainsAny(mail, " <>")
}

func (s *Server) createUser(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Username, Email, Password string
		FullName                  string `json:"full_name"`
		LoginName                 string `json:"login_name"`
		SourceID                  int64  `json:"source_id"`
	}
	if !decode(w, r, &in) {
		return
	}
	if unusable(w, in.Username) {
		return
	}
	refused := ""
	switch {
	case in.Email == "":
		refused = "[Email]: Required"
	case noAddress(in.Email):
		refused = "[Email]: Email"
	case len(in.FullName) > 100:
		refused = "[FullName]: MaxSize"
	case s.byLogin(in.Username) != nil:
		refused = fmt.Sprintf("user already exists [name: %s]", in.Username)
	case s.byMail(in.Email) != nil:
		refused = fmt.Sprintf("e-mail already in use [email: %s]", in.Email)
	case in.SourceID != 0:
		refused = fmt.Sprintf("login source does not exist [id: %d]", in.SourceID)
	case len(in.Password) < 8:
		fail(w, http.StatusBadRequest, "PasswordIsRequired")
		return
	}
	if refused != "" {
		fail(w, http.StatusUnprocessableEntity, refused)
		return
	}
	u := &User{ID: s.id(), Login: in.Username, Email: in.Email, FullName: in.FullName, LoginName: in.LoginName, Active: true}
	s.users = append(s.users, u)
	delete(s.renamed, strings.ToLower(u.Login))
	reply(w, http.StatusCreated, u.view())
}

// editUser changes what the body has. source_id and login_name have to be in every one, and what concerns signing in is
// changed before the address is looked at: a call that fails because of the address has changed the rest.
func (s *Server) editUser(w http.ResponseWriter, r *http.Request, u *User) {
	var in struct {
		SourceID      *int64  `json:"source_id"`
		LoginName     string  `json:"login_name"`
		ProhibitLogin *bool   `json:"prohibit_login"`
		FullName      *string `json:"full_name"`
		Email         *string
		Active        *bool
		Admin         *bool
	}
	if !decode(w, r, &in) {
		return
	}
	switch {
	case in.SourceID == nil:
		fail(w, http.StatusUnprocessableEntity, "[SourceID]: Required")
		return
	case in.LoginName == "":
		fail(w, http.StatusUnprocessableEntity, "[LoginName]: Required")
		return
	case in.FullName != nil && len(*in.FullName) > 100:
		fail(w, http.StatusUnprocessableEntity, "[FullName]: MaxSize")
		return
	}
	u.LoginName = in.LoginName
	set(&u.ProhibitLogin, in.ProhibitLogin)
	if in.Email != nil {
		other := s.byMail(*in.Email)
		switch {
		case noAddress(*in.Email):
			fail(w, http.StatusBadRequest, "e-mail invalid")
			return
		case other != nil && other != u:
			fail(w, http.StatusBadRequest, fmt.Sprintf("e-mail already in use [email: %s]", *in.Email))
			return
		}
		u.Email = *in.Email
	}
	set(&u.FullName, in.FullName)
	set(&u.Active, in.Active)
	set(&u.Admin, in.Admin)
	reply(w, http.StatusOK, u.view())
}

func set[T any](to, value *T) {
	if value != nil {
		*to = *value
	}
}

func (s *Server) renameUser(w http.ResponseWriter, r *http.Request, u *User) {
	var in struct {
		NewName string `json:"new_username"`
	}
	if !decode(w, r, &in) {
		return
	}
	if unusable(w, in.NewName) {
		return
	}
	if other := s.byLogin(in.NewName); other != nil && other != u {
		fail(w, http.StatusUnprocessableEntity, fmt.Sprintf("user already exists [name: %s]", in.NewName))
		return
	}
	s.renamed[strings.ToLower(u.Login)] = u.ID
	u.Login = in.NewName
	delete(s.renamed, strings.ToLower(u.Login))
	w.WriteHeader(http.StatusNoContent)
}

// Rename is what an administrator does in the web interface.
func (s *Server) Rename(from, to string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.byLogin(from); u != nil {
		s.renamed[strings.ToLower(from)], u.Login = u.ID, to
	}
}

// deleteUser removes an account that nothing belongs to; one that is still in an organization is not removed.
func (s *Server) deleteUser(w http.ResponseWriter, r *http.Request, u *User) {
	purge := r.URL.Query().Get("purge") == "true"
	switch {
	case u.Admin:
		fail(w, http.StatusUnprocessableEntity, "you cannot delete yourself")
		return
	case !purge && slices.ContainsFunc(s.teams, func(t *Team) bool { return slices.Contains(t.Members, u.ID) }):
		fail(w, http.StatusUnprocessableEntity, fmt.Sprintf("user still has membership of organizations [uid: %d]", u.ID))
		return
	}
	s.leave(u)
	s.users = slices.DeleteFunc(s.users, func(o *User) bool { return o == u })
	w.WriteHeader(http.StatusNoContent)
}

// leaveOrganization takes somebody out of all teams of the organization, whether in one or not.
func (s *Server) leaveOrganization(w http.ResponseWriter, _ *http.Request, u *User) {
	s.leave(u)
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) leave(u *User) {
	for _, t := range s.teams {
		t.Members = slices.DeleteFunc(t.Members, func(id int64) bool { return id == u.ID })
	}
}
