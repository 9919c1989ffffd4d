package cluster

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
)

// gateway is one process of a cluster: a seat of its own over a storage that all have.
type gateway struct {
	*Seat
	load *load
	end  func()
	took int
}

func newGateway(t *testing.T, st Storage, address string) *gateway {
	t.Helper()
	g := &gateway{Seat: newSeat("acme")}
	g.load, g.end = newLoad(st)
	g.load.options = map[string]*Options{"acme": {Advertise: address}}
	g.Join(Part{Takeover: func() { g.took++ }})
	g.open(g.load)
	g.start(g.load)
	return g
}

func (g *gateway) leads(t *testing.T, a Asked) *Turn {
	t.Helper()
	turn, err := g.Begin(t.Context(), a)
	if err != nil {
		t.Fatalf("%s does not lead: %v", g.load.options["acme"].Advertise, err)
	}
	return turn
}

func (g *gateway) follows(t *testing.T, address string) *Standby {
	t.Helper()
	turn, err := g.Begin(t.Context(), Asked{})
	standby, ok := errors.AsType[*Standby](err)
	if !ok || standby.Address != address {
		t.Fatalf("led by %s: %v, %+v, %v", address, turn, standby, err)
	}
	return standby
}

func TestOneLeadsAndTheOthersKnowWho(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := new(memory)
		a, b := newGateway(t, st, "http://a"), newGateway(t, st, "http://b")
		start := time.Now()
		turn := a.leads(t, Asked{})
		if waited := time.Since(start); waited < DefaultTTL*2/3 || waited > DefaultTTL {
			t.Errorf("where nobody has led before, somebody may: waited %s", waited)
		}
		if a.took != 1 {
			t.Errorf("who begins to lead forgets what it read: %d", a.took)
		}
		turn.End()
		standby := b.follows(t, "http://a")
		if !a.Healthy() || b.Healthy() {
			t.Error("health is the leader's")
		}
		if !a.Verify(standby.Sign("GET", "/"), "GET", "/") || a.Verify(standby.Sign("GET", "/"), "GET", "/x") ||
			b.Verify(standby.Sign("GET"), "GET") {
			t.Error("a request of a peer is not known by its signature")
		}
		for range 20 { // it leads for as long as it is asked
			time.Sleep(20 * time.Second)
			a.leads(t, Asked{}).End()
			b.follows(t, "http://a")
		}
		a.end()
		b.end()
		a.stop(a.load)
		b.stop(b.load)
	})
}

func TestAStopGivesTheLeaseBackWhenNothingIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := new(memory)
		a, b := newGateway(t, st, "http://a"), newGateway(t, st, "http://b")
		turn := a.leads(t, Asked{})
		go func() {
			time.Sleep(30 * time.Second)
			if err := turn.Alive(); err != nil {
				t.Errorf("what is under way at a stop is carried out: %v", err)
			}
			turn.End()
		}()
		stopped := make(chan time.Time)
		go func() { a.stop(a.load); stopped <- time.Now() }()
		time.Sleep(time.Second)
		if _, err := a.Begin(t.Context(), Asked{}); err == nil {
			t.Error("an operation began in a stop")
		}
		b.follows(t, "http://a")
		end := <-stopped
		start := time.Now()
		if took := start.Sub(end); took > time.Second {
			t.Errorf("stopped %s late", took)
		}
		time.Sleep(2 * time.Second)
		b.leads(t, Asked{}).End()
		if waited := time.Since(start); waited > 3*time.Second {
			t.Errorf("a lease that was given back is free at once: waited %s", waited)
		}
		if b.took != 1 {
			t.Errorf("took over without forgetting: %d", b.took)
		}
		b.stop(b.load)
	})
}

func TestWhoIsSilentIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := new(memory)
		a, b := newGateway(t, st, "http://a"), newGateway(t, st, "http://b")
		turn := a.leads(t, Asked{})
		b.follows(t, "http://a")
		// The process is gone: nothing of it is renewed any more.
		a.lead.mu.Lock()
		a.lead.abandoned = true
		a.lead.signal()
		a.lead.mu.Unlock()
		start := time.Now()
		b.Suspect()
		time.Sleep(35 * time.Second)
		b.leads(t, Asked{}).End()
		if waited := time.Since(start); waited > 40*time.Second {
			t.Errorf("waited %s", waited)
		}
		if err := turn.Alive(); err == nil {
			t.Error("what began before goes on")
		}
		turn.End()
		a.follows(t, "http://b")
		b.stop(b.load)
	})
}

func TestAnIdleOrganizationCostsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := new(memory)
		a, b := newGateway(t, st, "http://a"), newGateway(t, st, "http://b")
		a.leads(t, Asked{}).End()
		time.Sleep(2 * time.Minute)
		st.mu.Lock()
		before := st.calls
		st.mu.Unlock()
		time.Sleep(time.Hour)
		st.mu.Lock()
		calls := st.calls - before
		st.mu.Unlock()
		if calls != 0 {
			t.Errorf("%d calls of the storage in an hour without requests", calls)
		}
		if standby := b.follows(t, "http://a"); !standby.Idle {
			t.Error("who led last is preferred")
		}
		start := time.Now()
		a.leads(t, Asked{Forwarded: true}).End()
		if waited := time.Since(start); waited > time.Second {
			t.Errorf("the last leader takes its lease again at once: waited %s", waited)
		}
		if a.took != 1 {
			t.Errorf("nobody led since, and everything was forgotten: %d", a.took)
		}
		time.Sleep(2 * time.Minute)
		b.leads(t, Asked{Take: true}).End() // a could not be reached
		if b.took != 1 {
			t.Errorf("took over without forgetting: %d", b.took)
		}
		time.Sleep(2 * time.Minute)
		a.leads(t, Asked{Take: true}).End()
		if a.took != 2 {
			t.Errorf("somebody led since, and nothing was forgotten: %d", a.took)
		}
		a.stop(a.load)
		b.stop(b.load)
	})
}

func TestLeaversDoNotWaitForAStorageThatCannotSayWhoLeads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := new(memory)
		a := newGateway(t, st, "http://a")
		a.leads(t, Asked{}).End()
		st.hold(time.Hour)
		time.Sleep(time.Minute)
		turn := a.leads(t, Asked{Leaver: true})
		if !Blind(turn.With(t.Context())) || turn.Alive() != nil {
			t.Error("nobody knows that this is carried out without asking")
		}
		turn.End()
		if _, err := a.Begin(t.Context(), Asked{}); err == nil {
			t.Error("anything else was begun")
		}
		st.hold(0)
		time.Sleep(2 * time.Hour)
		if _, err := a.Begin(t.Context(), Asked{}); err == nil {
			t.Error("its own lease, which it could not renew, is taken without a wait")
		}
		time.Sleep(DefaultTTL)
		turn = a.leads(t, Asked{})
		if Blind(turn.With(t.Context())) || a.took != 2 {
			t.Errorf("what was read before is not forgotten: %d", a.took)
		}
		turn.End()
		a.stop(a.load)
	})
}

func TestAReloadMovesLeadershipToTheNewStorage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := new(memory)
		a := newGateway(t, st, "http://a")
		turn := a.leads(t, Asked{})
		next, _ := newLoad(&closing{memory: st}) // the same place, through another client
		next.options = a.load.options
		a.open(next)
		a.start(next)
		a.stop(a.load)
		a.end()
		a.forget(a.load)
		if err := turn.Alive(); err != nil {
			t.Errorf("what is under way at a reload is carried out: %v", err)
		}
		time.Sleep(time.Minute - time.Second)
		a.leads(t, Asked{}).End()
		time.Sleep(time.Minute - time.Second)
		a.leads(t, Asked{}).End()
		if err := turn.Alive(); err != nil || a.took != 1 {
			t.Errorf("a reload ended leading: %v, %d", err, a.took)
		}
		turn.End()
		a.stop(next)
	})
}

// closing is another client of a storage.
type closing struct{ *memory }

