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
	"github.com/caddy-scim/gateway/module/queue"
)

const (
	pause      = time.Second      // until an entry is written: what a crash costs
	maxBatch   = 512              // records of one commit
	maxCommit  = 1 << 20          // bytes of one
	retryAfter = 30 * time.Second // until a file that failed is tried again
)

// logs are the open files of the process, over reloads.
var logs = caddy.NewUsagePool()

// Log is one file and the goroutine that writes it.
type Log struct {
	file    string
	entries *queue.Queue[queued]
	dropped atomic.Int64
	written atomic.Int64
	limits  atomic.Pointer[limits]
	trouble atomic.Pointer[string]

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
}

func open(file string, l limits) *Log {
	log := &Log{file: file, listeners: map[chan *Record]string{}}
	log.limits.Store(&l)
	log.entries = queue.New(pause, func(q queued) int64 { return q.entry.size() }, log.work, log.end)
	return log
}

// Destruct ends the writer once everything is written.
func (l *Log) Destruct() error {
	l.entries.Close()
	return nil
}

// add takes an entry, or drops it where too much waits already: a request never waits for the log.
func (l *Log) add(q queued) {
	if !l.entries.Add(q) {
		l.drop(1)
	}
}

func (l *Log) drop(n int) {
	l.dropped.Add(int64(n))
	dropped.Add(float64(n))
}

// work puts entries into words and writes them, in batches: each is one commit.
func (l *Log) work(all []queued) {
	ctx := context.Background()
	var batch []*rendered
	var sinks []*Sink
	size := int64(0)
	for i, q := range all {
		r := q.sink.render(q.entry)
		batch, sinks, size = append(batch, r), append(sinks, q.sink), size+r.size()
		if len(batch) == maxBatch || size > maxCommit || i == len(all)-1 {
			l.flush(ctx, batch, sinks)
			batch, sinks, size = nil, nil, 0
		}
	}
}

func (l *Log) end() {
	if l.store != nil {
		_ = l.store.close()
	}
}

// flush writes a batch, tells the other readers of the log, and keeps the limits.
func (l *Log) flush(ctx context.Context, batch []*rendered, sinks []*Sink) {
	if l.file != "" {
		if err := l.write(ctx, batch); err != nil {
			l.drop(len(batch))
			l.fail(err, sinks[len(sinks)-1])
			for _, r := range batch {
				r.ID = 0 // another record will have it
			}
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
		s, err := openStore(ctx, l.file, l.limits.Load().bytes)
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
	ch := make(chan *Record, maxBatch)
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
