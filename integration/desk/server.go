// Package desk is an API of members and teams as somebody writes one for an application of their own, with all that
// makes such APIs hard: lists come in small pages, ids are numbers, every answer is 200 and says inside whether it is an
// error, and members are added and removed one by one.
package desk

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/caddy-scim/gateway/integration/rows"
)

// Key is what every request has to carry in the header X-Desk-Key.
const Key = "desk-key-0123456789"

// Person is a person; Phone is nothing that SCIM is told of.
type Person struct {
	ID    int    `json:"id"`
	Mail  string `json:"mail"`
	Name  string `json:"name"`
	Ext   string `json:"ext"`
	On    bool   `json:"on"`
	Phone string `json:"phone"`
	Boss  bool   `json:"boss"`
}

// Team is a team.
type Team struct {
	ID     int    `json:"id"`
	Title  string `json:"title"`
	Ext    string `json:"ext"`
	Note   string `json:"note"`
	People []int  `json:"-"`
}

// Server is the application. Use [New].
type Server struct {
	mux http.ServeMux

	mu     sync.Mutex
	last   int
	people []*Person
	teams  []*Team
}

// New is an application with its administrator.
func New() *Server {
	s := &Server{}
	s.AddPerson(Person{Mail: "boss@example.com", Name: "Boss", On: true, Boss: true})
	s.routes()
	return s
}

// AddPerson puts somebody there.
func (s *Server) AddPerson(p Person) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	p.ID = s.last
	s.people = append(s.people, &p)
	return p.ID
}

// AddTeam puts a team there.
func (s *Server) AddTeam(t Team) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	t.ID = s.last
	s.teams = append(s.teams, &t)
	return t.ID
}

// People is everybody.
func (s *Server) People() []Person { return rows.Copies(&s.mu, &s.people, nil) }

// Teams are all teams.
func (s *Server) Teams() []Team {
	return rows.Copies(&s.mu, &s.teams, func(t *Team) { t.People = slices.Clone(t.People) })
}

// ServeHTTP makes the server a handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("X-Desk-Key") != Key {
		fail(w, "key")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mux.ServeHTTP(w, r)
}

func (s *Server) routes() {
	s.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fail(w, "route") })
	s.mux.HandleFunc("GET /people", func(w http.ResponseWriter, r *http.Request) { page(w, r, s.people) })
	s.mux.HandleFunc("POST /people", s.invite)
	s.mux.HandleFunc("GET /people/{id}", s.ofPerson(func(w http.ResponseWriter, _ *http.Request, p *Person) { reply(w, p) }))
	s.mux.HandleFunc("PATCH /people/{id}", s.ofPerson(s.editPerson))
	s.mux.HandleFunc("DELETE /people/{id}", s.ofPerson(func(w http.ResponseWriter, _ *http.Request, p *Person) {
		s.people = slices.DeleteFunc(s.people, func(o *Person) bool { return o == p })
		for _, t := range s.teams {
			t.People = slices.DeleteFunc(t.People, func(id int) bool { return id == p.ID })
		}
		reply(w, true)
	}))
	s.mux.HandleFunc("POST /people/{id}/{switch}", s.ofPerson(func(w http.ResponseWriter, r *http.Request, p *Person) {
		p.On = r.PathValue("switch") == "on"
		reply(w, p)
	}))

	s.mux.HandleFunc("GET /teams", func(w http.ResponseWriter, r *http.Request) { page(w, r, s.teams) })
	s.mux.HandleFunc("POST /teams", s.createTeam)
	s.mux.HandleFunc("GET /teams/{id}", s.ofTeam(func(w http.ResponseWriter, _ *http.Request, t *Team) { reply(w, t) }))
	s.mux.HandleFunc("PATCH /teams/{id}", s.ofTeam(s.editTeam))
	s.mux.HandleFunc("DELETE /teams/{id}", s.ofTeam(func(w http.ResponseWriter, _ *http.Request, t *Team) {
		s.teams = slices.DeleteFunc(s.teams, func(o *Team) bool { return o == t })
		reply(w, true)
	}))
	s.mux.HandleFunc("GET /teams/{id}/people", s.ofTeam(func(w http.ResponseWriter, r *http.Request, t *Team) {
		page(w, r, slices.DeleteFunc(slices.Clone(s.people), func(p *Person) bool { return !slices.Contains(t.People, p.ID) }))
	}))
	s.mux.HandleFunc("PUT /teams/{id}/people/{person}", s.ofTeam(s.join))
	s.mux.HandleFunc("DELETE /teams/{id}/people/{person}", s.ofTeam(func(w http.ResponseWriter, r *http.Request, t *Team) {
		t.People = slices.DeleteFunc(t.People, func(id int) bool { return strconv.Itoa(id) == r.PathValue("person") })
		reply(w, true)
	}))
}

