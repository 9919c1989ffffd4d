// Package storagetest is a storage of Caddy's for tests: it lives in memory, counts what is asked of it, and fails or does
// not answer when told to.
package storagetest

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/caddyserver/certmagic"
)

// Storage is the storage. It has no locks: nothing may need them.
type Storage struct {
	mu    sync.Mutex
	texts map[string][]byte
	calls []string
	fault func(op, key string) error
}

// New returns an empty storage.
func New() *Storage { return &Storage{texts: make(map[string][]byte)} }

// Err is what a storage answers that fails.
var Err = errors.New("the storage is broken")

// Fail makes calls fail whose operation is one of some ("load", "store", "delete", "list"); with none, all of them.
func (s *Storage) Fail(ops ...string) {
	s.Fault(func(op, _ string) error {
		if len(ops) == 0 || slices.Contains(ops, op) {
			return Err
		}
		return nil
	})
}

// Hang makes calls wait until the returned function is called, whatever becomes of their context; then they succeed.
func (s *Storage) Hang() (release func()) {
	gate := make(chan struct{})
	s.Fault(func(string, string) error { <-gate; return nil })
	return func() { s.Heal(); close(gate) }
}

// Fault makes f decide about every call.
func (s *Storage) Fault(f func(op, key string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// Heal makes everything work again.
func (s *Storage) Heal() { s.Fault(nil) }

// Took returns the calls since the last time, "load key".
func (s *Storage) Took() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := s.calls
	s.calls = nil
	return calls
}

// Copy returns a storage with the same content and no faults: what is there after a crash.
func (s *Storage) Copy() *Storage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &Storage{texts: maps.Clone(s.texts)}
}

// Keys returns the keys that contain a text, in order.
func (s *Storage) Keys(part string) (keys []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range s.texts {
		if strings.Contains(key, part) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// Damage cuts the texts of the keys that contain a text in half.
func (s *Storage) Damage(part string) {
	for _, key := range s.Keys(part) {
		s.mu.Lock()
		s.texts[key] = s.texts[key][:len(s.texts[key])/2]
		s.mu.Unlock()
	}
}

func (s *Storage) call(op, key string) error {
	s.mu.Lock()
	s.calls = append(s.calls, op+" "+key)
	fault := s.fault
	s.mu.Unlock()
	if fault == nil {
		return nil
	}
	return fault(op, key)
}

// Load implements [certmagic.Storage].
func (s *Storage) Load(_ context.Context, key string) ([]byte, error) {
	if err := s.call("load", key); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	text, ok := s.texts[key]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return slices.Clone(text), nil
}

// Store implements [certmagic.Storage].
func (s *Storage) Store(_ context.Context, key string, value []byte) error {
	if err := s.call("store", key); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.texts[key] = slices.Clone(value)
	return nil
}

// Delete implements [certmagic.Storage].
func (s *Storage) Delete(_ context.Context, key string) error {
	if err := s.call("delete", key); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.texts[key]; !ok {
		return fs.ErrNotExist
	}
	delete(s.texts, key)
	return nil
}

// List implements [certmagic.Storage].
func (s *Storage) List(_ context.Context, path string, _ bool) ([]string, error) {
	if err := s.call("list", path); err != nil {
		return nil, err
	}
	keys := s.Keys(path + "/")
	if len(keys) == 0 {
		return nil, fs.ErrNotExist
	}
	return keys, nil
}

// Exists implements [certmagic.Storage].
func (s *Storage) Exists(_ context.Context, key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.texts[key]
	return ok
}

// Stat implements [certmagic.Storage].
func (s *Storage) Stat(_ context.Context, key string) (certmagic.KeyInfo, error) {
	return certmagic.KeyInfo{Key: key, IsTerminal: true}, s.call("stat", key)
}

// Lock implements [certmagic.Locker]; it does not exclude anybody.
func (s *Storage) Lock(_ context.Context, key string) error { return s.call("lock", key) }

// Unlock implements [certmagic.Locker].
func (s *Storage) Unlock(_ context.Context, key string) error { return s.call("unlock", key) }
