package cluster

import (
	"context"
	"errors"
	"time"

	"github.com/caddy-scim/gateway/module/lease"
)

var errLeaderGone = errors.New("the gateway that led has not answered, and leads no more")

// While returns a context that ends when another gateway, to which a request was sent on, leads no more: one that is frozen
// accepts requests and answers none. It is watched from when it has not answered for half of its time to live.
func (s *Seat) While(ctx context.Context, leader *Standby) (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancelCause(ctx)
	cancel := func() { end(nil) }
	if l := s.leading(); l != nil {
		timer := time.AfterFunc(l.options.ttl()/2, func() {
			l.watch(ctx, func(st lease.Standing) bool { return st.Leader != nil && st.Leader.Owner == leader.owner })
			end(errLeaderGone)
		})
		return ctx, func() { timer.Stop(); cancel() }
	}
	return ctx, cancel
}

// Suspect tells that the leader could not be reached. It is watched until it is heard of again, so that its place is taken
// when its lease has ended, although nobody may ask for anything then.
func (s *Seat) Suspect() {
	l := s.leading()
	if l == nil {
		return
	}
	suspected, _ := l.lease.Seen()
	l.flight.DoChan("suspect", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.Background(), 2*l.options.ttl())
		defer cancel()
		l.watch(ctx, func(st lease.Standing) bool {
			return suspected == nil || st.Leader == nil || st.Leader.Number == suspected.Number
		})
		return nil, nil
	})
}

// watch looks at the lease now and then, and claims it when it has ended; for as long as still says.
func (l *leadership) watch(ctx context.Context, still func(lease.Standing) bool) {
	tick := time.NewTicker(l.options.ttl() / 6)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		l.mu.Lock()
		stopping := l.stopping
		l.mu.Unlock()
		if stopping {
			return
		}
		st, err := l.lease.Seek(context.Background(), true)
		if st.Held {
			l.keep()
			return
		}
		if err == nil && !still(st) {
			return
		}
	}
}
