package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Storage is what is used of Caddy's storage. Its locks are no part of it: there are storages whose locks do not exclude,
// and some that keep what its holder has let go of.
type Storage interface {
	Store(ctx context.Context, key string, value []byte) error
	Load(ctx context.Context, key string) ([]byte, error)
	Delete(ctx context.Context, key string) error
	List(ctx context.Context, path string, recursive bool) ([]string, error)
}

// Timeout is how long one call of the storage may take: storages on files, and others too, look at no context.
const Timeout = 5 * time.Second

// What is wrong with a storage besides what it says itself.
var (
	ErrNotStarted = errors.New("the configuration has not been started: nothing is written")
	ErrGone       = errors.New("no configuration is running any more")
	ErrTooSlow    = errors.New("the storage did not answer in time")
)

// storage is the storage of whichever configuration is the one to use now, with a deadline for every call. No write of
// a key starts while an earlier one has not returned, whether or not somebody still waits for it: the two could be done
// in any order.
type storage struct {
	of func() (st Storage, writable bool)

	mu      sync.Mutex
	writing map[string]chan struct{}
}

// Load implements [Storage].
func (s *storage) Load(ctx context.Context, key string) (value []byte, err error) {
	return read(ctx, s, func(ctx context.Context, st Storage) ([]byte, error) { return st.Load(ctx, key) })
}

// List implements [Storage].
func (s *storage) List(ctx context.Context, path string, recursive bool) ([]string, error) {
	return read(ctx, s, func(ctx context.Context, st Storage) ([]string, error) { return st.List(ctx, path, recursive) })
}

// Store implements [Storage].
func (s *storage) Store(ctx context.Context, key string, value []byte) error {
	return s.write(ctx, key, func(ctx context.Context, st Storage) error { return st.Store(ctx, key, value) })
}

// Delete implements [Storage].
func (s *storage) Delete(ctx context.Context, key string) error {
	return s.write(ctx, key, func(ctx context.Context, st Storage) error { return st.Delete(ctx, key) })
}

func read[T any](ctx context.Context, s *storage, do func(context.Context, Storage) (T, error)) (T, error) {
	return within(ctx, func(ctx context.Context) (v T, err error) {
		st, _ := s.of()
		if st == nil {
			return v, ErrGone
		}
		return do(ctx, st)
	})
}

func (s *storage) write(ctx context.Context, key string, do func(context.Context, Storage) error) error {
	_, err := within(ctx, func(ctx context.Context) (none struct{}, err error) {
		done, err := s.turn(ctx, key)
		if err != nil {
			return none, err
		}
		defer done()
		switch st, writable := s.of(); {
		case st == nil:
			return none, ErrGone
		case !writable:
			return none, ErrNotStarted
		default:
			return none, do(ctx, st)
		}
	})
	return err
}

// turn waits until no write of the key is under way.
func (s *storage) turn(ctx context.Context, key string) (done func(), err error) {
	for {
		s.mu.Lock()
		earlier := s.writing[key]
		if earlier == nil {
			break
		}
		s.mu.Unlock()
		select {
		case <-earlier:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	defer s.mu.Unlock()
	if s.writing == nil {
		s.writing = map[string]chan struct{}{}
	}
	mine := make(chan struct{})
	s.writing[key] = mine
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.writing, key)
		close(mine)
	}, nil
}

// within does something that may look at no context, and waits no longer than [Timeout]. It is done in a goroutine of its own,
// where a panic would end the process.
func within[T any](ctx context.Context, do func(context.Context) (T, error)) (T, error) {
	type outcome struct {
		v   T
		err error
	}
	ctx, cancel := context.WithTimeoutCause(ctx, Timeout, ErrTooSlow)
	answered := make(chan outcome, 1)
	go func() {
		defer cancel()
		var o outcome
		defer func() {
			if v := recover(); v != nil {
				o.err = fmt.Errorf("the storage panics: %v", v)
			}
			answered <- o
		}()
		o.v, o.err = do(ctx)
	}()
	select {
	case o := <-answered:
		return o.v, o.err
	case <-ctx.Done():
		select {
		case o := <-answered:
			return o.v, o.err
		default:
		}
		var none T
		return none, context.Cause(ctx)
	}
}
