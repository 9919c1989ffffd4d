package lease

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"time"
)

// sighting is the record as it was last seen.
type sighting struct {
	known  bool
	value  string
	record *Record       // nil where there is none, or a damaged one
	absent bool          // there is none
	back   bool          // its number is lower than one that was seen before
	first  time.Duration // end of the first reading that showed it, by the monotonic clock
	latest time.Duration // beginning of the last reading that showed it
	marked *mark         // of this very owner
}

// ttl returns how long the record has to stay unchanged.
func (s *sighting) ttl(own time.Duration) time.Duration {
	if s.record == nil {
		return own
	}
	return s.record.TTL
}

// ended reports whether it did. What could not be read was not unchanged.
func (s *sighting) ended(own time.Duration) bool { return s.known && s.latest-s.first >= s.ttl(own) }

// returned reports whether its owner has given it back.
func (s *sighting) returned() bool { return s.marked != nil && !s.back }

// look reads the record. A failed reading changes nothing of what is known.
func (l *Lease) look(ctx context.Context) (sighting, error) {
	begun := l.clock.Now()
	text, err := l.read(ctx, l.config.Key)
	absent := errors.Is(err, fs.ErrNotExist)
	if err != nil && !absent {
		return sighting{}, err
	}
	done := l.clock.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	s := &l.seen
	if s.known && s.absent == absent && s.value == string(text) {
		s.latest = begun.Monotonic
		return *s, nil
	}
	*s = sighting{known: true, value: string(text), absent: absent, first: done.Monotonic, latest: begun.Monotonic}
	if absent {
		return *s, nil
	}
	if s.record, err = parse(text); err != nil {
		l.report("the lease is damaged: it is left alone until its time to live has passed")
		return *s, nil
	}
	if s.back = s.record.Number < l.highest; s.back {
		l.report("the lease went back from %d to %d: the storage was set back, or a gateway was held up while it wrote",
			l.highest, s.record.Number)
	}
	l.highest = max(l.highest, s.record.Number)
	return *s, nil
}

// lookAtMark reads whether the owner of the record has given it back.
func (l *Lease) lookAtMark(ctx context.Context, s *sighting) error {
	if s.record == nil || s.marked != nil {
		return nil
	}
	text, err := l.read(ctx, l.markKey())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	m := new(mark)
	if json.Unmarshal(text, m) != nil || m.Owner != s.record.Owner {
		return nil
	}
	s.marked = m
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen.value == s.value {
		l.seen.marked = m
	}
	return nil
}

func (l *Lease) read(ctx context.Context, key string) ([]byte, error) {
	ctx, cancel := l.clock.Within(ctx, l.limit())
	defer cancel()
	return l.storage.Load(ctx, key)
}

// write stores a value. How long that takes decides how long others wait before they read back.
func (l *Lease) write(ctx context.Context, key string, value any, limit time.Duration) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	begun := l.clock.Now()
	ctx, cancel := l.clock.Within(ctx, limit)
	defer cancel()
	err = l.storage.Store(ctx, key, text)
	took := l.clock.Now().since(begun)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.slowest = max(took, l.slowest-l.slowest/16)
	return err
}

// wait returns what those who claim a record of this process wait: longer than its writes take.
func (l *Lease) wait() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return min(max(4*l.slowest, 5*minWait), maxWait, l.config.TTL/6)
}