func (s *Server) ofPerson(h func(http.ResponseWriter, *http.Request, *Person)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for _, p := range s.people {
			if strconv.Itoa(p.ID) == r.PathValue("id") {
				h(w, r, p)
				return
			}
		}
		fail(w, "missing")
	}
}

func (s *Server) ofTeam(h func(http.ResponseWriter, *http.Request, *Team)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for _, t := range s.teams {
			if strconv.Itoa(t.ID) == r.PathValue("id") {
				h(w, r, t)
				return
			}
		}
		fail(w, "missing")
	}
}

// mailTaken reports whether somebody else has the address.
func (s *Server) mailTaken(mail string, but *Person) bool {
	return slices.ContainsFunc(s.people, func(p *Person) bool { return p != but && strings.EqualFold(p.Mail, mail) })
}

func (s *Server) titleTaken(title string, but *Team) bool {
	return slices.ContainsFunc(s.teams, func(t *Team) bool { return t != but && t.Title == title })
}

func (s *Server) invite(w http.ResponseWriter, r *http.Request) {
	p := &Person{On: true}
	if !decode(w, r, p) {
		return
	}
	if s.mailTaken(p.Mail, nil) {
		fail(w, "taken")
		return
	}
	s.last++
	p.ID = s.last
	s.people = append(s.people, p)
	reply(w, p)
}

func (s *Server) editPerson(w http.ResponseWriter, r *http.Request, p *Person) {
	now := *p
	if !decode(w, r, &now) {
		return
	}
	if s.mailTaken(now.Mail, p) {
		fail(w, "taken")
		return
	}
	*p = now
	reply(w, p)
}

func (s *Server) createTeam(w http.ResponseWriter, r *http.Request) {
	t := &Team{}
	if !decode(w, r, t) {
		return
	}
	if s.titleTaken(t.Title, nil) {
		fail(w, "taken")
		return
	}
	s.last++
	t.ID = s.last
	s.teams = append(s.teams, t)
	reply(w, t)
}

func (s *Server) editTeam(w http.ResponseWriter, r *http.Request, t *Team) {
	now := *t
	if !decode(w, r, &now) {
		return
	}
	if s.titleTaken(now.Title, t) {
		fail(w, "taken")
		return
	}
	*t = now
	reply(w, t)
}

func (s *Server) join(w http.ResponseWriter, r *http.Request, t *Team) {
	id, _ := strconv.Atoi(r.PathValue("person"))
	switch {
	case !slices.ContainsFunc(s.people, func(p *Person) bool { return p.ID == id }):
		fail(w, "missing")
		return
	case !slices.Contains(t.People, id):
		t.People = append(t.People, id)
	}
	reply(w, true)
}

// page answers a part of a list; two items where the request does not ask for more, and never more than a hundred.
func page[T any](w http.ResponseWriter, r *http.Request, list []T) {
	n, _ := strconv.Atoi(r.URL.Query().Get("page"))
	size, _ := strconv.Atoi(r.URL.Query().Get("size"))
	if size < 1 || size > 100 {
		size = 2
	}
	from := min(max(n-1, 0)*size, len(list))
	reply(w, map[string]any{"page": n, "total": len(list), "items": append([]T{}, list[from:min(from+size, len(list))]...)})
}

func decode(w http.ResponseWriter, r *http.Request, into any) bool {
	if err := json.NewDecoder(r.Body).Decode(into); err != nil {
		fail(w, "body")
		return false
	}
	return true
}

// fail is an error, with the status of success.
func fail(w http.ResponseWriter, code string) {
	reply(w, map[string]any{"error": map[string]any{"code": code, "text": "something went wrong on db01.internal"}})
}

func reply(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}
