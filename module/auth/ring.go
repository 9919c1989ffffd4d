package auth

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Stored is what the storage holds about the keys of one organization at one time. It is not changed once a [Ring] has it.
type Stored struct {
	// Keys are the keys that were made while the gateway ran. Their Key is the hash.
	Keys []Key

	// Revoked says from when on keys are revoked, by their id: those of the Caddyfile as well.
	Revoked map[string]time.Time

	// Disabled is the status by which everybody is refused, 401 or 503; zero while the organization is enabled.
	Disabled int

	// Paused is whether only reading is let through.
	Paused bool

	// Err is why the records could not all be read when it was last tried. The others are good all the same.
	Err error

	keys []compiled
}

// Ring holds the newest that is known of an organization's stored keys, for all gateways of the process that serve it.
type Ring struct {
	now    func() time.Time
	fixed  bool // nobody goes on reading
	stored atomic.Pointer[Stored]
	read   atomic.Int64 // when the records were last read, in nanoseconds
	first  chan struct{}
	once   sync.Once
	used   sync.Map // of *atomic.Int64, Unix seconds by id
}

// Stale is how long what was read is taken for all there is. A key that is not known after that is not called wrong.
const Stale = time.Minute

// NewRing makes a ring that waits for what the storage has.
func NewRing(now func() time.Time) *Ring {
	r := &Ring{now: now, first: make(chan struct{})}
	r.stored.Store(new(Stored))
	return r
}

// fixedRing returns the ring of an organization without a name, of which the storage has nothing.
func fixedRing(now func() time.Time) *Ring {
	r := NewRing(now)
	r.fixed = true
	r.Set(new(Stored))
	return r
}

// Set makes known what was read just now. A key that is no good is left out, with the reason in Err.
func (r *Ring) Set(s *Stored) {
	r.take(s)
	r.read.Store(r.now().UnixNano())
	r.once.Do(func() { close(r.first) })
}

// Recall makes known what an earlier configuration has read: it holds until the storage has been read for the first time. That
// there is more is possible.
func (r *Ring) Recall(s *Stored) {
	if s != nil {
		r.take(&Stored{Keys: s.Keys, Revoked: s.Revoked, Disabled: s.Disabled, Paused: s.Paused})
	}
}

func (r *Ring) take(s *Stored) {
	for _, k := range s.Keys {
		c, err := k.compile()
		if err != nil {
			s.Err = err
			continue
		}
		c.used = r.use(c.id)
		s.keys = append(s.keys, c)
	}
	// The limit of a key goes on where it was.
	for i := range s.keys {
		for _, old := range r.stored.Load().keys {
			if old.id == s.keys[i].id {
				s.keys[i].limit = old.limit
			}
		}
	}
	r.stored.Store(s)
}

// Fail makes known that the records cannot be read. What was known stays.
func (r *Ring) Fail(err error) {
	s := *r.stored.Load()
	s.Err = err
	r.stored.Store(&s)
	r.once.Do(func() { close(r.first) })
}

// Stored returns what is known.
func (r *Ring) Stored() *Stored { return r.stored.Load() }

// Ready reports whether what is known is all that there is, so that a key that is not known is wrong. It waits a moment
// for the first reading.
func (r *Ring) Ready(ctx context.Context) bool {
	select {
	case <-r.first:
	default:
		timer := time.NewTimer(2 * time.Second)
		defer timer.Stop()
		select {
		case <-r.first:
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	read := r.read.Load()
	return r.fixed || r.Stored().Err == nil && read != 0 && r.now().UnixNano()-read < int64(Stale)
}

func (r *Ring) use(id string) *atomic.Int64 {
	v, _ := r.used.LoadOrStore(id, new(atomic.Int64))
	return v.(*atomic.Int64) //nolint:forcetypeassert // nothing else is stored
}

// LastUse returns when the key of an id was last used here; zero where it was not.
func (r *Ring) LastUse(id string) time.Time { return when(r.use(id).Load()) }

func when(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}
