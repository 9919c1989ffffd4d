// Package gitea is a server that keeps the contract of Gitea 1.26's API as far as accounts, and the teams of one
// organization, are concerned. It is written from a description of that server's behavior, its traps included; it is
// not Gitea and has no repositories.
package gitea

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/caddy-scim/gateway/integration/rows"
)

// What the server's only organization is called, and the token of its administrator.
const (
	Organization = "acme"
	Token        = "gitea-admin-token-0123456789"
)

// User is an account.
type User struct {
	ID                           int64
	Login, FullName, Email       string
	LoginName, Website           string
	SourceID                     int64
	Active, ProhibitLogin, Admin bool
}

// Team is a team of the organization; whoever is in one is a member of the organization.
type Team struct {
	ID                            int64
	Name, Description, Permission string
	Units                         []string
	Members                       []int64
}

// Server is the whole of it. Use [New].
type Server struct {
	mux http.ServeMux

	mu      sync.Mutex
	last    int64
	users   []*User
	teams   []*Team
	renamed map[string]int64 // old names, which answer with a redirection
}

// New is a server with one administrator, who owns the organization.
func New() *Server {
	s := &Server{renamed: map[string]int64{}}
	admin := s.AddUser(User{Login: "gitea_admin", Email: "admin@example.com", FullName: "Administrator", Active: true, Admin: true})
	s.AddTeam(Team{Name: "Owners", Permission: "owner", Units: []string{"repo.code"}, Members: []int64{admin}})
	s.routes()
	return s
}

// AddUser puts an account there as somebody does who does not ask the API.
func (s *Server) AddUser(u User) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	u.ID = s.id()
	s.users = append(s.users, &u)
	return u.ID
}

// AddTeam puts a team there.
func (s *Server) AddTeam(t Team) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	t.ID = s.id()
	s.teams = append(s.teams, &t)
	return t.ID
}

// Users are all accounts.
func (s *Server) Users() []User { return rows.Copies(&s.mu, &s.users, nil) }

// Teams are all teams.
func (s *Server) Teams() []Team {
	return rows.Copies(&s.mu, &s.teams, func(t *Team) { t.Members = slices.Clone(t.Members) })
}

func (s *Server) id() int64 {
	s.last++
	return s.last
}

// ServeHTTP makes the server a handler: every route wants the administrator's token, but for the one that tells people who they
// are.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case r.URL.Path == "/api/v1/user":
		s.whoAmI(w, r)
	case r.Header.Get("Authorization") != "token "+Token:
		fail(w, http.StatusUnauthorized, "invalid username, password or token")
	default:
		s.mux.ServeHTTP(w, r)
	}
}

// PersonalToken is an access token that an account has made for itself, and PersonalPassword its password.
func PersonalToken(login string) string { return "token-of-" + login }

// PersonalPassword is the password that the owner of an account has chosen.
func PersonalPassword(login string) string { return "password-of-" + login }

// whoAmI lets the owner of an account in by token or password. One who may not sign in is told so differently.
func (s *Server) whoAmI(w http.ResponseWriter, r *http.Request) {
	login, password, basic := r.BasicAuth()
	for _, u := range s.users {
		shut := u.ProhibitLogin || !u.Active
		switch {
		case r.Header.Get("Authorization") == "token "+PersonalToken(u.Login) && shut:
			fail(w, http.StatusForbidden, "This account is prohibited from signing in, please contact your site administrator.")
			return
		case r.Header.Get("Authorization") == "token "+PersonalToken(u.Login),
			basic && strings.EqualFold(login, u.Login) && password == PersonalPassword(u.Login) && !shut:
			reply(w, http.StatusOK, u.view())
			return
		}
	}
	fail(w, http.StatusUnauthorized, "invalid username, password or token")
}

func (s *Server) routes() {
	const users, team = "/api/v1/admin/users", "/api/v1/teams/{id}"
	s.mux.HandleFunc("GET "+users, s.listUsers)
	s.mux.HandleFunc("POST "+users, s.createUser)
	s.mux.HandleFunc("PATCH "+users+"/{login}", s.ofUser(s.editUser))
	s.mux.HandleFunc("DELETE "+users+"/{login}", s.ofUser(s.deleteUser))
	s.mux.HandleFunc("POST "+users+"/{login}/rename", s.ofUser(s.renameUser))
	s.mux.HandleFunc("GET /api/v1/users/search", s.searchUsers)

	s.mux.HandleFunc("GET /api/v1/orgs/{org}/teams", s.ofOrganization(s.listTeams))
	s.mux.HandleFunc("GET /api/v1/orgs/{org}/teams/search", s.ofOrganization(s.searchTeams))
	s.mux.HandleFunc("POST /api/v1/orgs/{org}/teams", s.ofOrganization(s.createTeam))
	s.mux.HandleFunc("DELETE /api/v1/orgs/{org}/members/{login}", s.ofOrganization(s.ofUser(s.leaveOrganization)))
	s.mux.HandleFunc("GET "+team, s.ofTeam(func(w http.ResponseWriter, _ *http.Request, t *Team) { reply(w, http.StatusOK, t.view()) }))
	s.mux.HandleFunc("PATCH "+team, s.ofTeam(s.editTeam))
	s.mux.HandleFunc("DELETE "+team, s.ofTeam(s.deleteTeam))
	s.mux.HandleFunc("GET "+team+"/members", s.ofTeam(s.listMembers))
	s.mux.HandleFunc("PUT "+team+"/members/{login}", s.ofTeam(s.addMember))
	s.mux.HandleFunc("DELETE "+team+"/members/{login}", s.ofTeam(s.removeMember))
	s.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fail(w, http.StatusNotFound, "404 page not found") })
}

