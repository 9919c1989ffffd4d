package ledger

import (
	"cmp"
	"context"
	"time"
)

// What an intent on disk tells of need not be on disk before the provider is answered: a crash leaves the intent, and
// whoever comes next asks the organization. It is written in rounds, each of which takes whatever is owed when it begins:
// files that are written at once share the disk's work, and nobody who is being answered has to wait for it.

// A round is one time of writing what is owed. It waits for the storage no longer than a caller does.
type round struct {
	hurry chan struct{} // holds one token when somebody waits for it
	over  chan struct{} // closed when it has been tried
	away  func() bool   // reports whether whoever asked last may not write any more
	held  []func()      // the turns of those who asked for it
}

func newRound() *round { return &round{hurry: make(chan struct{}, 1), over: make(chan struct{})} }

// wait waits for the round, which begins at once then.
func (r *round) wait() {
	select {
	case r.hurry <- struct{}{}:
	default:
	}
	<-r.over
}

// gathering is how long a round waits for others to join it.
const gathering = 100 * time.Millisecond

func (r *round) gather() {
	timer := time.NewTimer(gathering)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.hurry:
	}
}

// mostOwed is how many records may be owed before somebody who owes one more waits for a round.
const mostOwed = 256

// write has what is owed written in the background, and holds the turn of the operation until then.
func (l *Ledger) write(ctx context.Context) {
	if !l.writable(ctx) {
		return
	}
	setting, release := l.current(), func() {}
	if setting.Hold != nil {
		release = setting.Hold(ctx)
	}
	l.mu.Lock()
	if l.next == nil {
		l.next = newRound()
		if l.writing == nil {
			go l.rounds(l.next)
		}
	}
	r := l.next
	r.held, r.away = append(r.held, release), func() bool { return l.away(ctx) }
	l.mu.Unlock()
	if l.Owed() > mostOwed {
		r.wait()
	}
}

// rounds makes a round, and goes on until nobody asks for another one.
func (l *Ledger) rounds(r *round) {
	for r != nil {
		r.gather()
		l.mu.Lock()
		l.writing, l.next = r, nil
		away := r.away
		l.mu.Unlock()
		switch {
		case l.troubled():
		case away():
			l.later() // when it is this gateway's turn again
		default:
			l.writeOwed()
		}
		l.mu.Lock()
		l.writing = nil
		held, next := r.held, l.next
		l.mu.Unlock()
		close(r.over)
		for _, release := range held {
			release()
		}
		r = next
	}
}

func (l *Ledger) writeOwed() {
	ctx, cancel := context.WithTimeout(context.Background(), l.current().Patience)
	defer cancel()
	if err := l.Flush(ctx); err != nil {
		l.failed(err)
	}
}

// Rest waits until what is owed now is written, or the storage does not take it.
func (l *Ledger) Rest() {
	l.mu.Lock()
	last := cmp.Or(l.next, l.writing)
	l.mu.Unlock()
	if last != nil {
		last.wait()
	}
}
