package ledger

import (
	"context"
	"maps"
	"slices"
	"strings"
)

// All returns all records of a book, ordered by their ids: one read of the storage each. It is for a person who asks.
func (b *Book) All(ctx context.Context) ([]*Record, error) {
	if b == nil {
		return nil, nil
	}
	stored, err := b.listedIn(ctx, "records")
	if err != nil {
		return nil, err
	}
	all := make(map[string]*Record, len(stored))
	for _, r := range stored {
		all[r.ID] = r
	}
	b.mu.Lock()
	for id, s := range b.slots { // memory knows what the storage lacks
		switch {
		case s.now != nil:
			all[id] = s.now.Clone()
		case s.read:
			delete(all, id)
		}
	}
	b.mu.Unlock()
	return slices.SortedFunc(maps.Values(all), func(x, y *Record) int { return strings.Compare(x.ID, y.ID) }), nil
}
