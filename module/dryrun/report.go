package dryrun

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/caddy-scim/gateway/module/trace"
)

// maxEntries is how many changes and refusals a report lists, each. More are counted.
const maxEntries = 20_000

// Report is what a dry run has found out: what would be changed, and what would be refused.
type Report struct {
	// Began is when the run began.
	Began time.Time

	mu       sync.Mutex
	steps    entries[trace.Step]
	refusals entries[Refusal]
	full     bool
}

// fill notes that the run cannot hold more of what it imagines.
func (r *Report) fill() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.full = true
}

// Refusal is a request that is refused with or without a dry run.
type Refusal struct {
	Resource string `json:"resource"`
	Verb     string `json:"verb"`
	ID       string `json:"id,omitempty"`
	Name     string `json:"name,omitempty"`
	Status   int    `json:"status"`
	Detail   string `json:"detail"`
}

// Entry is something that happened once or several times: a provider repeats what is refused.
type Entry[T any] struct {
	What  T         `json:"what"`
	Times int       `json:"times"`
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
}

// entries are listed once each, in the order in which they came first.
type entries[T any] struct {
	all   []*Entry[T]
	known map[any]*Entry[T]
	more  int
}

// add returns the entry; nil where there is no room for one.
func (l *entries[T]) add(key any, what T, now time.Time) *Entry[T] {
	if e := l.known[key]; e != nil {
		e.Last = now
		e.Times++
		return e
	}
	if len(l.all) >= maxEntries {
		l.more++
		return nil
	}
	if l.known == nil {
		l.known = map[any]*Entry[T]{}
	}
	e := &Entry[T]{what, 1, now, now}
	l.all, l.known[key] = append(l.all, e), e
	return e
}

func (l *entries[T]) copies() []Entry[T] {
	all := make([]Entry[T], len(l.all))
	for i, e := range l.all {
		all[i] = *e
	}
	return all
}

// Add puts the plan of one request into the report, and returns what is new in it.
func (r *Report) Add(steps []trace.Step, now time.Time) (fresh []trace.Step) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range steps {
		// Something imagined that is imagined again has another id each time.
		key := [...]string{string(s.Kind), s.Resource, cmp.Or(s.ID, s.Name), s.Group, s.To}
		if s.Kind == trace.Invited || s.Kind == trace.Created || s.Kind == trace.GroupCreated {
			key[2] = s.Name
		}
		e := r.steps.add(key, s, now)
		if e == nil {
			continue
		}
		if e.Times == 1 || e.What.Held != s.Held {
			fresh = append(fresh, s)
		}
		e.What.Held = s.Held // the guard may have been released since
	}
	return fresh
}

// Refuse puts a refusal into the report.
func (r *Report) Refuse(f Refusal, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refusals.add([...]any{f.Resource, f.Verb, f.ID, f.Name, f.Status, f.Detail}, f, now)
}

// Findings are what a report says at one moment.
type Findings struct {
	// Organization is whose they are.
	Organization string `json:"organization,omitempty"`

	// Began is when the dry run began.
	Began time.Time `json:"began"`

	// Changes are what would be done, in the order in which it was first asked for.
	Changes []Entry[trace.Step] `json:"changes"`

	// Refused are the requests that would be refused.
	Refused []Entry[Refusal] `json:"refused"`

	// More is how many changes and refusals are not listed.
	More int `json:"more,omitempty"`

	// Full reports whether the run could not hold all that was planned: what came later was answered 503.
	Full bool `json:"full,omitempty"`
}

// Findings returns what the report says now.
func (r *Report) Findings() Findings {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Findings{Began: r.Began, Changes: r.steps.copies(), Refused: r.refusals.copies(), More: r.steps.more + r.refusals.more, Full: r.full}
}

// Of returns the changes of some kinds that nothing would keep from being made.
func (f *Findings) Of(kinds ...trace.Kind) (all []trace.Step) {
	for _, e := range f.Changes {
		if e.What.Held == "" && slices.Contains(kinds, e.What.Kind) {
			all = append(all, e.What)
		}
	}
	return all
}

// HeldBy returns the changes that the guard would hold, or that protect would refuse.
func (f *Findings) HeldBy(who string) (all []trace.Step) {
	for _, e := range f.Changes {
		if e.What.Held == who {
			all = append(all, e.What)
		}
	}
	return all
}
