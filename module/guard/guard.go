// Package guard keeps a provider from taking away the access of many people by mistake: one wrong scoping filter makes it
// deactivate or delete everybody, in seconds and without a word. Here removals of access are counted, and when there are
// more of a kind than a normal day has, the guard trips: what goes beyond is held, and stays so until an operator releases
// it. Everything else goes on.
//
// [Guard] is the core, with its own clock and without Caddy's: [Guard.Take] is asked before a removal, and what it answers
// is told how the removal ended. keep.go keeps what was counted in the storage, as far as it can be: no removal waits for
// that. admin.go and command.go are how an operator looks at it and releases it.
package guard

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caddy-scim/gateway/transforms/scim"
)

// Removal is a kind of removal of access. Each is counted, and trips, by itself.
type Removal uint8

// The kinds.
const (
	Disables       Removal = iota // a user is deactivated
	Deletes                       // a user is deleted
	MemberRemovals                // a user loses a membership in a group
	GroupDeletes                  // a group is deleted

	kinds = 4
)

var names = [kinds]string{"disables", "deletes", "member_removals", "group_deletes"}

var texts = [kinds]string{
	"users deactivated", "users deleted", "users removed from groups", "groups deleted",
}

// String returns the kind as it is configured, and as the label of metrics.
func (k Removal) String() string { return names[k] }

// kindOf returns the kind of a name.
func kindOf(name string) (Removal, bool) {
	i := slices.Index(names[:], name)
	return Removal(max(i, 0)), i >= 0
}

// Subject is who loses access.
type Subject struct {
	ID   string `json:"id"`             // the provider's
	Name string `json:"name,omitempty"` // userName or displayName, for the operator's eyes
}

// Held is a removal that the guard holds.
type Held struct {
	Subject

	// Since is when it was first asked for.
	Since time.Time `json:"since"`
}

// heldMost is how many are listed; who comes after is held no less.
const heldMost = 10_000

// retryAfter is when the provider is asked to come again with what is held.
const retryAfter = 10 * time.Minute

// window is what is known of one kind of removal.
type window struct {
	// Counted is when each subject was counted.
	Counted map[string]time.Time `json:"counted,omitempty"`

	// Tripped is since when the guard holds removals of the kind; zero where it does not.
	Tripped time.Time `json:"tripped,omitzero"`

	// Limit is how many there might have been when it tripped.
	Limit int `json:"limit,omitempty"`

	// Held are those who are held, by id.
	Held map[string]Held `json:"held,omitempty"`

	// More is how many are held besides, and not listed.
	More int `json:"more,omitempty"`

	// Free are those who are let through whatever the limits are, by id or by userName, and until when.
	Free map[string]time.Time `json:"free,omitempty"`

	// Once is how many more are let through.
	Once int `json:"once,omitempty"`

	// Until is until when all are let through.
	Until time.Time `json:"until,omitzero"`
}

// Trip is what is told when the guard trips.
type Trip struct {
	Kind   Removal
	Limit  int           // how many were let through
	Within time.Duration // in how much time
}

// Guard counts the removals of one organization. The nil Guard lets everything through.
type Guard struct {
	now func() time.Time

	mu      sync.Mutex
	config  Config
	windows [kinds]window
	changed func()     // something is to be kept
	tripped func(Trip) // the guard has tripped
}

// New returns a guard that has counted nothing.
func New(c Config, now func() time.Time) *Guard { return &Guard{config: c, now: now} }

// Use changes the configuration. What was counted stays.
func (g *Guard) Use(c Config) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.config = c
}

// Ticket is the leave for a removal. The nil Ticket is one for what is not counted.
type Ticket struct {
	guard    *Guard
	kind     Removal
	subjects []string
}

