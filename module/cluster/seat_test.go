package cluster

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"
	_ "github.com/caddyserver/caddy/v2/modules/filestorage"
	"go.uber.org/zap"
)

// memory is a storage whose calls can be held up, and which looks at no context.
type memory struct {
	mu    sync.Mutex
	m     map[string]string
	slow  time.Duration
	using int
	most  int
	calls int
}

func (s *memory) pass() func() {
	s.mu.Lock()
	slow := s.slow
	s.using++
	s.calls++
	s.most = max(s.most, s.using)
	s.mu.Unlock()
	time.Sleep(slow)
	s.mu.Lock()
	return func() {
		s.using--
		s.mu.Unlock()
	}
}

func (s *memory) Store(_ context.Context, key string, value []byte) error {
	defer s.pass()()
	if s.m == nil {
		s.m = map[string]string{}
	}
	s.m[key] = string(value)
	return nil
}

func (s *memory) Load(_ context.Context, key string) ([]byte, error) {
	defer s.pass()()
	v, ok := s.m[key]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return []byte(v), nil
}

func (s *memory) Delete(_ context.Context, key string) error {
	defer s.pass()()
	delete(s.m, key)
	return nil
}

func (s *memory) List(context.Context, string, bool) ([]string, error) {
	defer s.pass()()
	return nil, nil
}

func (s *memory) hold(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slow = d
}

func newLoad(st Storage) (l *load, end func()) {
	gone := make(chan struct{})
	return &load{storage: st, logger: zap.NewNop(), gone: gone}, func() { close(gone) }
}

func TestStorageIsTheNewestThatWasStartedAndHasNotGone(t *testing.T) {
	ctx := t.Context()
	one, two, three := new(memory), new(memory), new(memory)
	first, endFirst := newLoad(one)
	second, endSecond := newLoad(two)
	failed, endFailed := newLoad(three)
	s := newSeat("acme")
	holds := func(st *memory, what string) {
		t.Helper()
		if err := s.Storage().Store(ctx, "key", []byte(what)); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if st.m["key"] != what {
			t.Fatalf("%s was written to another storage", what)
		}
	}
	s.open(first)
	if err := s.Storage().Store(ctx, "key", nil); !errors.Is(err, ErrNotStarted) {
		t.Fatalf("before the start: %v", err)
	}
	if _, err := s.Storage().Load(ctx, "key"); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("reading before the start: %v", err)
	}
	s.start(first)
	holds(one, "first")
	s.open(failed) // provisioned, and never started
	holds(one, "while another is loaded")
	s.start(failed) // started, and stopped because another app could not start
	s.stop(failed)
	endFailed()
	s.forget(failed)
	holds(one, "after a load that failed")
	s.open(second)
	s.start(second)
	holds(two, "started before the first is stopped")
	s.stop(first)
	endFirst()
	holds(two, "the first has gone, and nobody forgot it yet")
	s.forget(first)
	s.stop(second)
	holds(two, "what is under way at the end")
	endSecond()
	if err := s.Storage().Store(ctx, "key", nil); !errors.Is(err, ErrGone) {
		t.Fatalf("after the end: %v", err)
	}
}

func TestCallsOfAStorageThatLooksAtNoContextEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := new(memory)
		s := Alone("acme", st).Storage()
		st.hold(time.Hour)
		start := time.Now()
		if _, err := s.Load(t.Context(), "key"); !errors.Is(err, ErrTooSlow) || time.Since(start) != Timeout {
			t.Fatalf("a read: %v after %s", err, time.Since(start))
		}
		if err := s.Store(t.Context(), "key", []byte("1")); !errors.Is(err, ErrTooSlow) {
			t.Fatal(err)
		}
		st.hold(0)
		// The write of before is still under way, and could be done after this one.
		if err := s.Store(t.Context(), "key", []byte("2")); !errors.Is(err, ErrTooSlow) {
			t.Fatalf("a write began while an earlier one of its key was under way: %v", err)
		}
		if err := s.Store(t.Context(), "another", []byte("3")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if err := s.Store(t.Context(), "key", []byte("4")); err != nil || st.m["key"] != "4" {
			t.Fatalf("%v, %q", err, st.m["key"])
		}
	})
}

// brittle is a storage that panics.
type brittle struct{ memory }

func (*brittle) Load(context.Context, string) ([]byte, error) { panic("out of order") }

func (*brittle) Store(context.Context, string, []byte) error { panic("out of order") }

// A storage that panics has failed: the process goes on, and so does whoever writes the key next.
func TestAStorageThatPanicsHasFailed(t *testing.T) {
	s := Alone("acme", new(brittle)).Storage()
	if _, err := s.Load(t.Context(), "key"); err == nil {
		t.Error("no error")
	}
	for range 2 {
		if err := s.Store(t.Context(), "key", nil); err == nil || errors.Is(err, ErrTooSlow) {
			t.Errorf("got %v", err)
		}
	}
}

func TestWritesOfAKeyGoOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := new(memory)
		st.hold(time.Millisecond)
		s := Alone("acme", st).Storage()
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if err := s.Store(t.Context(), "key", nil); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if st.most != 1 {
			t.Fatalf("%d at once", st.most)
		}
	})
}

func TestDirectivesOfOneOrganizationHaveOneSeat(t *testing.T) {
	load := func() (caddy.Context, func()) {
		t.Helper()
		cfg := &caddy.Config{StorageRaw: []byte(`{"module":"file_system","root":"` + t.TempDir() + `"}`)}
		ctx, err := caddy.ProvisionContext(cfg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := caddy.NewContext(ctx)
		return ctx, cancel
	}
	open := func(ctx caddy.Context, mapping string) (*Seat, error) {
		return Open(ctx, "acme", Config{Settings: map[string]string{"mapping": mapping}})
	}
	ctx, end := load()
	first, err := open(ctx, "one")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	value := first.Shared("key", func() any { first.Join(Part{Takeover: func() { count++ }}); return new(int) })
	if again, err := open(ctx, "one"); err != nil || again != first {
		t.Fatalf("two directives: %v", err)
	}
	if _, err := open(ctx, "two"); err == nil {
		t.Fatal("two directives that contradict each other are one organization")
	}
	next, endNext := load()
	reloaded, err := open(next, "two")
	if err != nil || reloaded != first {
		t.Fatalf("a reload: %v", err)
	}
	end()
	if reloaded.Shared("key", func() any { return new(int) }) != value {
		t.Fatal("a reload lost what is shared")
	}
	endNext()
	last, endLast := load()
	defer endLast()
	fresh, err := open(last, "one")
	if err != nil {
		t.Fatal(err)
	}
	if fresh == first {
		t.Fatal("the seat outlived everybody who had it")
	}
}
