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

	"github.com/caddy-scim/gateway/module/cluster"
)

// Scratch is a storage whose writes stay in memory: what was never written is read from the storage of the configuration
// that runs now.
type Scratch struct {
	mu      sync.Mutex
	bases   []*cluster.Storage // of the configurations that use it, the newest one last
	changed map[string][]byte  // what was written here; nil where it was deleted
}

// use makes a configuration's storage the one to read, until drop is called. Then that of the configuration that is left is
// read again.
func (s *Scratch) use(base cluster.Storage) (drop func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	mine := &base
	s.bases = append(s.bases, mine)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.bases = slices.DeleteFunc(s.bases, func(b *cluster.Storage) bool { return b == mine })
	}
}

func (s *Scratch) base() cluster.Storage {
	if len(s.bases) == 0 {
		return nil
	}
	return *s.bases[len(s.bases)-1]
}

// Store keeps a value in memory.
func (s *Scratch) Store(_ context.Context, key string, value []byte) error {
	s.change(key, append([]byte{}, value...))
	return nil
}

// Delete makes a key be missing, here.
func (s *Scratch) Delete(_ context.Context, key string) error {
	s.change(key, nil)
	return nil
}

func (s *Scratch) change(key string, value []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changed == nil {
		s.changed = map[string][]byte{}
	}
	s.changed[key] = value
}

// Load returns what was written here, and else what the storage holds.
func (s *Scratch) Load(ctx context.Context, key string) ([]byte, error) {
	s.mu.Lock()
	value, changed := s.changed[key]
	base := s.base()
	s.mu.Unlock()
	switch {
	case value != nil:
		return slices.Clone(value), nil
	case changed, base == nil:
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
	keys = slices.DeleteFunc(keys, func(key string) bool {
		value, changed := s.changed[key]
		return changed && value == nil
	})
	for _, key := range slices.Sorted(maps.Keys(s.changed)) {
		rest, ok := strings.CutPrefix(key, strings.TrimSuffix(below, "/")+"/")
		if !ok || s.changed[key] == nil {
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
