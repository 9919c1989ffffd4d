package lease

import (
	"context"
	"crypto/rand"
	"time"
)

// Standing is how things stand after [Lease.Seek].
type Standing struct {
	// Held tells that the lease is this process's, by this claim or before. [Lease.Alive] reports whether it may begin.
	Held bool

	// Leader is who leads, where it is somebody else; nil where nobody does, and where the record cannot be read.
	Leader *Record

	// Idle tells that the leader has let go of the lease because nobody asked for anything, and will take it when it is
	// asked. It should be; where it cannot be reached, the lease is free.
	Idle bool

	// Ends is how long the lease of a leader who is never heard of again still has to be watched.
	Ends time.Duration
}

// Look finds out who leads. An error means that nobody knows: the storage cannot be asked.
func (l *Lease) Look(ctx context.Context) (Standing, error) {
	defer l.alone()()
	st, _, err := l.stand(ctx)
	return st, err
}

// Seek finds out who leads, and claims the lease where nobody does. take claims a lease too whose last owner let go of it
// and is to be asked first.
func (l *Lease) Seek(ctx context.Context, take bool) (Standing, error) {
	defer l.alone()()
	begun := l.clock.Now()
	st, s, err := l.stand(ctx)
	if err != nil || st.Held || st.Leader != nil && (!st.Idle || !take) || st.Ends > 0 {
		return st, err
	}
	if err := l.claim(ctx, begun, s); err != nil {
		return Standing{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil { // another one was faster
		return Standing{Leader: l.seen.record, Ends: l.config.TTL}, nil
	}
	return Standing{Held: true}, nil
}

// stand reads how things stand.
func (l *Lease) stand(ctx context.Context) (Standing, *sighting, error) {
	l.lapse()
	if _, held := l.Held(); held {
		return Standing{Held: true}, nil, nil
	}
	s, err := l.look(ctx)
	if err != nil {
		return Standing{}, nil, err
	}
	if err := l.lookAtMark(ctx, &s); err != nil {
		return Standing{}, nil, err
	}
	switch {
	case s.returned() && s.marked.Idle && !l.was(s.record):
		return Standing{Leader: s.record, Idle: true}, &s, nil
	case s.returned(), s.absent, s.ended(l.config.TTL):
		return Standing{}, &s, nil
	}
	return Standing{Leader: s.record, Ends: max(1, s.first+s.ttl(l.config.TTL)-l.clock.Now().Monotonic)}, &s, nil
}

// was reports whether a record is the one that this process has given back.
func (l *Lease) was(r *Record) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return r != nil && r.Owner == l.last
}

// claim writes a record of this process's own in place of the one that was seen by a reading that began at begun. The
// lease is held afterwards where no error is returned and nobody else was faster.
func (l *Lease) claim(ctx context.Context, begun Instant, s *sighting) error {
	limit := firstWait
	if s.record != nil {
		limit = s.record.Wait
	}
	l.mu.Lock()
	number := l.highest + 1
	h := &holding{owner: rand.Text(), acked: number, number: number, counts: begun, renewed: begun, since: begun.Wall, open: s.returned()}
	l.mu.Unlock()
	left := limit - l.clock.Now().since(begun)
	if left <= 0 {
		return ErrSlow
	}
	if err := l.write(ctx, l.config.Key, l.record(h), left); err != nil {
		return err
	}
	if l.clock.Now().since(begun) >= limit {
		return ErrSlow
	}
	if err := l.clock.Sleep(ctx, limit); err != nil {
		return err
	}
	back, err := l.look(ctx)
	if err != nil {
		return err
	}
	if back.record == nil || back.record.Owner != h.owner {
		return nil
	}
	h.opens = l.clock.Now().Monotonic + max(l.bound(), s.ttl(l.config.TTL)*2/3)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = h
	l.term.Number++
	if s.record == nil || s.record.Owner != l.last || !s.returned() {
		l.term.Others++ // a record of one's own that was not given back may have come back after somebody else's
	}
	l.last = ""
	return nil
}

func (l *Lease) record(h *holding) Record {
	return Record{
		Owner: h.owner, Number: h.number, TTL: l.config.TTL, Wait: l.wait(),
		Address: l.config.Address, Secret: l.config.Secret, Since: h.since,
	}
}

// lapse ends leading where the last renewal that counts is too long ago.
func (l *Lease) lapse() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil || l.clock.Now().since(l.held.counts) < l.bound() {
		return false
	}
	l.held = nil
	return true
}

// Renew keeps the lease. Leading has ended when it returns [ErrNotHeld], [ErrLapsed] or [ErrTaken]; after another error
// it goes on until the last renewal that counts is too old, and another attempt can be made.
func (l *Lease) Renew(ctx context.Context) error {
	defer l.alone()()
	begun := l.clock.Now()
	l.mu.Lock()
	h := l.held
	if h != nil {
		h.renewed = begun
	}
	l.mu.Unlock()
	if h == nil {
		return ErrNotHeld
	}
	if l.lapse() {
		return ErrLapsed
	}
	s, err := l.look(ctx)
	if err != nil {
		return err
	}
	l.mu.Lock()
	if r := s.record; r == nil || r.Owner != h.owner || r.Number < h.acked || r.Number > h.number {
		l.held = nil
		l.mu.Unlock()
		return ErrTaken
	}
	l.mu.Unlock()
	if l.lapse() {
		return ErrLapsed
	}
	left := l.limit() - l.clock.Now().since(begun)
	if left <= 0 {
		return ErrSlow
	}
	l.mu.Lock()
	h.number++
	l.mu.Unlock()
	err = l.write(ctx, l.config.Key, l.record(h), left)
	took := l.clock.Now().since(begun)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		h.uncertain = true
		return err
	}
	h.acked, l.highest = h.number, max(l.highest, h.number)
	if took > l.limit() {
		return ErrSlow
	}
	h.counts = begun
	h.open = h.open || begun.Monotonic >= h.opens
	return nil
}

// Seen returns the record as it was last read, and how long ago that was, negative where it never was; nil where there was
// none, it could not be read, or its owner had given it back.
func (l *Lease) Seen() (r *Record, ago time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.seen.known {
		return nil, -1
	}
	ago = l.clock.Now().Monotonic - l.seen.latest
	if l.seen.returned() {
		return nil, ago
	}
	return l.seen.record, ago
}
