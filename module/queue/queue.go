// Package queue lets a request hand work over and go on: one goroutine does it, much of it at a time. What does not fit is
// refused, so that a slow disk costs records and neither time nor memory.
package queue

import (
	"sync"
	"time"
)

// Limits of what waits.
const (
	MaxWaiting = 4096     // pieces of work
	MaxBytes   = 16 << 20 // that they hold on to, those that are being done included
)

// patience is how long somebody waits for all of the work to be done.
const patience = 5 * time.Second

// Queue is work that waits for one goroutine.
type Queue[T any] struct {
	size  func(T) int64
	pause time.Duration

	mu      sync.Mutex
	waiting []T
	bytes   int64
	flushes []chan struct{} // closed when all that waits is done
	closed  bool

	woken chan struct{} // there is something to do
	hurry chan struct{} // and more is not waited for
	ended chan struct{}
}

// New returns a queue. Size tells about how much memory a piece of work holds on to. Work is called by one goroutine with
// all that has come since the first piece, which waits for others as long as the pause: a goroutine that runs now and then
// takes less from the requests than one that runs for each. End is called by the same goroutine, after Close.
func New[T any](pause time.Duration, size func(T) int64, work func([]T), end func()) *Queue[T] {
	q := &Queue[T]{
		size: size, pause: pause,
		woken: make(chan struct{}, 1), hurry: make(chan struct{}, 1), ended: make(chan struct{}),
	}
	go q.run(work, end)
	return q
}

// Add adds a piece of work, and never waits. It reports whether there was room.
func (q *Queue[T]) Add(v T) bool {
	n := q.size(v)
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || len(q.waiting) == MaxWaiting || q.bytes+n > MaxBytes {
		return false
	}
	q.waiting, q.bytes = append(q.waiting, v), q.bytes+n
	if len(q.waiting) == 1 {
		signal(q.woken)
	}
	if len(q.waiting) == MaxWaiting/4 || q.bytes > MaxBytes/4 {
		signal(q.hurry)
	}
	return true
}

// Flush waits until what was added is done, five seconds at most.
func (q *Queue[T]) Flush() {
	done := make(chan struct{})
	q.mu.Lock()
	q.flushes = append(q.flushes, done)
	signal(q.woken)
	signal(q.hurry)
	q.mu.Unlock()
	select {
	case <-done:
	case <-q.ended:
	case <-time.After(patience):
	}
}

// Close ends the goroutine once what was added is done, and waits for that five seconds at most.
func (q *Queue[T]) Close() {
	q.mu.Lock()
	q.closed = true
	signal(q.woken)
	signal(q.hurry)
	q.mu.Unlock()
	select {
	case <-q.ended:
	case <-time.After(patience):
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (q *Queue[T]) run(work func([]T), end func()) {
	defer close(q.ended)
	defer end()
	for {
		<-q.woken
		select {
		case <-q.hurry:
		case <-time.After(q.pause):
		}
		all, flushes, closed := q.take()
		if len(all) > 0 {
			work(all)
		}
		q.done(all, flushes)
		if closed {
			return
		}
	}
}

// take returns all that waits.
func (q *Queue[T]) take() (all []T, flushes []chan struct{}, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, c := range []chan struct{}{q.woken, q.hurry} { // it is taken now
		select {
		case <-c:
		default:
		}
	}
	all, flushes, closed = q.waiting, q.flushes, q.closed
	q.waiting, q.flushes = nil, nil
	return all, flushes, closed
}

// done makes room for other work, and tells who waits for this.
func (q *Queue[T]) done(all []T, flushes []chan struct{}) {
	n := int64(0)
	for _, v := range all {
		n += q.size(v)
	}
	q.mu.Lock()
	q.bytes -= n
	q.mu.Unlock()
	for _, done := range flushes {
		close(done)
	}
}
