// Package vaultwarden is a server that keeps the contract of Vaultwarden 1.37's API as far as an organization's members
// and groups are concerned: the token endpoint, the client API used with a personal API key, and the one route of its
// Public API. It is written from a description of that server's behavior; it is not Vaultwarden and has no vault.
package vaultwarden

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
)

// Credentials of the server's only organization and its service account (an Admin).
const (
	Organization       = "0f2cc6f1-8a5b-4c8e-9a30-5f1f5b3f7f01"
	OrganizationSecret = "organization-api-key-0123456789"
	UserID             = "user.5b0a2c52-7a3e-4f0b-8f43-2f5f9d6a1c02"
	UserSecret         = "personal-api-key-0123456789"
)

// account is the address of the service account, whose personal API key is used.
const account = "scim-gateway@example.com"

// The member states as the JSON shows them.
const (
	revoked   = -1
	invited   = 0
	accepted  = 1
	confirmed = 2
)

// Member is one membership of the organization.
type Member struct {
	ID, Email, Name string
	ExternalID      *string
	Type, Status    int
	user            string // id of the account
	before          int    // status before the revocation
}

// person is an account of the server, which outlives its memberships.
type person struct {
	id         string
	registered bool // and not only invited
	disabled   bool // in every organization
}

// Group is one group of the organization.
type Group struct {
	ID, Name    string
	ExternalID  *string
	AccessAll   bool
	Collections []any
	Users       []string
}

// Settings are those of the server's operator.
type Settings struct {
	NoGroups   bool // ORG_GROUPS_ENABLED is false
	NoMail     bool // there is no SMTP server: whoever has an account is a member at once
	MailBroken bool // the SMTP server cannot be reached
	ShortNames bool // the database is MySQL or PostgreSQL, and a group's name has 100 characters
	NoAdmin    bool // the admin API answers 503, as a proxy in front of it does
}

// Server is the organization. Use [New].
type Server struct {
	mux http.ServeMux

	mu       sync.Mutex
	settings Settings
	accounts map[string]*person // by address
	members  []*Member
	groups   []*Group
	tokens   map[string]string // token → "user" or "organization"
	calls    map[string]int    // by method and pattern
}

// New is an organization with one confirmed owner and the service account.
func New() *Server {
	s := &Server{tokens: map[string]string{}, calls: map[string]int{}, accounts: map[string]*person{}}
	s.AddMember(Member{Email: "owner@example.com", Name: "Owner", Type: 0, Status: confirmed})
	s.AddMember(Member{Email: account, Name: "SCIM gateway", Type: 1, Status: confirmed})
	s.routes()
	return s
}

// Set changes what the operator decides.
func (s *Server) Set(settings Settings) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settings = settings
}

// AddAccount is somebody who has registered at the server, and is no member of the organization.
func (s *Server) AddAccount(email string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.person(email).registered = true
}

// Disabled reports whether the account with an address is disabled.
func (s *Server) Disabled(email string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.person(email).disabled
}

// person is the account with an address, which an invitation makes where there is none.
func (s *Server) person(email string) *person {
	email = strings.ToLower(email)
	if s.accounts[email] == nil {
		s.accounts[email] = &person{id: newID()}
	}
	return s.accounts[email]
}

// ServeHTTP makes the server a handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Member is the member with an e-mail address, nil where there is none.
func (s *Server) Member(email string) *Member {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.byMail(email); m != nil {
		c := *m
		return &c
	}
	return nil
}

// Groups are the organization's groups by name.
func (s *Server) Groups() map[string]Group {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]Group{}
	for _, g := range s.groups {
		c := *g
		c.Users = append([]string(nil), g.Users...)
		out[g.Name] = c
	}
	return out
}

// Accept and Confirm are what the person and an administrator do in their clients.
func (s *Server) Accept(email, name string) { s.set(email, accepted, name) }

// Confirm makes an accepted member a confirmed one.
func (s *Server) Confirm(email string) { s.set(email, confirmed, "") }

// Calls tells how often each route was called since the last call of Calls.
func (s *Server) Calls() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.calls
	s.calls = map[string]int{}
	return out
}

