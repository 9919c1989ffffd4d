package lease_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-scim/gateway/module/lease"
)

// world is what several processes have in common: a storage, and real time, which is synctest's.
type world struct {
	mu      sync.Mutex
	values  map[string][]byte
	rng     *rand.Rand
	start   time.Time
	calls   []call
	ttl     time.Duration
	leading int // times that somebody began to lead
	times   times
}

// times say how likely what is, and how long it takes.
type times struct {
	slow  float64       // chance that half a call takes about as long as it may
	lies  float64       // chance that a write ends in an error and is done all the same, later
	idle  float64       // chance that a leader gives the lease back
	pause time.Duration // between two attempts to lead, at most
	peace bool          // nobody is frozen, no clock turned, no record damaged
}

// histories are the kinds that there are: one in which everything happens, and one in which those who want to lead crowd, so
// that what is written late meets somebody who reads.
var histories = []times{
	{slow: 0.05, lies: 0.02, idle: 0.01, pause: ttl / 4},
	{slow: 0.3, lies: 0.2, idle: 0.3, pause: ttl / 50, peace: true},
}

const ttl = 15 * time.Second

// call is something that a process started while it led.
type call struct {
	process, epoch int
	at             time.Duration
}

// process is one gateway, with clocks of its own, that can be stopped and set forth.
type process struct {
	*world
	id      int
	lease   *lease.Lease
	frozen  bool
	thaw    chan struct{}
	skew    time.Duration // of the wall clock
	lost    time.Duration // what the monotonic clock did not count
	writing map[string]chan struct{}
	epoch   int
	alive   bool
}

func (w *world) chance(p float64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rng.Float64() < p
}

// some is a random time of at most d.
func (w *world) some(d time.Duration) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Duration(w.rng.Int64N(int64(d) + 1))
}

// gate holds up whatever a process does while it is frozen.
func (p *process) gate() {
	p.mu.Lock()
	for p.frozen {
		thaw := p.thaw
		p.mu.Unlock()
		<-thaw
		p.mu.Lock()
	}
	p.mu.Unlock()
}

func (p *process) freeze(d time.Duration, suspended bool) {
	p.mu.Lock()
	if p.frozen {
		p.mu.Unlock()
		return
	}
	p.frozen, p.thaw = true, make(chan struct{})
	p.mu.Unlock()
	time.Sleep(d)
	p.mu.Lock()
	p.frozen = false
	if suspended {
		p.lost += d
	}
	close(p.thaw)
	p.mu.Unlock()
}

// Now, Sleep and Within make a process its own clock.
func (p *process) Now() lease.Instant {
	p.gate()
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	return lease.Instant{Monotonic: now.Sub(p.start) - p.lost, Wall: now.Add(p.skew).Round(0)}
}

func (p *process) Sleep(ctx context.Context, d time.Duration) error {
	p.gate()
	select {
	case <-time.After(d):
		p.gate()
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *process) Within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, d)
}

// delay is how long one half of a call takes: mostly next to nothing, sometimes about as long as is allowed, and now and
// then so long that everybody has forgotten the call.
func (w *world) delay() time.Duration {
	switch {
	case w.chance(0.01):
		return w.some(6 * w.ttl)
	case w.chance(w.times.slow):
		return w.some(w.ttl / 2)
	}
	return w.some(w.ttl / 100)
}

// Load shows what was last written at some moment between its beginning and its end.
func (p *process) Load(ctx context.Context, key string) ([]byte, error) {
	p.gate()
	type outcome struct {
		v  []byte
		ok bool
	}
	answer := make(chan outcome, 1)
	before, after := p.delay(), p.delay()
	go func() {
		time.Sleep(before)
		p.mu.Lock()
		v, ok := p.values[key]
		p.mu.Unlock()
		time.Sleep(after) // an answer that was right when it was given
		answer <- outcome{v, ok}
	}()
	select {
	case o := <-answer:
		p.gate()
		if p.chance(0.02) {
			return nil, errors.New("the storage cannot be read")
		}
		if !o.ok {
			return nil, fs.ErrNotExist
		}
		return o.v, nil
	case <-ctx.Done():
		p.gate()
		return nil, ctx.Err()
	}
}

// Store writes at some moment, though the call may be over by then: the caller has given up, or was told of an error.
func (p *process) Store(ctx context.Context, key string, value []byte) error {
	p.gate()
	for {
		p.mu.Lock()
		earlier := p.writing[key]
		if earlier == nil {
			break
		}
		p.mu.Unlock()
		select {
		case <-earlier:
			p.gate()
		case <-ctx.Done():
			p.gate()
			return ctx.Err()
		}
	}
	mine := make(chan struct{})
	p.writing[key] = mine
	p.mu.Unlock()
	before, after := p.delay(), p.delay()
	done := make(chan error, 1)
	go func() {
		returned := func(err error) {
			p.mu.Lock()
			delete(p.writing, key)
			close(mine)
			p.mu.Unlock()
			done <- err
		}
		if p.chance(0.5) { // a process that is stopped in the middle of a write goes on with it later
			time.Sleep(before)
			p.gate()
			before = 0
		}
		lied := p.chance(p.times.lies) // an error, and written all the same, any time later
		if lied {
			returned(errors.New("the connection was lost"))
		}
		time.Sleep(before)
		p.mu.Lock()
		p.values[key] = value
		p.mu.Unlock()
		if !lied {
			time.Sleep(after)
			returned(nil)
		}
	}()
	select {
	case err := <-done:
		p.gate()
		return err
	case <-ctx.Done():
		p.gate()
		return ctx.Err()
	}
}

