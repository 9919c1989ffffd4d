package cluster

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-scim/gateway/module/lease"
)

// keep renews the lease until it is lost or given back.
func (l *leadership) keep() {
	l.set(func() {
		if !l.keeping {
			l.keeping = true
			go l.keeper()
		}
	})
}

func (l *leadership) keeper() {
	ctx := context.Background()
	for {
		l.announce()
		due, wait, idle, back := l.next()
		switch {
		case back:
			l.seat.handOver()
			if err := l.lease.GiveBack(ctx, idle); err != nil && !errors.Is(err, lease.ErrNotHeld) {
				l.seat.log().Warn("the lease could not be given back: others have to wait until it ends",
					zap.String("organization", l.seat.name), zap.Error(err))
			}
			l.set(func() { l.closing = false })
			continue
		case due < 0:
			return
		case due > 0:
			timer := time.NewTimer(due)
			select {
			case <-timer.C:
			case <-wait:
			}
			timer.Stop()
			continue
		}
		err := l.lease.Renew(ctx)
		if err != nil {
			l.seat.log().Warn("the lease could not be renewed", zap.String("organization", l.seat.name), zap.Error(err))
		}
		l.wake()
	}
}

// next returns what the keeper does next: it gives the lease back, or renews it when it is due, or ends where due is negative.
func (l *leadership) next() (due time.Duration, wait <-chan struct{}, idle, back bool) {
	busy := l.seat.isBusy()
	l.mu.Lock()
	defer l.mu.Unlock()
	if due = l.lease.Due(); due < 0 || l.abandoned {
		l.keeping = false
		l.signal()
		return -1, nil, false, false
	}
	idle = time.Since(l.asked) >= idleAfter
	if l.turns == 0 && !busy && (idle || l.stopping) {
		l.closing = true
		return 0, nil, !l.stopping, true
	}
	return due, l.changed, false, false
}

// announce tells the log who leads.
func (l *leadership) announce() {
	term, err := l.lease.Alive()
	_, held := l.lease.Held()
	log := l.seat.log().With(zap.String("organization", l.seat.name))
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil && l.announced != term.Number:
		l.announced = term.Number
		log.Info("this gateway provisions the organization now")
	case !held && l.announced != 0:
		l.announced = 0
		log.Info("this gateway provisions the organization no more")
	}
}

// stop ends leading: nothing new begins, and when nothing is under way any more, the lease is given back at once. What
// takes longer than a stop may wait ends with the lease.
func (l *leadership) stop() {
	l.set(func() { l.stopping = true })
	deadline := time.NewTimer(drain)
	defer deadline.Stop()
	for {
		l.mu.Lock()
		keeping, wait := l.keeping, l.changed
		l.mu.Unlock()
		if !keeping {
			return
		}
		select {
		case <-wait:
		case <-deadline.C:
			l.set(func() { l.abandoned = true })
			return
		}
	}
}

// resume takes a stop back: the configuration that was to take its place did not start.
func (l *leadership) resume() {
	l.set(func() { l.stopping, l.abandoned = false, false })
}
