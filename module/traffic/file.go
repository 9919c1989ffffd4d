package traffic

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/caddy-scim/gateway/module/keyfile"
	"github.com/caddy-scim/gateway/module/queue"
	"github.com/caddy-scim/gateway/transforms/scrub"
)

const (
	pause      = time.Second      // until an exchange is written: what a crash costs
	retryAfter = 30 * time.Second // until a file that failed is tried again
)

// dropped counts over reloads.
var dropped = sync.OnceValue(func() prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{
		Namespace: "caddy", Subsystem: "scim_gateway", Name: "record_dropped_total",
		Help: "Exchanges that could not be recorded: too many at once, a file that is full, or one that cannot be written.",
	})
})

// Collectors returns the metrics of records.
func Collectors() []prometheus.Collector { return []prometheus.Collector{dropped()} }

// file is one record and the goroutine that writes it.
type file struct {
	path    string
	in      *queue.Queue[waiting]
	limit   atomic.Int64
	log     atomic.Pointer[zap.Logger]
	written atomic.Int64
	dropped atomic.Int64
	trouble atomic.Pointer[string]

	// of the writer
	out      *os.File
	size     int64
	scrubber *scrub.Scrubber
	begins   *Beginning // the last that was written
	missing  int64      // dropped since the last line
	seen     int64      // of the drops
	tryAt    time.Time
}

type waiting struct {
	passed *Passed
	begins *Beginning
}

func newFile(path string) *file {
	f := &file{path: path}
	f.in = queue.New(pause, func(w waiting) int64 { return w.passed.size() }, f.work, f.close)
	return f
}

// Destruct ends the writer once everything is written.
func (f *file) Destruct() error {
	f.in.Close()
	return nil
}

// add takes an exchange, or drops it where too much waits already: a request never waits for the record.
func (f *file) add(w waiting) {
	if !f.in.Add(w) {
		f.drop()
	}
}

func (f *file) drop() {
	f.dropped.Add(1)
	dropped().Inc()
}

func (f *file) work(all []waiting) {
	for _, w := range all {
		now := f.dropped.Load()
		f.missing, f.seen = f.missing+now-f.seen, now
		if err := f.write(w); err != nil {
			f.drop()
			f.fail(err)
		} else if f.trouble.Swap(nil) != nil {
			f.log.Load().Info("traffic is recorded again", zap.String("file", f.path))
		}
	}
}

var (
	errWaits = errors.New("the file is not tried again yet")
	errFull  = errors.New("the file has reached max_size")
)

// write appends one exchange, and what has to be said before it. Half a line is never followed by another.
func (f *file) write(w waiting) error {
	if err := f.open(); err != nil {
		return err
	}
	var text []byte
	note := func(x Exchange) {
		line, _ := json.Marshal(&x) // it cannot fail
		text = append(append(text, line...), '\n')
	}
	if f.begins == nil || *f.begins != *w.begins {
		note(Exchange{Begins: w.begins})
	}
	if f.missing > 0 {
		note(Exchange{Dropped: f.missing})
	}
	line, err := w.passed.line(f.scrubber)
	if err != nil {
		return err
	}
	text = append(append(text, line...), '\n')
	if f.size+int64(len(text)) > f.limit.Load() {
		return errFull
	}
	n, err := f.out.Write(text)
	f.size += int64(n)
	if err != nil {
		if n > 0 && f.out.Truncate(f.size-int64(n)) == nil {
			f.size -= int64(n)
		}
		f.close()
		f.tryAt = time.Now().Add(retryAfter)
		return err
	}
	f.begins, f.missing = w.begins, 0
	f.written.Add(1)
	return nil
}

// open makes the file and the key ready.
func (f *file) open() (err error) {
	if f.out != nil {
		return nil
	}
	if time.Now().Before(f.tryAt) {
		return errWaits
	}
	defer func() {
		if err != nil {
			f.close()
			f.tryAt = time.Now().Add(retryAfter)
		}
	}()
	if err := os.MkdirAll(filepath.Dir(f.path), 0o700); err != nil {
		return err
	}
	if f.out, err = os.OpenFile(f.path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600); err != nil {
		return err
	}
	info, err := f.out.Stat()
	if err != nil {
		return err
	}
	f.size = info.Size()
	if !info.Mode().IsRegular() {
		return errors.New("it is no regular file")
	}
	if err := f.out.Chmod(0o600); err != nil {
		return err
	}
	if f.size > 0 { // a line that broke off stays a line of its own
		last := make([]byte, 1)
		if _, err := f.out.ReadAt(last, f.size-1); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if last[0] != '\n' {
			if _, err := f.out.Write([]byte{'\n'}); err != nil {
				return err
			}
			f.size++
		}
	}
	if f.scrubber == nil {
		key, err := keyfile.Load(f.path + ".key")
		if err != nil {
			return err
		}
		f.scrubber = scrub.New(key)
	}
	return nil
}

func (f *file) close() {
	if f.out != nil {
		_ = f.out.Close()
		f.out, f.begins = nil, nil
	}
}

// fail says once what is wrong.
func (f *file) fail(err error) {
	if errors.Is(err, errWaits) {
		return
	}
	if f.trouble.Swap(new(err.Error())) == nil {
		f.log.Load().Error("traffic is not recorded; requests are carried out all the same", zap.String("file", f.path), zap.Error(err))
	}
}

// State is how a record fares.
type State struct {
	File     string   `json:"file"`
	Bytes    int64    `json:"bytes"`
	Recorded int64    `json:"recorded"` // since the process began
	Dropped  int64    `json:"dropped,omitempty"`
	Problems []string `json:"problems,omitempty"`
}

func (f *file) state() State {
	s := State{File: f.path, Recorded: f.written.Load(), Dropped: f.dropped.Load()}
	if info, err := os.Stat(f.path); err == nil {
		s.Bytes = info.Size()
	}
	if p := f.trouble.Load(); p != nil {
		s.Problems = append(s.Problems, "traffic is not recorded: "+*p)
	}
	return s
}