// ofUser finds an account by the name in the path. A name that the account had before is answered with a redirection to
// the one that it has now, whatever the method.
func (s *Server) ofUser(h func(http.ResponseWriter, *http.Request, *User)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		login := r.PathValue("login")
		if u := s.byLogin(login); u != nil {
			h(w, r, u)
			return
		}
		if u := s.byID(s.renamed[strings.ToLower(login)]); u != nil {
			w.Header().Set("Location", strings.Replace(r.URL.Path, "/"+login, "/"+url.PathEscape(u.Login), 1))
			w.WriteHeader(http.StatusTemporaryRedirect)
			return
		}
		fail(w, http.StatusNotFound, "user redirect does not exist [name: "+login+"]")
	}
}

func (s *Server) ofOrganization(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("org") != Organization {
			fail(w, http.StatusNotFound, "organization does not exist")
			return
		}
		h(w, r)
	}
}

func (s *Server) ofTeam(h func(http.ResponseWriter, *http.Request, *Team)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for _, t := range s.teams {
			if t.ID == number(r.PathValue("id")) {
				h(w, r, t)
				return
			}
		}
		fail(w, http.StatusNotFound, "GetTeamByID")
	}
}

func (s *Server) byID(id int64) *User {
	return one(s.users, func(u *User) bool { return u.ID == id })
}

func (s *Server) byLogin(login string) *User {
	return one(s.users, func(u *User) bool { return strings.EqualFold(u.Login, login) })
}

func (s *Server) byMail(mail string) *User {
	return one(s.users, func(u *User) bool { return strings.EqualFold(u.Email, mail) })
}

func one[T any](list []*T, is func(*T) bool) *T {
	if i := slices.IndexFunc(list, is); i >= 0 {
		return list[i]
	}
	return nil
}

// number reads a number as the server does: what is none is 0.
func number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// like compares as the database does: case does not count, the word may stand anywhere, and % and _ in it are wildcards.
func like(text, word string) bool {
	pattern := strings.NewReplacer("%", ".*", "_", ".").Replace(regexp.QuoteMeta(strings.ToLower(word)))
	return regexp.MustCompile(`(?s)` + pattern).MatchString(strings.ToLower(text))
}

// page cuts a list, which is sorted by name: 30 items where no limit is asked for, 50 at most, all of them without a page
// number. The header tells the number of all items, and the links to the next and the last page.
func page[T any](w http.ResponseWriter, r *http.Request, list []*T, name func(*T) string) []*T {
	slices.SortStableFunc(list, func(a, b *T) int { return cmp.Compare(strings.ToLower(name(a)), strings.ToLower(name(b))) })
	w.Header().Set("X-Total-Count", strconv.Itoa(len(list)))
	query := r.URL.Query()
	n, limit := int(number(query.Get("page"))), int(number(query.Get("limit")))
	if limit <= 0 {
		limit = 30
	}
	limit = min(limit, 50)
	if n <= 0 {
		return list
	}
	link := func(to int, rel string) string {
		query.Set("page", strconv.Itoa(to))
		return fmt.Sprintf(`<http://%s%s?%s>; rel=%q`, r.Host, r.URL.Path, query.Encode(), rel)
	}
	if pages := (len(list) + limit - 1) / limit; n < pages {
		w.Header().Set("Link", link(n+1, "next")+","+link(pages, "last"))
	}
	from := min((n-1)*limit, len(list))
	return list[from:min(from+limit, len(list))]
}

func fail(w http.ResponseWriter, status int, message string) {
	reply(w, status, map[string]any{"message": message, "url": "https://git.example.com/api/swagger"})
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// decode reads a body; what is not JSON of the right types is refused with 422.
func decode(w http.ResponseWriter, r *http.Request, into any) bool {
	if err := json.NewDecoder(r.Body).Decode(into); err != nil {
		fail(w, http.StatusUnprocessableEntity, err.Error())
		return false
	}
	return true
}
