package provision

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"

	"github.com/caddy-scim/gateway/transforms/scim"
)

// A cluster lock that several requests of this process want one after the other is handed on between them, because a
// storage may need a second to hand it over; but no longer than this, so that other gateways get their turn.
const maxHold = 2 * time.Second

// locks are the locks of one organization, by name. Within the process a lock is a queue; with a storage it is, besides,
// a lock that every gateway over that storage respects.
type locks struct {
	storage certmagic.Storage // nil: within this process only
	prefix  string            // tells the locks of organizations over one storage apart

	mu   sync.Mutex
	held map[string]*lock
}

type lock struct {
	turn  chan struct{} // holds one token
	users int           // holders and waiters
	since time.Time     // when the cluster lock was taken; zero when it is not held
}

// lock waits for its turn. The returned function must be called exactly once.
func (l *locks) lock(ctx context.Context, name string, cluster bool) (unlock func(), err error) {
	l.mu.Lock()
	if l.held == nil {
		l.held = make(map[string]*lock)
	}
	k := l.held[name]
	if k == nil {
		k = &lock{turn: make(chan struct{}, 1)}
		k.turn <- struct{}{}
		l.held[name] = k
	}
	k.users++
	l.mu.Unlock()

	select {
	case <-k.turn:
	case <-ctx.Done():
		l.leave(name, k)
		return nil, busy(ctx.Err())
	}
	if cluster && l.storage != nil && k.since.IsZero() {
		if err := l.storage.Lock(ctx, l.stored(name)); err != nil {
			k.turn <- struct{}{}
			l.leave(name, k)
			return nil, busy(err)
		}
		k.since = time.Now()
	}
	return func() { l.unlock(ctx, name, k) }, nil
}

func (l *locks) unlock(ctx context.Context, name string, k *lock) {
	l.mu.Lock()
	last := k.users == 1
	l.mu.Unlock()
	if !k.since.IsZero() && (last || time.Since(k.since) > maxHold) {
		// The request may be over already; the lock must be given back all the same.
		_ = l.storage.Unlock(context.WithoutCancel(ctx), l.stored(name))
		k.since = time.Time{}
	}
	k.turn <- struct{}{}
	l.leave(name, k)
}

// leave forgets a lock that nobody holds or waits for.
func (l *locks) leave(name string, k *lock) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if k.users--; k.users > 0 {
		return
	}
	delete(l.held, name)
	if !k.since.IsZero() { // the last waiter gave up while the holder kept the cluster lock for it
		_ = l.storage.Unlock(context.Background(), l.stored(name))
	}
}

// stored is what the storage calls a lock. Names hold what providers send, of any length, which must be no file name.
func (l *locks) stored(name string) string {
	sum := sha256.Sum256([]byte(l.prefix + name))
	return "scim_gateway " + hex.EncodeToString(sum[:16])
}

func busy(err error) error {
	return &scim.Error{
		Status: 503, Detail: "the resource is being changed by another request; try again", RetryAfter: time.Second, Cause: err,
	}
}
