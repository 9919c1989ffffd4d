package guard

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-scim/gateway/module/cluster"
)

// How often what was counted is written, and how long a removal waits once, at the beginning, for what was counted before.
const (
	writeEvery = time.Second
	readWait   = 500 * time.Millisecond
)

// keeper keeps what a guard has counted in Caddy's storage, over restarts and over a change of the leader, as far as it can
// be: the guard goes on in memory without it, and no removal waits for a write.
type keeper struct {
	guard   *Guard
	storage cluster.Storage
	key     string
	log     atomic.Pointer[zap.Logger] // of the newest configuration

	mu      sync.Mutex
	planned *time.Timer   // the write to come; nil where there is nothing to write
	read    chan struct{} // closed when what was kept has been read, or cannot be; nil before anybody asked
	failed  bool          // the last write or read failed: said once
}

// kept is what stands in the storage.
type kept struct {
	Windows map[string]*window `json:"windows"`
}

// keepIn makes the storage keep what the guard counts.
func (g *Guard) keepIn(storage cluster.Storage, key string) *keeper {
	k := &keeper{guard: g, storage: storage, key: key}
	k.log.Store(zap.NewNop())
	g.changed = k.plan // the guard's lock is held when it is called
	return k
}

// ready waits, for a moment at most, until what was kept has been read.
func (k *keeper) ready() {
	k.mu.Lock()
	read := k.read
	if read == nil {
		read = make(chan struct{})
		k.read = read
		go func() {
			defer close(read)
			k.load()
		}()
	}
	k.mu.Unlock()
	select {
	case <-read:
	case <-time.After(readWait):
	}
}

// forget makes what was kept be read again: another gateway may have counted since.
func (k *keeper) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.read = nil
}

func (k *keeper) load() {
	ctx, cancel := context.WithTimeout(context.Background(), cluster.Timeout)
	defer cancel()
	text, err := k.storage.Load(ctx, k.key)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	var old kept
	if err == nil {
		err = json.Unmarshal(text, &old) // a damaged record is a lost record
	}
	if err != nil {
		k.say("what the guard has counted cannot be read; it counts anew", err)
		return
	}
	k.guard.merge(old)
}

// plan writes soon what has changed.
func (k *keeper) plan() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.planned == nil {
		k.planned = time.AfterFunc(writeEvery, k.handOver)
	}
}

// handOver writes what is still to be written.
func (k *keeper) handOver() {
	k.mu.Lock()
	planned := k.planned
	k.planned = nil
	k.mu.Unlock()
	if planned != nil {
		planned.Stop()
		_ = k.write()
	}
}

// write writes what the guard knows now.
func (k *keeper) write() error {
	text, err := json.Marshal(k.guard.snapshot())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), cluster.Timeout)
	defer cancel()
	if err := k.storage.Store(ctx, k.key, text); err != nil {
		k.say("what the guard has counted cannot be written; it goes on in memory", err)
		return err
	}
	k.mu.Lock()
	k.failed = false
	k.mu.Unlock()
	return nil
}

// say logs a failure once, until something works again.
func (k *keeper) say(message string, err error) {
	k.mu.Lock()
	said := k.failed
	k.failed = true
	k.mu.Unlock()
	if !said {
		k.log.Load().Error(message, zap.Error(err))
	}
}

// snapshot copies what is known.
func (g *Guard) snapshot() kept {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := kept{Windows: make(map[string]*window, kinds)}
	for i := range g.windows {
		w := g.windows[i].clone()
		all.Windows[Removal(i).String()] = &w
	}
	return all
}

// merge adds what was kept to what was counted since. Who was let through stays so, and what was tripped too.
func (g *Guard) merge(old kept) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for name, o := range old.Windows {
		k, ok := kindOf(name)
		if !ok || o == nil {
			continue
		}
		w := &g.windows[k]
		fill(&w.Counted, o.Counted)
		fill(&w.Held, o.Held)
		fill(&w.Free, o.Free)
		if w.Tripped.IsZero() {
			w.Tripped, w.Limit = o.Tripped, o.Limit
		}
		if o.Until.After(w.Until) {
			w.Until = o.Until
		}
		w.More, w.Once = max(w.More, o.More), max(w.Once, o.Once)
	}
}
