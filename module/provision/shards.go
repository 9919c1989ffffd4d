package provision

import (
	"hash/maphash"
	"iter"
	"maps"
)

var shardSeed = maphash.MakeSeed()

// shards is a map of which a changed copy costs a small part of it: whoever reads the old one is not disturbed. The zero
// value is empty.
type shards[V any] [256]map[string]V

func (s *shards[V]) at(key string) *map[string]V {
	return &s[maphash.String(shardSeed, key)%uint64(len(s))]
}

func (s *shards[V]) get(key string) V { return (*s.at(key))[key] }

// set changes an entry. What is shared with another copy is copied first.
func (s *shards[V]) set(key string, v V, shared bool) {
	part := s.at(key)
	switch {
	case *part == nil:
		*part = make(map[string]V)
	case shared:
		*part = maps.Clone(*part)
	}
	(*part)[key] = v
}

func (s *shards[V]) drop(key string) {
	part := s.at(key)
	*part = maps.Clone(*part)
	delete(*part, key)
}

func (s *shards[V]) values() iter.Seq[V] {
	return func(yield func(V) bool) {
		for _, part := range s {
			for _, v := range part {
				if !yield(v) {
					return
				}
			}
		}
	}
}
