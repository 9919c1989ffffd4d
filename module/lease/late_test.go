package lease_test

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-scim/gateway/module/lease"
)

// shelf is a storage whose writes are done when a test says so.
type shelf struct {
	mu     sync.Mutex
	values map[string][]byte
}

// gateway is a process that reads and writes a shelf. store, if set, is called instead of a write.
type gateway struct {
	*shelf
	*lease.Lease
	store func(write func()) error
}

func (s *shelf) gateway() *gateway {
	g := &gateway{shelf: s}
	g.Lease = lease.New(lease.Config{Key: "lease", TTL: ttl}, g, wall{time.Now()})
	return g
}

func (g *gateway) Load(_ context.Context, key string) ([]byte, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if v, ok := g.values[key]; ok {
		return v, nil
	}
	return nil, fs.ErrNotExist
}

func (g *gateway) Store(_ context.Context, key string, value []byte) error {
	write := func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.values[key] = value
	}
	if g.store != nil {
		return g.store(write)
	}
	write()
	return nil
}

type wall struct{ start time.Time }

func (w wall) Now() lease.Instant {
	return lease.Instant{Monotonic: time.Since(w.start), Wall: time.Now()}
}

func (wall) Sleep(_ context.Context, d time.Duration) error { time.Sleep(d); return nil }

func (wall) Within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, d)
}

func (g *gateway) leads() bool { _, err := g.Alive(); return err == nil }

// lead waits until a gateway leads.
func (g *gateway) lead(t *testing.T) {
	t.Helper()
	for range 100 {
		if g.leads() {
			return
		}
		if _, err := g.Seek(t.Context(), true); err != nil {
			t.Logf("not yet: %v", err)
		}
		if _, held := g.Held(); held {
			time.Sleep(max(g.Due(), time.Millisecond))
			if err := g.Renew(t.Context()); err != nil {
				t.Logf("not yet: %v", err)
			}
		}
		time.Sleep(time.Second)
	}
	t.Fatal("never leads")
}

// Two claim a lease that was given back, and the write of one arrives after the other one has begun to lead: it comes too
// late to count.
func TestALateClaimLeadsNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{values: map[string][]byte{}}
		before, late, winner := s.gateway(), s.gateway(), s.gateway()
		before.lead(t)
		if err := before.GiveBack(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		arrived := make(chan struct{})
		late.store = func(write func()) error {
			<-arrived
			write()
			return nil
		}
		sought := make(chan error, 1)
		go func() { _, err := late.Seek(t.Context(), true); sought <- err }()
		synctest.Wait()
		if st, err := winner.Seek(t.Context(), true); err != nil || !st.Held || !winner.leads() {
			t.Fatalf("got %+v, %v", st, err)
		}
		close(arrived)
		for range 20 {
			if time.Sleep(ttl / 100); late.leads() && winner.leads() {
				t.Fatal("both lead")
			}
		}
		if err := <-sought; !errors.Is(err, lease.ErrSlow) {
			t.Errorf("got %v", err)
		}
	})
}

// A renewal ends in an error, and is written all the same, long after. Whoever lets go of the lease then says nothing of it:
// the record that arrives late would be taken for one that was given back, while somebody else leads.
func TestNothingIsGivenBackAfterAFailedWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{values: map[string][]byte{}}
		first, second, third := s.gateway(), s.gateway(), s.gateway()
		first.lead(t)
		var late func()
		first.store = func(write func()) error {
			late = write
			return errors.New("the connection was lost")
		}
		if err := first.Renew(t.Context()); err == nil || late == nil {
			t.Fatalf("renewed: %v", err)
		}
		first.store = nil
		kept := maps.Clone(s.values)
		if err := first.GiveBack(t.Context(), false); !errors.Is(err, lease.ErrSlow) || len(s.values) != len(kept) || first.leads() {
			t.Errorf("given back: %v", err)
		}
		second.lead(t)
		late()
		if _, err := third.Seek(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		if second.leads() && third.leads() {
			t.Error("both lead")
		}
	})
}

// Who gives the lease back while it still waits after its claim says nothing of it: whoever led before may not have noticed.
func TestNothingIsGivenBackInTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{values: map[string][]byte{}}
		first, second, third := s.gateway(), s.gateway(), s.gateway()
		first.lead(t)
		clear(s.values) // somebody has removed the record
		if st, err := second.Seek(t.Context(), true); err != nil || !st.Held || second.leads() {
			t.Fatalf("got %+v, %v", st, err)
		}
		if err := second.GiveBack(t.Context(), false); !errors.Is(err, lease.ErrSlow) {
			t.Errorf("given back: %v", err)
		}
		if _, err := third.Seek(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		if first.leads() && third.leads() {
			t.Error("both lead")
		}
	})
}
