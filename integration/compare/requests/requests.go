// Package requests makes requests for the rules of package quirks: PATCH, POST, PUT and queries, valid and nearly valid,
// made of what rules look at, so that rules meet each other far more often than in real requests. Request number i of a
// seed is always the same one, and a new rule changes none of the others.
package requests

import (
	"hash/fnv"
	"math/rand/v2"
)

// Request is one request and the configuration that it meets. It depends on no other package, so that an earlier state
// of the repository can read it.
type Request struct {
	Profile string   `json:"profile"`
	Enable  []string `json:"enable,omitempty"`
	Disable []string `json:"disable,omitempty"`

	Verb  string `json:"verb"` // patch, create, replace, list; url for a path with its query
	Group bool   `json:"group,omitempty"`
	Text  string `json:"text"` // the document, the query, or the path
}

// ID is the id of the resource that every PATCH and PUT is about.
const ID = "5171a35d82074e068ce2"

// Generator makes the requests of one seed.
type Generator struct {
	Seed     uint64
	Profiles []string
	Rules    []string // ids that are switched on and off
	Long     bool     // with lists of hundreds of elements
}

// maker makes one request.
type maker struct {
	*rand.Rand
	long  bool
	group bool
}

// Request returns the request with the given number.
func (g Generator) Request(number int) Request {
	m := maker{Rand: rand.New(rand.NewPCG(g.Seed, uint64(number))), long: g.Long}
	r := Request{Profile: pick(m, g.Profiles)}
	percent := pick(m, []int{0, 0, 0, 3, 30}) // rules that are not as the profile says
	m.group = m.chance(40)
	r.Group = m.group
	for _, id := range g.Rules {
		switch n := g.switched(number, id); {
		case n < percent:
			r.Enable = append(r.Enable, id)
		case n >= 100-percent/2:
			r.Disable = append(r.Disable, id)
		}
	}
	switch n := m.IntN(100); {
	case n < 62:
		r.Verb, r.Text = "patch", m.patch()
	case n < 76:
		r.Verb, r.Text = "create", m.resource()
	case n < 88:
		r.Verb, r.Text = "replace", m.resource()
	case n < 97:
		r.Verb, r.Text = "list", m.query()
	default:
		r.Verb, r.Text = "url", m.url()
	}
	return r
}

// switched returns a number below 100 for a rule in a request, whatever other rules there are.
func (g Generator) switched(number int, id string) int {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id))
	return rand.New(rand.NewPCG(g.Seed^h.Sum64(), uint64(number))).IntN(100)
}

func pick[T any](m maker, from []T) T { return from[m.IntN(len(from))] }

func (m maker) chance(percent int) bool { return m.IntN(100) < percent }