func (s *Server) set(email string, status int, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.byMail(email); m != nil {
		m.Status = status
		if name != "" {
			m.Name = name
		}
	}
}

func (s *Server) byMail(email string) *Member {
	for _, m := range s.members {
		if strings.EqualFold(m.Email, email) {
			return m
		}
	}
	return nil
}

func (s *Server) byID(id string) *Member {
	for _, m := range s.members {
		if m.ID == id {
			return m
		}
	}
	return nil
}

func (s *Server) group(id string) *Group {
	for _, g := range s.groups {
		if g.ID == id {
			return g
		}
	}
	return nil
}

func (s *Server) lastOwner(m *Member) bool {
	for _, other := range s.members {
		if other != m && other.Type == 0 && other.Status == confirmed {
			return false
		}
	}
	return m.Type == 0 && m.Status == confirmed
}

// token answers the token endpoint: six form fields must be there for every client_credentials request.
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		fail(w, http.StatusBadRequest, "bad form")
		return
	}
	for _, field := range []string{"client_id", "client_secret", "scope", "device_identifier", "device_name", "device_type"} {
		if r.PostForm.Get(field) == "" {
			fail(w, http.StatusBadRequest, field+" cannot be blank")
			return
		}
	}
	var kind string
	switch id, secret, scope := r.PostForm.Get("client_id"), r.PostForm.Get("client_secret"), r.PostForm.Get("scope"); {
	case r.PostForm.Get("grant_type") != "client_credentials":
		fail(w, http.StatusBadRequest, "Invalid type")
		return
	case id == UserID && secret == UserSecret && scope == "api":
		kind = "user"
	case id == "organization."+Organization && secret == OrganizationSecret && scope == "api.organization":
		kind = "organization"
	case scope != "api" && scope != "api.organization":
		fail(w, http.StatusBadRequest, "Scope not supported")
		return
	case !strings.HasPrefix(id, map[string]string{"api": "user.", "api.organization": "organization."}[scope]):
		fail(w, http.StatusBadRequest, "Malformed client_id")
		return
	case id != UserID && id != "organization."+Organization:
		fail(w, http.StatusBadRequest, "Invalid client_id")
		return
	default:
		fail(w, http.StatusBadRequest, "Incorrect client_secret")
		return
	}
	token := rand.Text()
	s.mu.Lock()
	s.tokens[token] = kind
	s.mu.Unlock()
	reply(w, map[string]any{"access_token": token, "expires_in": 7200, "token_type": "Bearer", "scope": r.PostForm.Get("scope")})
}

// guard lets a request through whose token opens what the route belongs to and whose ids have the shape of ids.
func (s *Server) guard(pattern, kind string, h func(http.ResponseWriter, *http.Request)) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		s.mu.Lock()
		defer s.mu.Unlock()
		s.calls[pattern]++
		for _, name := range []string{"org", "id", "mid"} {
			if id := r.PathValue(name); id != "" && !guid.MatchString(id) {
				framework(w, r, http.StatusUnprocessableEntity, "Unprocessable Entity", "The request was well-formed but was unable to be followed due to semantic errors.")
				return
			}
		}
		if token == "" || s.tokens[token] != kind || r.PathValue("org") != "" && r.PathValue("org") != Organization {
			framework(w, r, http.StatusUnauthorized, "Unauthorized", "The request requires user authentication.")
			return
		}
		h(w, r)
	})
}

var guid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// framework is an error of the web framework: a page, unless the client asks for JSON.
func framework(w http.ResponseWriter, r *http.Request, status int, reason, description string) {
	if strings.Contains(r.Header.Get("Accept"), "application/json") {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"error":{"code":%d,"reason":%q,"description":%q}}`, status, reason, description)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<!DOCTYPE html><html><head><title>%[1]d %[2]s</title></head><body><h1>%[1]d: %[2]s</h1><p>%[3]s</p></body></html>", status, reason, description)
}

func fail(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"message": message, "validationErrors": map[string]any{"": []string{message}},
		"errorModel": map[string]any{"message": message, "object": "error"}, "object": "error",
	})
}

func reply(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}

func newID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Mail is the e-mail address of the member with an id, empty where there is none.
func (s *Server) Mail(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.byID(id); m != nil {
		return m.Email
	}
	return ""
}
