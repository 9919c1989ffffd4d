package cluster

import (
	"crypto/rand"
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

	mu      sync.Mutex
	started chan struct{} // closed when a configuration has been started
	loads   []*seated     // the configurations that have not gone, the newest last
	lead    *leadership   // nil where there is one gateway
	parts   []Part

	secret   string // what the gateways of a cluster know each other by
	presence presence

	sharing sync.Mutex
	shared  map[string]any
}

// seated is a configuration that speaks of an organization.
type seated struct {
	*load
	started, stopped bool
}

func newSeat(name string) *Seat {
	s := &Seat{name: name, started: make(chan struct{}), shared: map[string]any{}, secret: rand.Text()}
	s.presence.process = rand.Text()
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

// Part is something that the organization has [Seat.Shared]. Its functions, each of which may be nil, call no method of the seat.
type Part struct {
	// Takeover is called whenever somebody else may have provisioned the organization since: whatever was read of it and of
	// the ledger before may be wrong. It is called before the first operation begins.
	Takeover func()

	// Busy reports whether something is still to be made good. Leadership is kept for as long as it is so.
	Busy func() bool

	// Handover is called before another gateway may provision the organization, and before this process ends: it writes what
	// is still to be written, and takes a few seconds at most. No operation is under way then.
	Handover func()
}

// Join makes a part known: once for each, not once for each load.
func (s *Seat) Join(p Part) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.parts = append(s.parts, p)
}

func (s *Seat) joined() []Part {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.parts)
}

func (s *Seat) handOver() {
	for _, p := range s.joined() {
		if p.Handover != nil {
			p.Handover()
		}
	}
}

func (s *Seat) isBusy() bool {
	return slices.ContainsFunc(s.joined(), func(p Part) bool { return p.Busy != nil && p.Busy() })
}

func (s *Seat) forgetAll() {
	takeovers().Inc()
	for _, p := range s.joined() {
		if p.Takeover != nil {
			p.Takeover()
		}
	}
}

func (s *Seat) open(l *load) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loads = append(s.loads, &seated{load: l})
}

func (s *Seat) start(l *load) {
	s.mu.Lock()
	s.seated(l).started = true
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
	s.seated(l).stopped = true
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
		before, s.lead = s.lead, newLeadership(s, *o)
	}
	return before
}

// active returns the newest configuration that was started and not stopped.
func (s *Seat) active() *load {
	return s.newest(func(l *seated) bool { return l.started && !l.stopped && !l.isGone() })
}

func (s *Seat) newest(is func(*seated) bool) *load {
	for _, l := range slices.Backward(s.loads) {
		if is(l) {
			return l.load
		}
	}
	return nil
}

func (s *Seat) seated(l *load) *seated {
	for _, other := range s.loads {
		if other.load == l {
			return other
		}
	}
	return &seated{load: l} // it has gone
}

func (s *Seat) leading() *leadership {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lead
}

// log returns where the configuration that runs now logs.
func (s *Seat) log() *zap.Logger {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.active(); l != nil {
		return l.logger
	}
	if l := s.newest(func(l *seated) bool { return l.started }); l != nil {
		return l.logger
	}
	return zap.NewNop()
}

func (s *Seat) forget(l *load) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loads = slices.DeleteFunc(s.loads, func(other *seated) bool { return other.load == l })
}

// current returns the storage to use, and whether it may be written to; nil where every configuration has gone.
func (s *Seat) current() (st Storage, writable bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.active()
	if l == nil { // stopped, with something that is not finished
		l = s.newest(func(l *seated) bool { return l.started && !l.isGone() })
	}
	if l != nil {
		return l.storage, true
	}
	if l = s.newest(func(l *seated) bool { return !l.isGone() }); l != nil {
		return l.storage, false
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

// Key returns where something of the organization is kept.
func (s *Seat) Key(kind string) string {
	sum := sha256.Sum256([]byte(s.name))
	return path.Join("scim_gateway", kind, hex.EncodeToString(sum[:16]))
}
