package guard

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// freeFor is how long those whom an operator lets go may lose their access: the provider comes back for them in its next
// cycle, or in one of the next.
const freeFor = 24 * time.Hour

// Release says what an operator lets go. Without anything, it is all who are held now; the guard counts anew then.
type Release struct {
	// Kind is the only kind that is meant; empty for all.
	Kind string `json:"kind,omitempty"`

	// Subject is one person or group, by id, userName or displayName. The guard stays tripped for the others.
	Subject string `json:"subject,omitempty"`

	// Once is how many more removals are let through.
	Once int `json:"once,omitempty"`

	// For is how long everything is let through.
	For time.Duration `json:"for,omitempty"`
}

// ErrNotHeld says that nobody of that name is held.
var ErrNotHeld = errors.New("nobody of that name is held by the guard")

// Release lets go what an operator names, and returns how many who were held that is.
func (g *Guard) Release(r Release) (released int, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	for k := range g.windows {
		if r.Kind != "" && r.Kind != Removal(k).String() {
			continue
		}
		w := &g.windows[k]
		switch {
		case r.Subject != "":
			released += w.letGo(r.Subject, now.Add(freeFor))
		case r.Once > 0:
			w.Once = r.Once
		case r.For > 0:
			released += len(w.Held) + w.More
			w.Until, w.Tripped, w.Limit, w.Counted, w.Held, w.More = now.Add(r.For), time.Time{}, 0, nil, nil, 0
		default:
			released += len(w.Held) + w.More
			for id := range w.Held {
				w.allow(id, now.Add(freeFor))
			}
			if w.More > 0 { // who they are is not known
				w.Once = w.More
			}
			w.Tripped, w.Limit, w.Counted, w.Held, w.More = time.Time{}, 0, nil, nil, 0
		}
	}
	if r.Subject != "" && released == 0 {
		return 0, ErrNotHeld
	}
	g.change()
	return released, nil
}

// Reset makes the guard begin anew: nothing is counted, held or let through.
func (g *Guard) Reset() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.windows = [kinds]window{}
	g.change()
}

// letGo lets one who is held go, by id or name.
func (w *window) letGo(name string, until time.Time) (n int) {
	for id, h := range w.Held {
		if id == name || fold(h.Name) == fold(name) {
			w.allow(id, until)
			delete(w.Held, id)
			n++
		}
	}
	return n
}

func (w *window) allow(id string, until time.Time) {
	if w.Free == nil {
		w.Free = make(map[string]time.Time)
	}
	w.Free[id] = until
}

// Status is what an operator is told of one kind.
type Status struct {
	Kind string `json:"kind"`

	// Counted is how many have lost their access within the window.
	Counted int `json:"counted"`

	// Limit is how many there may be at most; where the share of the active users is less, it is that.
	Limit int `json:"limit"`

	// Per is the window.
	Per string `json:"per"`

	// Tripped is since when removals are held; zero where they are not.
	Tripped time.Time `json:"tripped,omitzero"`

	// Held are those who are held, those who have waited longest first.
	Held []Held `json:"held,omitempty"`

	// More is how many are held besides.
	More int `json:"more,omitempty"`

	// Until is until when everything is let through.
	Until time.Time `json:"until,omitzero"`

	// Once is how many more are let through.
	Once int `json:"once,omitempty"`
}

// Status returns what is known of every kind that is counted.
func (g *Guard) Status() []Status {
	if g == nil {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.config.Off {
		return nil
	}
	now := g.now()
	var all []Status
	for k := range g.windows {
		limit := g.config.limit(Removal(k))
		if limit.Off {
			continue
		}
		w := &g.windows[k]
		w.expire(now, time.Duration(limit.Per))
		s := Status{
			Kind: Removal(k).String(), Counted: len(w.Counted), Limit: g.config.most(Removal(k), 0), Per: short(time.Duration(limit.Per)),
			Tripped: w.Tripped, More: w.More, Once: w.Once,
		}
		if !w.Tripped.IsZero() {
			s.Limit = w.Limit
		}
		if until := w.Until; now.Before(until) {
			s.Until = until
		}
		if now.Before(g.config.ReleaseUntil) && g.config.ReleaseUntil.After(s.Until) {
			s.Until = g.config.ReleaseUntil
		}
		for _, h := range w.Held {
			s.Held = append(s.Held, h)
		}
		slices.SortFunc(s.Held, func(a, b Held) int {
			if c := a.Since.Compare(b.Since); c != 0 {
				return c
			}
			return strings.Compare(a.Name+a.ID, b.Name+b.ID)
		})
		all = append(all, s)
	}
	return all
}