// A gateway without the option is found by those of a cluster, and finds them. One that has ended is not there.
func TestAGatewayBesideAClusterIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := new(memory)
		a, b := newGateway(t, st, "http://a"), newGateway(t, st, "http://b")
		work := func(s *Seat) {
			turn, err := s.Begin(t.Context(), Asked{})
			if err != nil {
				t.Fatal(err)
			}
			turn.End()
			synctest.Wait()
		}
		told := func(s *Seat) int {
			st, err := s.status(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return len(st.(status).Problems)
		}
		alone := newSeat("acme")
		l, _ := newLoad(st)
		alone.open(l)
		alone.start(l)
		for range 3 { // ended before there was a cluster
			work(alone)
			time.Sleep(30 * time.Second)
		}
		for range 8 {
			work(a.Seat)
			time.Sleep(30 * time.Second)
		}
		if a.presence.isSecond() || told(a.Seat) > 0 {
			t.Fatal("one after the other is not two at once")
		}
		for range 8 {
			work(a.Seat)
			work(alone)
			time.Sleep(30 * time.Second)
		}
		if !a.presence.isSecond() || told(a.Seat) != 1 {
			t.Error("the cluster has not found the other one")
		}
		if !alone.presence.isSecond() || told(alone) != 1 {
			t.Error("the other one has not found the cluster")
		}
		for range 8 {
			work(a.Seat)
			time.Sleep(30 * time.Second)
		}
		if a.presence.isSecond() || told(a.Seat) > 0 {
			t.Error("the other one has gone")
		}
		a.stop(a.load)
		b.stop(b.load)
		alone.stop(l)
	})
}

func TestASecondGatewayWithoutAClusterIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := new(memory)
		alone := func() *Seat {
			s := newSeat("acme")
			l := &load{storage: st, logger: zap.NewNop()}
			s.open(l)
			s.start(l)
			return s
		}
		work := func(s *Seat) {
			turn, err := s.Begin(t.Context(), Asked{})
			if err != nil {
				t.Fatal(err)
			}
			turn.End()
			synctest.Wait()
		}
		a := alone()
		for range 5 {
			work(a)
			time.Sleep(2 * time.Minute)
		}
		b := alone() // a has ended
		for range 5 {
			work(b)
			time.Sleep(2 * time.Minute)
		}
		if a.presence.isSecond() || b.presence.isSecond() {
			t.Fatal("one after the other is not two at once")
		}
		for range 2 {
			work(a)
			work(b)
			time.Sleep(2 * time.Minute)
		}
		if !a.presence.isSecond() || !b.presence.isSecond() {
			t.Fatal("two at once were not found")
		}
		st.mu.Lock()
		before := st.calls
		st.mu.Unlock()
		for range 100 {
			work(a)
		}
		st.mu.Lock()
		calls := st.calls - before
		st.mu.Unlock()
		if calls > 3 { // its own record, read and written, and the lease
			t.Fatalf("%d calls of the storage for 100 operations within a minute", calls)
		}
		for range 3 {
			time.Sleep(2 * time.Minute)
			work(a)
		}
		if a.presence.isSecond() {
			t.Fatal("the other one has gone")
		}
	})
}

// What is still to be written is written before another gateway may lead, and before the process ends: with the lease in hand,
// and while nothing is under way.
func TestWhatIsLeftIsWrittenBeforeAnotherLeads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := new(memory)
		a, b := newGateway(t, st, "http://a"), newGateway(t, st, "http://b")
		written := 0
		a.Join(Part{Handover: func() {
			written++
			if err := a.Storage().Store(t.Context(), "left", []byte("by a")); err != nil {
				t.Error(err)
			}
			if _, err := a.leading().lease.Alive(); err != nil {
				t.Errorf("it is written when another one may lead: %v", err)
			}
		}})
		a.leads(t, Asked{}).End()
		a.stop(a.load)
		if written != 1 {
			t.Errorf("at the stop it is written %d times", written)
		}
		time.Sleep(2 * time.Second)
		b.leads(t, Asked{}).End()
		if left, err := b.Storage().Load(t.Context(), "left"); err != nil || string(left) != "by a" {
			t.Errorf("the next one finds %q, %v", left, err)
		}
		b.stop(b.load)
	})
	alone, written := newSeat("acme"), 0
	alone.Join(Part{Handover: func() { written++ }})
	first, _ := newLoad(new(memory))
	second, _ := newLoad(new(memory))
	for _, l := range []*load{first, second} {
		alone.open(l)
		alone.start(l)
	}
	if alone.stop(first); written != 0 {
		t.Error("a reload is no end")
	}
	if alone.stop(second); written != 1 {
		t.Errorf("at the end of a gateway without a cluster it is written %d times", written)
	}
}
