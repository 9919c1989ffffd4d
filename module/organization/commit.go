package organization

import (
	"errors"

	bolt "go.etcd.io/bbolt"
)

// maxBatch bounds how many changes share a transaction.
const maxBatch = 256

var (
	// errAlone rolls a shared transaction back: one of its changes failed half-way.
	errAlone = errors.New("a change failed")
	// errUnchanged rolls back a transaction in which nothing was written, which spares the disk.
	errUnchanged = errors.New("nothing changed")
)

// pendingWrite is a function that wants to write, and who waits for it.
type pendingWrite struct {
	run  func(*tx) error
	err  error
	done chan struct{}
}

// change runs a function that may write, and returns when what it wrote is on disk, or its error. The function may
// run more than once, so it must set its results anew each time; what a failed run wrote is undone.
func (s *store) change(run func(*tx) error) error {
	c := &pendingWrite{run: run, done: make(chan struct{})}
	select {
	case s.changes <- c:
		<-c.done
		return c.err
	case <-s.closing:
		return errClosed
	}
}

// commitLoop writes one transaction after the other. Whoever came while the last one went to disk shares the next
// one: under load the cost of fsync is divided, and a lone writer waits for nobody, which bbolt's own Batch cannot
// offer.
func (s *store) commitLoop() {
	defer close(s.stopped)
	for {
		select {
		case c := <-s.changes:
			batch := s.waiting([]*pendingWrite{c})
			s.commit(batch)
			for _, c := range batch {
				close(c.done)
			}
		case <-s.closing:
			return
		}
	}
}

func (s *store) waiting(batch []*pendingWrite) []*pendingWrite {
	for len(batch) < maxBatch {
		select {
		case c := <-s.changes:
			batch = append(batch, c)
		default:
			return batch
		}
	}
	return batch
}

// commit writes the changes of a batch in one transaction. When one of them fails after it wrote something, or the
// transaction itself fails, each runs again in a transaction of its own, so that nobody pays for somebody else.
func (s *store) commit(batch []*pendingWrite) {
	wrote := false
	err := safely(func() error {
		return s.db.Update(func(b *bolt.Tx) error {
			t := s.begin(b)
			for _, c := range batch {
				t.wrote = false
				c.err = safely(func() error { return c.run(t) })
				if c.err != nil && (t.wrote || errors.Is(c.err, errPanic)) {
					return errAlone
				}
				wrote = wrote || t.wrote
			}
			if !wrote {
				return errUnchanged
			}
			return nil
		})
	})
	switch {
	case err == nil, errors.Is(err, errUnchanged):
	case len(batch) > 1:
		for _, c := range batch {
			s.commit([]*pendingWrite{c})
		}
	case !errors.Is(err, errAlone):
		batch[0].err = err
	}
}
