package provlog

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/caddy-scim/gateway/module/keyfile"
)

const (
	maxWaiting    = 4096     // entries that wait to be written
	maxMemory     = 16 << 20 // bytes that they may hold on to
	maxBatch      = 256      // entries of one commit
	maxBatchBytes = 512 << 10
	retryAfter    = 30 * time.Second // until a file that failed is tried again
)

// logs are the open files of the process, over reloads.
var logs = caddy.NewUsagePool()

// Log is one file and the goroutine that writes it.
type Log struct {
	file    string
	entries chan queued
	memory  atomic.Int64
	dropped atomic.Int64
	written atomic.Int64
	limits  atomic.Pointer[limits]
	trouble atomic.Pointer[string]
	ended   chan struct{}

	store   *store
	tryAt   time.Time
	since   time.Time // the last look at the limits
	pending int64     // bytes written since then

	mu        sync.Mutex
	listeners map[chan *Record]string // organization
}

type limits struct {
	bytes int64
	age   time.Duration
}

type queued struct {
	entry *Entry
	sink  *Sink
	done  chan struct{} // closed instead of writing: everything before has been written
}

func open(file string, l limits) *Log {
	log := &Log{file: file, entries: make(chan queued, maxWaiting), ended: make(chan struct{}), listeners: map[chan *Record]string{}}
	log.limits.Store(&l)
	go log.run()
	return log
}

// Destruct ends the writer once everything is written.
func (l *Log) Destruct() error {
	close(l.entries)
	select {
	case <-l.ended:
	case <-time.After(5 * time.Second):
	}
	return nil
}

// add takes an entry, or drops it where too much waits already: a request never waits for the log.
func (l *Log) add(w queued) {
	size := w.entry.size()
	if l.memory.Add(size) <= maxMemory {
		select {
		case l.entries <- w:
			return
		default:
		}
	}
	l.memory.Add(-size)
	l.drop(1)
}

func (l *Log) drop(n int) {
	l.dropped.Add(int64(n))
	metrics().dropped.Add(float64(n))
}

func (l *Log) run() {
	defer close(l.ended)
	ctx := context.Background()
	for first := range l.entries {
		var batch []*rendered
		var sinks []*Sink
		take := func(w queued) {
			if w.done != nil {
				l.flush(ctx, batch, sinks)
				batch, sinks = nil, nil
				close(w.done)
				return
			}
			batch, sinks = append(batch, w.sink.render(w.entry)), append(sinks, w.sink)
			l.memory.Add(-w.entry.size())
		}
		take(first)
		l.gather(take)
		l.flush(ctx, batch, sinks)
	}
	if l.store != nil {
		_ = l.store.close()
	}
}

// gather takes what waits already, and what comes in a moment: a batch is one commit.
func (l *Log) gather(take func(queued)) {
	timer := time.NewTimer(100 * time.Millisecond)
	defer timer.Stop()
	size := int64(0)
	for n := 1; n < maxBatch && size < maxBatchBytes; n++ {
		select {
		case w, ok := <-l.entries:
			if !ok {
				return
			}
			if w.entry != nil {
				size += w.entry.size()
			}
			take(w)
		case <-timer.C:
			return
		}
	}
}

// flush writes a batch, tells the other readers of the log, and keeps the limits.
func (l *Log) flush(ctx context.Context, batch []*rendered, sinks []*Sink) {
	if len(batch) == 0 {
		return
	}
	if l.file != "" {
		if err := l.write(ctx, batch); err != nil {
			l.drop(len(batch))
			l.fail(err, sinks[len(sinks)-1])
		} else {
			l.written.Add(int64(len(batch)))
			l.heal(sinks[len(sinks)-1])
		}
	}
	for i, r := range batch {
		sinks[i].tell(r)
		l.publish(&r.Record)
	}
}

func (l *Log) write(ctx context.Context, batch []*rendered) error {
	if l.store == nil {
		if time.Now().Before(l.tryAt) {
			return errWaits
		}
		s, err := openStore(ctx, l.file)
		if err != nil {
			l.tryAt = time.Now().Add(retryAfter)
			return err
		}
		l.store = s
		if err := l.trim(ctx, true); err != nil {
			return err
		}
	}
	n, err := l.store.write(ctx, batch)
	if err != nil {
		return err
	}
	l.pending += n
	return l.trim(ctx, false)
}

var errWaits = errors.New("the file is not tried again yet")

// trim looks at the limits from time to time.
func (l *Log) trim(ctx context.Context, opened bool) error {
	limit := *l.limits.Load()
	room := min(limit.bytes/2, 10<<20) // for what is written before the next look, and for the write-ahead log
	if !opened && l.pending < room/8 && time.Since(l.since) < time.Minute {
		return nil
	}
	l.pending, l.since = 0, time.Now()
	for range 20 {
		n, err := l.store.trim(ctx, time.Now().Add(-limit.age), limit.bytes-room)
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
	}
	if opened {
		return l.store.shrink(ctx, limit.bytes)
	}
	return nil
}

// fail says once what is wrong with the file, closes it, and lets it be tried again later.
func (l *Log) fail(err error, s *Sink) {
	if errors.Is(err, errWaits) {
		return
	}
	if l.store != nil {
		_ = l.store.close()
		l.store, l.tryAt = nil, time.Now().Add(retryAfter)
	}
	if was := l.trouble.Swap(new(err.Error())); was == nil {
		s.log(zapcore.ErrorLevel, "the provisioning log cannot be written; requests are carried out all the same, and records are dropped until it can",
			zap.String("file", l.file), zap.Error(err))
	}
}

func (l *Log) heal(s *Sink) {
	if l.trouble.Swap(nil) != nil {
		s.log(zapcore.InfoLevel, "the provisioning log is written again", zap.String("file", l.file), zap.Int64("dropped", l.dropped.Load()))
	}
}

// publish tells everybody who follows. Who does not keep up misses records, and reads them in the file.
func (l *Log) publish(r *Record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for ch, organization := range l.listeners {
		if organization == r.Organization {
			select {
			case ch <- r:
			default:
			}
		}
	}
}

// Follow returns the records of an organization as they are written, until stop is called.
func (l *Log) Follow(organization string) (records <-chan *Record, stop func()) {
	ch := make(chan *Record, 64)
	l.mu.Lock()
	l.listeners[ch] = organization
	l.mu.Unlock()
	return ch, func() {
		l.mu.Lock()
		delete(l.listeners, ch)
		l.mu.Unlock()
	}
}

// File returns the path of the file; empty where there is none.
func (l *Log) File() string { return l.file }

// State is how the log fares.
type State struct {
	File     string   `json:"file,omitempty"`
	Bytes    int64    `json:"bytes,omitempty"`
	Written  int64    `json:"written"` // since the process began
	Dropped  int64    `json:"dropped"`
	Problems []string `json:"problems,omitempty"`
}

// State returns how the log fares.
func (l *Log) State() State {
	s := State{File: l.file, Written: l.written.Load(), Dropped: l.dropped.Load()}
	if info, err := os.Stat(l.file); err == nil {
		s.Bytes = info.Size()
	}
	if p := l.trouble.Load(); p != nil {
		s.Problems = append(s.Problems, "the provisioning log cannot be written: "+*p)
	}
	return s
}

// maskKey returns the installation's own key for marks, kept beside the file. Where it cannot be kept, marks are the same
// until the process ends only.
func maskKey(file string) ([]byte, error) {
	if file == "" {
		return keyfile.New(), nil
	}
	return keyfile.Load(file + ".key")
}
