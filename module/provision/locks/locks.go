// Package locks are the locks of one organization, which belong to this process: one gateway provisions an organization at
// a time. They have names. Who holds one of a class takes only locks of later classes, and several of one class are taken
// together, in the order of their names; so nobody waits in a circle:
//
//  1. [Locks.Names]: what is given to a user or group, a userName, an externalId, an address or a displayName, while it is
//     looked up and written.
//  2. [Locks.Resource] of a group: one group, its members and who waits to join it. Nobody holds two.
//  3. [Locks.Resource] of a user: one user, while what is written was read before. Nobody holds two, and nobody who holds one waits for a
//     group.
//  4. [Locks.Credential]: a credential of the upstream, while it is fetched.
//
// Who does not get a lock in the time of the request gets an answer for the provider, [Busy].
package locks

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/caddy-scim/gateway/transforms/scim"
)

// Locks are queues by name. The zero value has none.
type Locks struct {
	mu   sync.Mutex
	held map[string]*lock
}

type lock struct {
	turn  chan struct{} // holds one token
	users int           // holders and waiters
}

// Names locks values that are about to be given to a resource of a type, whatever the attribute.
func (l *Locks) Names(ctx context.Context, resource string, values []string) (unlock func(), err error) {
	values = slices.Compact(slices.Sorted(slices.Values(values)))
	var release []func()
	unlock = func() {
		for _, f := range slices.Backward(release) {
			f()
		}
	}
	for _, value := range values {
		f, err := l.lock(ctx, "name of a "+resource+" "+value)
		if err != nil {
			unlock()
			return nil, err
		}
		release = append(release, f)
	}
	return unlock, nil
}

// Resource locks the user or group with an id of the provider's.
func (l *Locks) Resource(ctx context.Context, resource, id string) (unlock func(), err error) {
	return l.lock(ctx, resource+" "+id)
}

// Credential locks a credential of the upstream, given by its name.
func (l *Locks) Credential(ctx context.Context, name string) (unlock func(), err error) {
	return l.lock(ctx, "credential "+name)
}

// Busy returns the answer to a request that ended before it was its turn.
func Busy(err error) error {
	return &scim.Error{
		Status: http.StatusServiceUnavailable, Detail: "the resource is being changed by another request; try again", RetryAfter: time.Second, Cause: err,
	}
}

// lock waits for its turn. The returned function must be called once.
func (l *Locks) lock(ctx context.Context, name string) (unlock func(), err error) {
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
		return func() { k.turn <- struct{}{}; l.leave(name, k) }, nil
	case <-ctx.Done():
		l.leave(name, k)
		return nil, Busy(ctx.Err())
	}
}

// leave forgets a lock that nobody holds or waits for.
func (l *Locks) leave(name string, k *lock) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if k.users--; k.users == 0 {
		delete(l.held, name)
	}
}