// work is what a gateway does: it seeks the lease where it is asked for something, keeps it, and lets it go.
func (p *process) work(ctx context.Context) {
	for ctx.Err() == nil {
		p.gate()
		if _, held := p.lease.Held(); !held {
			p.mu.Lock()
			p.alive = false
			p.mu.Unlock()
			_, _ = p.lease.Seek(ctx, p.chance(0.5))
			_ = p.Sleep(ctx, p.some(p.times.pause))
			continue
		}
		if p.chance(p.times.idle) {
			_ = p.lease.GiveBack(ctx, p.chance(0.5))
			_ = p.Sleep(ctx, p.some(p.times.pause))
			continue
		}
		if due := p.lease.Due(); due > 0 {
			_ = p.Sleep(ctx, min(due, p.some(p.ttl/10)))
			continue
		}
		_ = p.lease.Renew(ctx)
	}
}

// operate starts calls whenever it may. Asking and starting are one moment: whatever comes between them is on its way.
func (p *process) operate(ctx context.Context) {
	for ctx.Err() == nil {
		p.gate()
		if _, err := p.lease.Alive(); err == nil {
			p.mu.Lock()
			if !p.frozen {
				if !p.alive {
					p.alive, p.leading = true, p.leading+1
					p.epoch = p.leading
				}
				p.calls = append(p.calls, call{p.id, p.epoch, time.Since(p.start)})
			}
			p.mu.Unlock()
		}
		_ = p.Sleep(ctx, p.some(p.ttl/30))
	}
}

// trouble freezes processes, suspends machines and turns clocks.
func (p *process) trouble(ctx context.Context) {
	for ctx.Err() == nil {
		time.Sleep(p.some(6 * p.ttl))
		switch {
		case p.chance(0.4):
			p.freeze(p.some(3*p.ttl), false)
		case p.chance(0.4):
			p.freeze(p.some(3*p.ttl), true)
		case p.chance(0.5):
			p.mu.Lock()
			p.skew += time.Duration(p.rng.Int64N(int64(4*p.ttl))) - 2*p.ttl
			p.mu.Unlock()
		}
	}
}

// damage does to the record what nobody should.
func (w *world) damage(ctx context.Context, key string) {
	for ctx.Err() == nil {
		time.Sleep(w.some(60 * w.ttl))
		w.mu.Lock()
		switch w.rng.IntN(3) {
		case 0:
			delete(w.values, key)
		case 1:
			w.values[key] = []byte(`{"owner":`)
		}
		w.mu.Unlock()
	}
}

var (
	seeds = flag.Int("seeds", 60, "how many histories of the lease are tried")
	first = flag.Uint64("first", 0, "the first of them")
)

// TestNeverTwoStartACall is what the lease is for. Every seed is one history of some hundred times to live.
func TestNeverTwoStartACall(t *testing.T) {
	total, calls := 0, 0
	for seed := *first; seed < *first+uint64(*seeds); seed++ {
		synctest.Test(t, func(t *testing.T) {
			w := history(seed, 2+int(seed%3), 100, histories[seed%uint64(len(histories))])
			total, calls = total+w.leading, calls+len(w.calls)
			if err := w.judge(); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		})
	}
	t.Logf("%d times of leading, %d calls", total, calls)
	if total < *seeds {
		t.Fatalf("nobody led: %d times in %d histories", total, *seeds)
	}
}

func history(seed uint64, n, length int, t times) *world {
	w := &world{values: map[string][]byte{}, rng: rand.New(rand.NewPCG(seed, 7)), start: time.Now(), ttl: ttl, times: t}
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for id := range n {
		p := &process{world: w, id: id, writing: map[string]chan struct{}{}}
		p.lease = lease.New(lease.Config{Key: "lease", TTL: w.ttl}, p, p)
		all.Go(func() { p.work(ctx) })
		all.Go(func() { p.operate(ctx) })
		if !t.peace {
			all.Go(func() { p.trouble(ctx) })
		}
	}
	if !t.peace {
		all.Go(func() { w.damage(ctx, "lease") })
	}
	time.Sleep(time.Duration(length) * w.ttl)
	cancel()
	all.Wait()
	time.Sleep(20 * w.ttl) // calls of the storage that nobody waits for
	return w
}

// judge finds two processes of which one started a call between two calls of the other one's single time of leading.
func (w *world) judge() error {
	last := map[int]time.Duration{} // by epoch
	for _, c := range w.calls {
		last[c.epoch] = c.at
	}
	for i, c := range w.calls {
		for _, other := range w.calls[i+1:] {
			if other.at > last[c.epoch] {
				break
			}
			if other.process != c.process {
				return fmt.Errorf("process %d started a call at %s, while process %d led until %s",
					other.process, other.at, c.process, last[c.epoch])
			}
		}
	}
	return nil
}
