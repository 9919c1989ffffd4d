package dryrun

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
)

// Storage is what a dry run reads, and never writes.
type Storage interface {
	Store(ctx context.Context, key string, value []byte) error
	Load(ctx context.Context, key string) ([]byte, error)
	Delete(ctx context.Context, key string) error
	List(ctx context.Context, path string, recursive bool) ([]string, error)
}

// Scratch is a storage whose writes stay in memory: what was never written is read from the storage of the configuration
// that runs now.
type Scratch struct {
	mu      sync.Mutex
	bases   []*Storage // of the configurations that use it, the newest one last
	written map[string][]byte
	deleted map[string]bool
}

// use makes a configuration's storage the one to read, until drop is called. Then that of the configuration that is left is
// read again.
func (s *Scratch) use(base Storage) (drop func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	mine := &base
	s.bases = append(s.bases, mine)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.bases = slices.DeleteFunc(s.bases, func(b *Storage) bool { return b == mine })
	}
}

func (s *Scratch) base() Storage {
	if len(s.bases) == 0 {
		return nil
	}
	return *s.bases[len(s.bases)-1]
}

// Store keeps a value in memory.
func (s *Scratch) Store(_ context.Context, key string, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.written == nil {
		s.written, s.deleted = map[string][]byte{}, map[string]bool{}
	}
	s.written[key] = slices.Clone(value)
	delete(s.deleted, key)
	return nil
}

// Delete makes a key be missing, here.
func (s *Scratch) Delete(_ context.Context, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deleted == nil {
		s.written, s.deleted = map[string][]byte{}, map[string]bool{}
	}
	delete(s.written, key)
	s.deleted[key] = true
	return nil
}

// Load returns what was written here, and else what the storage holds.
func (s *Scratch) Load(ctx context.Context, key string) ([]byte, error) {
	s.mu.Lock()
	value, written := s.written[key]
	deleted, base := s.deleted[key], s.base()
	s.mu.Unlock()
	switch {
	case written:
		return slices.Clone(value), nil
	case deleted, base == nil:
		return nil, fs.ErrNotExist
	}
	return base.Load(ctx, key)
}

// List returns the keys below a path, those of the storage and those written here.
func (s *Scratch) List(ctx context.Context, below string, recursive bool) ([]string, error) {
	s.mu.Lock()
	base := s.base()
	s.mu.Unlock()
	var keys []string
	if base != nil {
		var err error
		if keys, err = base.List(ctx, below, recursive); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	keys = slices.DeleteFunc(keys, func(key string) bool { return s.deleted[key] })
	for _, key := range slices.Sorted(maps.Keys(s.written)) {
		rest, ok := strings.CutPrefix(key, strings.TrimSuffix(below, "/")+"/")
		if !ok {
			continue
		}
		if first, _, deeper := strings.Cut(rest, "/"); deeper && !recursive {
			key = path.Join(below, first)
		}
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys, nil
}
