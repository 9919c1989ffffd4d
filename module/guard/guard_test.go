package guard

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"pgregory.net/rapid"

	"github.com/caddy-scim/gateway/transforms/scim"
)

type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func start(c Config) (*Guard, *clock) {
	now := &clock{time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}
	return New(c, now.now), now
}

func person(i int) Subject {
	return Subject{ID: fmt.Sprint("id", i), Name: fmt.Sprintf("p%d@example.com", i)}
}

// remove asks for the removal of the people from one number up to another, and returns how many were let through.
func remove(t testing.TB, g *Guard, base, from, to int) (through int) {
	t.Helper()
	for i := from; i < to; i++ {
		ticket, err := g.Take(Disables, base-through, person(i))
		ticket.End(nil)
		if err == nil {
			through++
			continue
		}
		e, ok := errors.AsType[*scim.Error](err)
		if !ok || strings.Contains(e.Detail, "example.com") {
			t.Fatalf("held with %v", err)
		}
	}
	return through
}

// One wrong scoping filter removes everybody: at most the limit lose their access, and the rest when it is released.
func TestWrongScopingFilter(t *testing.T) {
	g, now := start(Config{})
	if n := remove(t, g, 2000, 0, 2000); n != 50 {
		t.Fatalf("%d of 2000 lost their access", n)
	}
	now.t = now.t.Add(3 * time.Hour) // the window is over, the guard is not
	if n := remove(t, g, 2000, 0, 2000); n != 0 {
		t.Fatalf("%d more lost their access after the window", n)
	}
	if _, err := g.Take(GroupDeletes, 100, Subject{ID: "g"}); err != nil {
		t.Errorf("another kind is held too: %v", err)
	}
	// A real leaver among them is let go by name.
	if n, err := g.Release(Release{Subject: " P1000@Example.com "}); n != 1 || err != nil {
		t.Fatalf("released %d, %v", n, err)
	}
	if n := remove(t, g, 2000, 0, 2000); n != 1 {
		t.Errorf("%d lost their access, of whom one was let go", n)
	}
	if _, err := g.Release(Release{Subject: "nobody"}); !errors.Is(err, ErrNotHeld) {
		t.Errorf("nobody was released: %v", err)
	}
	if n, err := g.Release(Release{}); n < 1900 || err != nil {
		t.Errorf("released %d, %v", n, err)
	}
	if n := remove(t, g, 2000, 50, 2000); n < 1949 {
		t.Errorf("%d of the rest followed", n)
	}
	// And the guard is on its watch again.
	if n := remove(t, g, 2000, 5000, 6000); n != 50 {
		t.Errorf("%d lost their access after the release", n)
	}
}

func TestLimits(t *testing.T) {
	hour := caddy.Duration(time.Hour)
	for _, c := range []struct {
		name       string
		config     Config
		base, want int
	}{
		{"a small organization has the floor", Config{}, 8, 5},
		{"a share of a middle one", Config{}, 100, 20},
		{"a number of a large one", Config{}, 10_000, 50},
		{"who they are is not known", Config{}, 0, 50},
		{"own limits", Config{Disables: &Limit{Max: 10, Per: hour}, Share: 50, Floor: 2}, 10, 5},
		{"own floor", Config{Disables: &Limit{Max: 1, Per: hour}, Floor: 3}, 100, 3},
		{"no share", Config{Share: 100}, 60, 50},
		{"off", Config{Off: true}, 60, 60},
		{"this kind is off", Config{Disables: &Limit{Off: true}}, 60, 60},
		{"released for a time", Config{ReleaseUntil: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}, 60, 60},
	} {
		g, _ := start(c.config)
		if n := remove(t, g, c.base, 0, max(c.base, 60)); n != c.want && c.want != c.base || c.want == c.base && n < c.base {
			t.Errorf("%s: %d of %d were let through, want %d", c.name, n, c.base, c.want)
		}
	}
}

func TestWhatCounts(t *testing.T) {
	g, now := start(Config{Disables: &Limit{Max: 5, Per: caddy.Duration(time.Hour)}})
	for range 20 {
		if n := remove(t, g, 0, 0, 5); n != 5 {
			t.Fatalf("the same five are held: %d", n)
		}
	}
	now.t = now.t.Add(time.Hour)
	// What the organization refused did not happen; what nobody knows counts.
	for i := range 20 {
		ticket, err := g.Take(Disables, 0, person(100+i))
		if err != nil {
			t.Fatal(err)
		}
		ticket.End(&scim.Error{Status: 403})
	}
	for i := range 5 {
		ticket, err := g.Take(Disables, 0, person(200+i))
		if err != nil {
			t.Fatal(err)
		}
		ticket.End(&scim.Error{Status: 504})
	}
	if _, err := g.Take(Disables, 0, person(300)); err == nil {
		t.Error("five of an unknown outcome were not counted")
	}
	// Some at once: all or none.
	g, _ = start(Config{MemberRemovals: &Limit{Max: 5, Per: caddy.Duration(time.Hour)}})
	var six []Subject
	for i := range 6 {
		six = append(six, person(i))
	}
	if _, err := g.Take(MemberRemovals, 0, six...); err == nil {
		t.Error("six at once were let through")
	}
	if s := g.Status()[MemberRemovals]; s.Counted != 0 || len(s.Held) != 6 {
		t.Errorf("counted %d, held %d", s.Counted, len(s.Held))
	}
}