// Take asks for the leave to take access away from some subjects at once: from all of them or from none. base is how many
// active subjects there are, before the removal; 0 where nobody knows. The error is what the provider is told.
//
// A subject that was counted in the window already is not counted again, however often it is asked for.
func (g *Guard) Take(k Removal, base int, subjects ...Subject) (*Ticket, error) {
	if g == nil {
		return nil, nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	limit := g.config.limit(k)
	if g.config.Off || limit.Off {
		return nil, nil
	}
	now := g.now()
	w := &g.windows[k]
	w.expire(now, time.Duration(limit.Per))
	if now.Before(g.config.ReleaseUntil) || now.Before(w.Until) {
		w.done(subjects)
		return nil, nil
	}
	subjects = slices.DeleteFunc(slices.Clone(subjects), func(s Subject) bool {
		_, counted := w.Counted[s.ID]
		return counted || w.free(s, now)
	})
	switch {
	case len(subjects) == 0:
		return nil, nil
	case w.Once >= len(subjects):
		w.Once -= len(subjects)
		w.done(subjects)
		g.change()
		return nil, nil
	}
	if base > 0 {
		base += len(w.Counted) // as many as there were when the window began
	}
	if most := g.config.most(k, base); w.Tripped.IsZero() && len(w.Counted)+len(subjects) > most {
		w.Tripped, w.Limit = now, most
		if g.tripped != nil {
			g.tripped(Trip{k, most, time.Duration(limit.Per)})
		}
	}
	if !w.Tripped.IsZero() {
		w.hold(subjects, now)
		g.change()
		return nil, g.refusal(k, w)
	}
	t := &Ticket{guard: g, kind: k}
	for _, s := range subjects {
		if w.Counted == nil {
			w.Counted = make(map[string]time.Time)
		}
		w.Counted[s.ID] = now
		t.subjects = append(t.subjects, s.ID)
	}
	g.change()
	return t, nil
}

// End tells how a removal ended. One that was refused for certain did not happen, and does not count; one of which nobody
// knows does.
func (t *Ticket) End(err error) {
	if t == nil {
		return
	}
	if e, ok := errors.AsType[*scim.Error](err); !ok || e.Status < 400 || e.Status >= 500 {
		return
	}
	t.guard.mu.Lock()
	defer t.guard.mu.Unlock()
	for _, id := range t.subjects {
		delete(t.guard.windows[t.kind].Counted, id)
	}
	t.guard.change()
}

func (g *Guard) change() {
	if g.changed != nil {
		g.changed()
	}
}

// refusal is what the provider is told, whose administrator reads it: no name of anybody is in it.
func (g *Guard) refusal(k Removal, w *window) error {
	e := &scim.Error{Status: http.StatusServiceUnavailable, RetryAfter: retryAfter}
	if g.config.OnTrip == Refuse {
		e = &scim.Error{Status: http.StatusForbidden}
	}
	e.Detail = fmt.Sprintf("the guard of the gateway holds this: %d %s within %s is the limit, and %d more are waiting. "+
		"If that is not a mistake, an operator of the gateway lets them go with: caddy scim guard release",
		w.Limit, texts[k], short(time.Duration(g.config.limit(k).Per)), len(w.Held)+w.More)
	return e
}

func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// expire forgets what was counted before the window, and who was let through for a time that is over.
func (w *window) expire(now time.Time, per time.Duration) {
	maps.DeleteFunc(w.Counted, func(_ string, at time.Time) bool { return now.Sub(at) >= per })
	maps.DeleteFunc(w.Free, func(_ string, until time.Time) bool { return !now.Before(until) })
}

// free reports whether a subject is let through by name, and takes it off the list of those who are held.
func (w *window) free(s Subject, now time.Time) bool {
	for _, key := range []string{s.ID, fold(s.Name)} {
		if until, ok := w.Free[key]; ok && key != "" && now.Before(until) {
			delete(w.Held, s.ID)
			return true
		}
	}
	return false
}

func (w *window) hold(subjects []Subject, now time.Time) {
	for _, s := range subjects {
		if _, held := w.Held[s.ID]; held {
			continue
		}
		if len(w.Held) >= heldMost {
			w.More++
			continue
		}
		if w.Held == nil {
			w.Held = make(map[string]Held)
		}
		w.Held[s.ID] = Held{s, now}
	}
}

// done takes those who are let through off the list.
func (w *window) done(subjects []Subject) {
	for _, s := range subjects {
		delete(w.Held, s.ID)
	}
}

func fold(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

func (w *window) clone() window {
	c := *w
	c.Counted, c.Held, c.Free = maps.Clone(w.Counted), maps.Clone(w.Held), maps.Clone(w.Free)
	return c
}

// fill adds what a map lacks.
func fill[V any](m *map[string]V, from map[string]V) {
	for key, v := range from {
		if *m == nil {
			*m = make(map[string]V, len(from))
		}
		if _, ok := (*m)[key]; !ok {
			(*m)[key] = v
		}
	}
}
