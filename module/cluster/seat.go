package cluster

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"slices"
	"sync"

	"go.uber.org/zap"
)

// Seat is the place of one organization in this process. Two directives of one organization have the same, and so have
// two loads of one configuration.
type Seat struct {
	name    string
	storage *storage

	mu       sync.Mutex
	started  chan struct{} // closed when a configuration has been started
	opened   []*load       // provisioned and not gone, the newest last
	running  []*load       // started and not gone, the newest last
	stopped  map[*load]bool
	lead     *leadership // nil where there is one gateway
	takeover []func()
	busy     []func() bool
	handover []func()

	secret   string // known to the other gateways of a cluster
	presence presence

	sharing sync.Mutex
	shared  map[string]any
}

func newSeat(name string) *Seat {
	s := &Seat{name: name, started: make(chan struct{}), stopped: map[*load]bool{}, shared: map[string]any{}, secret: newSecret()}
	s.storage = &storage{of: s.current}
	return s
}

// Alone returns a seat that is no configuration's: its storage is always the one given.
func Alone(name string, st Storage) *Seat {
	s := newSeat(name)
	l := &load{storage: st, logger: zap.NewNop()}
	s.open(l)
	s.start(l)
	return s
}

// Name returns the organization's name.
func (s *Seat) Name() string { return s.name }

// Destruct implements [caddy.Destructor].
func (*Seat) Destruct() error { return nil }

// Storage returns where the organization's records are. It can be kept: it always is the storage of the newest configuration
// that was started and has not gone. Before any was started it can only be read.
func (s *Seat) Storage() Storage { return s.storage }

// Shared returns the value that the organization has under a key, made where there is none. It outlives a reload. begin may
// call the other methods of the seat, but not this one.
func (s *Seat) Shared(key string, begin func() any) any {
	s.sharing.Lock()
	defer s.sharing.Unlock()
	v, ok := s.shared[key]
	if !ok {
		v = begin()
		s.shared[key] = v
	}
	return v
}

// OnTakeover has f called whenever somebody else may have provisioned the organization since: whatever was read of it
// and of the ledger before may be wrong. It is called before the first operation begins, and calls no method of the seat.
// It is for what is [Seat.Shared]: once for each such value, not once for each load.
func (s *Seat) OnTakeover(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.takeover = append(s.takeover, f)
}

// Busy has f asked whether something is still to be made good. Leadership is kept for as long as it is so. f calls no
// method of the seat.
func (s *Seat) Busy(f func() bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy = append(s.busy, f)
}

// OnHandover has f called before another gateway may provision the organization, and before this process ends: it writes what
// is still to be written, and takes a few seconds at most. No operation is under way then. f calls no method of the seat.
func (s *Seat) OnHandover(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handover = append(s.handover, f)
}

func (s *Seat) handOver() {
	s.mu.Lock()
	all := slices.Clone(s.handover)
	s.mu.Unlock()
	for _, f := range all {
		f()
	}
}

func (s *Seat) open(l *load) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened = append(s.opened, l)
}

func (s *Seat) start(l *load) {
	s.mu.Lock()
	s.running = append(s.running, l)
	before := s.adopt()
	select {
	case <-s.started:
	default:
		close(s.started)
	}
	lead := s.lead
	s.mu.Unlock()
	if lead != nil {
		lead.resume()
	}
	if before != nil {
		go before.stop()
	}
}

// stop ends the part of a configuration. The last one ends leading, and gives the lease back before it returns.
func (s *Seat) stop(l *load) {
	s.mu.Lock()
	s.stopped[l] = true
	before, lead := s.adopt(), s.lead
	last := s.active() == nil
	if last {
		before, lead = s.lead, nil
	}
	s.mu.Unlock()
	if last { // nothing is written after the stop
		s.presence.looking.Wait()
	}
	if lead != nil {
		lead.resume()
	}
	if before != nil {
		before.stop()
	} else if last {
		s.handOver()
	}
}

// adopt makes leadership what the configuration that runs now says, and returns the one that ends with it.
func (s *Seat) adopt() (before *leadership) {
	l := s.active()
	if l == nil {
		return nil
	}
	switch o := l.options[s.name]; {
	case o == nil:
		before, s.lead = s.lead, nil
	case s.lead == nil || s.lead.options != *o:
		before, s.lead = s.lead, newLeadership(s, *o, s.secret)
	}
	return before
}

// active returns the newest configuration that was started and not stopped.
func (s *Seat) active() *load {
	for _, l := range slices.Backward(s.running) {
		if !s.stopped[l] && !l.isGone() {
			return l
		}
	}
	return nil
}

func (s *Seat) leading() *leadership {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lead
}

func (s *Seat) isBusy() bool {
	s.mu.Lock()
	busy := slices.Clone(s.busy)
	s.mu.Unlock()
	return slices.ContainsFunc(busy, func(f func() bool) bool { return f() })
}

func (s *Seat) forgetAll() {
	takeovers().Inc()
	s.mu.Lock()
	takeover := slices.Clone(s.takeover)
	s.mu.Unlock()
	for _, f := range takeover {
		f()
	}
}

// log returns where the configuration that runs now logs.
func (s *Seat) log() *zap.Logger {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.active(); l != nil {
		return l.logger
	}
	for _, l := range slices.Backward(s.running) {
		return l.logger
	}
	return zap.NewNop()
}

func (s *Seat) forget(l *load) {
	s.mu.Lock()
	defer s.mu.Unlock()
	is := func(other *load) bool { return other == l }
	s.opened, s.running = slices.DeleteFunc(s.opened, is), slices.DeleteFunc(s.running, is)
	delete(s.stopped, l)
}

// current returns the storage to use, and whether it may be written to; nil where every configuration has gone.
func (s *Seat) current() (st Storage, writable bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.active(); l != nil {
		return l.storage, true
	}
	for _, l := range slices.Backward(s.running) { // stopped, with something that is not finished
		if !l.isGone() {
			return l.storage, true
		}
	}
	for _, l := range slices.Backward(s.opened) {
		if !l.isGone() {
			return l.storage, false
		}
	}
	return nil, false
}

func (l *load) isGone() bool {
	select {
	case <-l.gone:
		return true
	default:
		return false
	}
}

// key returns where something of an organization is kept.
func key(kind, organization string) string {
	sum := sha256.Sum256([]byte(organization))
	return path.Join("scim_gateway", kind, hex.EncodeToString(sum[:16]))
}
