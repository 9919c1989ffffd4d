package ledger

import (
	"cmp"
	"context"
)

// What an intent on disk tells of need not be on disk before the provider is answered: a crash leaves the intent, and
// whoever comes next asks the organization. It is written in rounds. Each takes whatever is owed when it begins, so that
// those who come while one is under way share the next one.

// A round is one time of writing what is owed. It waits for the storage no longer than a caller does.
type round struct {
	over chan struct{} // closed when it has been tried
	held []func()      // the turns of those who asked for it
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
		l.next = &round{over: make(chan struct{})}
	}
	over := l.next.over
	l.next.held = append(l.next.held, release)
	if l.writing == nil {
		l.writing, l.next = l.next, nil
		go l.rounds(l.writing)
	}
	l.mu.Unlock()
	if l.Owed() > mostOwed {
		<-over
	}
}

// rounds makes a round, and goes on until nobody asks for another one.
func (l *Ledger) rounds(r *round) {
	for ; r != nil; r = l.following() {
		if !l.troubled() {
			l.writeOwed()
		}
		close(r.over)
		for _, release := range r.held {
			release()
		}
	}
}

func (l *Ledger) following() *round {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writing, l.next = l.next, nil
	return l.writing
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
		<-last.over
	}
}
