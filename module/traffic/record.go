package traffic

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/scrub"
)

// Config says where a gateway's traffic is recorded.
type Config struct {
	// The file. Lines are appended; beside it, in a file with .key at the end, is the key of the pseudonyms, which is nobody
	// else's.
	File string `json:"file,omitempty"`

	// How large the file may become, in bytes; recording ends there. The default is 67108864 (64 MiB).
	MaxSize int64 `json:"max_size,omitempty"`
}

// DefaultMaxSize is the size of the file where the configuration names none.
const DefaultMaxSize = 64 << 20

// Check reports what is wrong with the configuration.
func (c *Config) Check() error {
	switch {
	case c.File == "":
		return errors.New("a record needs a file")
	case c.MaxSize < 0:
		return errors.New("max_size cannot be negative")
	}
	return nil
}

// Passed is an exchange as the gateway hands it over: references to what it has anyway, which nobody changes afterwards.
type Passed struct {
	Time             time.Time
	Method           string
	Path, Query      string // below the SCIM root; percent-encoded
	Type, Accept     string // headers of the request
	Body             []byte
	Unreadable       bool
	Status           int
	Located, Foreign bool
	Answer           []byte
	Discovery        bool // the answer is a document about the gateway, and is not kept
}

func (p *Passed) size() int64 { return int64(512 + len(p.Body) + len(p.Answer) + len(p.Query)) }

// Recorder is where one gateway's exchanges go. A nil Recorder takes nothing.
type Recorder struct {
	file   *file
	pooled string
	begins Beginning
}

// files are the open files of the process, over reloads.
var files = caddy.NewUsagePool()

// Open returns the recorder of a gateway. Nothing is written before the first exchange; whatever is wrong with the file is
// found then, is said once, and stops nothing.
func Open(c Config, b Beginning, log *zap.Logger) (*Recorder, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	path, err := filepath.Abs(c.File)
	if err != nil {
		return nil, err
	}
	limit := c.MaxSize
	if limit == 0 {
		limit = DefaultMaxSize
	}
	v, _, err := files.LoadOrNew(path, func() (caddy.Destructor, error) { return newFile(path), nil })
	if err != nil {
		return nil, err
	}
	f := v.(*file) //nolint:forcetypeassert // the pool holds nothing else
	f.limit.Store(limit)
	f.log.Store(log)
	b.Format = format
	return &Recorder{file: f, pooled: path, begins: b}, nil
}

// Add hands an exchange over. It never waits.
func (r *Recorder) Add(p *Passed) {
	if r != nil {
		r.file.add(waiting{passed: p, begins: &r.begins})
	}
}

// Close waits a moment until what was added is written, and gives the file back.
func (r *Recorder) Close() error {
	if r == nil {
		return nil
	}
	r.file.in.Flush()
	_, err := files.Delete(r.pooled)
	return err
}

// State returns how the record fares, for "caddy scim status".
func (r *Recorder) State() State { return r.file.state() }

// line returns an exchange as it is kept.
func (p *Passed) line(s *scrub.Scrubber) ([]byte, error) {
	x := Exchange{
		Time: p.Time.UTC().Truncate(time.Millisecond), Method: p.Method, Target: s.Target(p.Path, p.Query),
		Header: map[string]string{}, Unreadable: p.Unreadable,
		Answer: &Answer{Status: p.Status, Foreign: p.Foreign, Header: map[string]string{}},
	}
	for name, value := range map[string]string{"Content-Type": p.Type, "Accept": p.Accept} {
		if value = media(value); value != "" {
			x.Header[name] = value
		}
	}
	if len(p.Body) > 0 && !p.Unreadable {
		if d, err := doc.Scan(p.Body); err != nil {
			x.Unreadable = true
		} else {
			x.Body = s.Document(d.Value())
		}
	}
	if p.Located {
		x.Answer.Header["Location"] = "…"
	}
	if d, err := doc.Scan(p.Answer); err == nil && !p.Discovery {
		if p.Foreign {
			x.Answer.Body = s.Foreign(d.Value())
		} else {
			x.Answer.Body = s.Document(d.Value())
		}
	}
	return json.Marshal(&x)
}

// media returns a media type as the client wrote it; nothing where it holds anything else.
func media(s string) string {
	const length = 200
	if len(s) > length || strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' && r != ' ' || r > '~' || r == '@'
	}) {
		return ""
	}
	return s
}