func TestReleases(t *testing.T) {
	g, now := start(Config{Disables: &Limit{Max: 5, Per: caddy.Duration(time.Hour)}})
	remove(t, g, 0, 0, 10)
	if _, err := g.Release(Release{Once: 2, Kind: "disables"}); err != nil {
		t.Fatal(err)
	}
	if n := remove(t, g, 0, 5, 10); n != 2 {
		t.Errorf("%d were let through once", n)
	}
	if _, err := g.Release(Release{For: time.Hour}); err != nil {
		t.Fatal(err)
	}
	if n := remove(t, g, 0, 100, 200); n != 100 {
		t.Errorf("%d were let through in an open hour", n)
	}
	now.t = now.t.Add(time.Hour)
	if n := remove(t, g, 0, 200, 300); n != 5 {
		t.Errorf("%d were let through after it", n)
	}
	g.Reset()
	if n := remove(t, g, 0, 300, 400); n != 5 {
		t.Errorf("%d were let through after a reset", n)
	}
}

func TestRefuse(t *testing.T) {
	g, _ := start(Config{OnTrip: Refuse, Disables: &Limit{Max: 1, Per: caddy.Duration(time.Hour)}, Floor: 1})
	remove(t, g, 0, 0, 1)
	_, err := g.Take(Disables, 0, person(1))
	if e, ok := errors.AsType[*scim.Error](err); !ok || e.Status != 403 {
		t.Errorf("refused with %v", err)
	}
	want := "the guard of the gateway holds this: 1 users deactivated within 1h is the limit, and 1 more are waiting. If that is not a mistake, an operator of the gateway lets them go with: caddy scim guard release"
	if e, _ := errors.AsType[*scim.Error](err); e.Detail != want {
		t.Errorf("detail %q", e.Detail)
	}
}

// Whatever is asked for, in whatever order: in no window more lose their access than the limit, and below the floor nobody
// is ever held before the guard has tripped.
func TestNeverMoreThanTheLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit, floor := rapid.IntRange(1, 20).Draw(t, "limit"), rapid.IntRange(1, 8).Draw(t, "floor")
		g, now := start(Config{Disables: &Limit{Max: limit, Per: caddy.Duration(time.Hour)}, Floor: floor})
		most := max(limit, floor)
		gone := map[string]time.Time{}
		for range rapid.IntRange(1, 120).Draw(t, "requests") {
			now.t = now.t.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "minutes")) * time.Minute)
			s := person(rapid.IntRange(0, 60).Draw(t, "person"))
			tripped := !g.Status()[Disables].Tripped.IsZero()
			ticket, err := g.Take(Disables, 0, s)
			ticket.End(nil)
			within := 0
			for id, at := range gone {
				if id != s.ID && now.t.Sub(at) < time.Hour {
					within++
				}
			}
			if err == nil {
				if at, counted := gone[s.ID]; !counted || now.t.Sub(at) >= time.Hour {
					gone[s.ID] = now.t
				}
				if within+1 > most {
					t.Fatalf("%d lost their access within an hour, the limit is %d", within+1, most)
				}
			} else if !tripped && within+1 <= most {
				t.Fatalf("held with %d of %d", within, most)
			}
		}
	})
}

func TestCheck(t *testing.T) {
	for _, c := range []Config{{Disables: &Limit{}}, {Deletes: &Limit{Max: 1}}, {Share: 101}, {Share: -1}, {Floor: -1}, {OnTrip: "stop"}} {
		if c.Check() == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}

// memory is a storage in memory that can fail.
type memory struct {
	mu   sync.Mutex
	keys map[string][]byte
	fail error
}

func (m *memory) Store(_ context.Context, key string, value []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail == nil {
		m.keys[key] = value
	}
	return m.fail
}

func (m *memory) Load(_ context.Context, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if text, ok := m.keys[key]; ok || m.fail != nil {
		return text, m.fail
	}
	return nil, fs.ErrNotExist
}

func (*memory) Delete(context.Context, string) error                 { return nil }
func (*memory) List(context.Context, string, bool) ([]string, error) { return nil, nil }

// A guard that has tripped stays so over a restart, and one without a storage goes on in memory.
func TestKept(t *testing.T) {
	storage := &memory{keys: map[string][]byte{}}
	open := func() *Open {
		g, _ := start(Config{Disables: &Limit{Max: 5, Per: caddy.Duration(time.Hour)}})
		return &Open{Guard: g, keeper: g.keepIn(storage, "key")}
	}
	o := open()
	for i := range 8 {
		_, _ = o.Take(t.Context(), Disables, 0, person(i))
	}
	if err := o.keeper.write(); err != nil {
		t.Fatal(err)
	}
	o = open()
	if _, err := o.Take(t.Context(), Disables, 0, person(20)); err == nil {
		t.Error("the guard forgot that it had tripped")
	}
	if held := o.Status()[Disables].Held; len(held) != 4 {
		t.Errorf("%d are held after a restart", len(held))
	}
	for name, broken := range map[string]*memory{"unreadable": {fail: errors.New("no storage")}, "damaged": {keys: map[string][]byte{"key": []byte(`{"windows":3`)}}} {
		storage = broken
		o = open()
		through := 0
		for i := range 8 {
			if _, err := o.Take(t.Context(), Disables, 0, person(i)); err == nil {
				through++
			}
		}
		if through != 5 {
			t.Errorf("%s: %d were let through", name, through)
		}
	}
}
