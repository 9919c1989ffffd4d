package provlog

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Config says how a gateway keeps its provisioning log.
type Config struct {
	// The file, an SQLite database that several gateways of one Caddy may share. The default is
	// scim_gateway/provisioning.db in Caddy's data directory; "off" keeps none, and writes the entries of the logger alone.
	File string `json:"file,omitempty"`

	// How large the file may become, in bytes: the oldest records go first. The default is 67108864 (64 MiB).
	MaxSize int64 `json:"max_size,omitempty"`

	// How long records are kept. The default is 720h, 30 days.
	MaxAge caddy.Duration `json:"max_age,omitempty"`

	// How values of people are kept: full, masked (as marks that tell equal from different) or none. The default is
	// masked. Passwords are never kept.
	LogValues string `json:"log_values,omitempty"`
}

// The limits of the log where the configuration has none, and the least that they can be.
const (
	DefaultMaxSize = 64 << 20
	DefaultMaxAge  = 30 * 24 * time.Hour
	MinSize        = 4 << 20
)

// Off is the name of no file.
const Off = "off"

// DefaultFile returns the file where the configuration names none.
func DefaultFile() string {
	return filepath.Join(caddy.AppDataDir(), "scim_gateway", "provisioning.db")
}

// Check reports what is wrong with the configuration.
func (c *Config) Check() error {
	switch {
	case c.LogValues != "" && !slices.Contains([]string{Full, Masked, None}, c.LogValues):
		return fmt.Errorf("log_values %q is none of full, masked, none", c.LogValues)
	case c.MaxSize != 0 && c.MaxSize < MinSize:
		return fmt.Errorf("max_size %d is less than %d bytes", c.MaxSize, MinSize)
	case c.MaxAge < 0:
		return errors.New("max_age cannot be negative")
	}
	return nil
}

// Sink is where one gateway's entries go. A nil Sink takes nothing.
type Sink struct {
	organization string
	target       *Log
	mode         string
	key          func() []byte // of marks; read or made when it is needed first, so that a check of a configuration writes nothing
	mask         *masker       // used by the writer alone
	logger       *zap.Logger
}

// Open returns the sink of a gateway. Whatever is wrong with the file is found when it is written, and stops nothing; what
// is said then goes to the logger, as every record does.
func Open(c Config, organization string, logger *zap.Logger) (*Sink, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	file := c.File
	switch file {
	case "":
		file = DefaultFile()
	case Off:
		file = ""
	}
	if file != "" {
		absolute, err := filepath.Abs(file)
		if err != nil {
			return nil, err
		}
		file = absolute
	}
	l := limits{bytes: c.MaxSize, age: time.Duration(c.MaxAge)}
	if l.bytes == 0 {
		l.bytes = DefaultMaxSize
	}
	if l.age == 0 {
		l.age = DefaultMaxAge
	}
	mode := c.LogValues
	if mode == "" {
		mode = Masked
	}
	s := &Sink{organization: organization, logger: logger, mode: mode}
	s.key = sync.OnceValue(func() []byte {
		key, err := maskKey(file)
		if err != nil && mode == Masked {
			s.log(zapcore.WarnLevel, "the key for the marks of the provisioning log cannot be kept: after a restart the same value has another mark", zap.Error(err))
		}
		return key
	})
	pooled, loaded, err := logs.LoadOrNew(file, func() (caddy.Destructor, error) { return open(file, l), nil })
	if err != nil {
		return nil, err
	}
	s.target = pooled.(*Log) //nolint:forcetypeassert // the pool holds nothing else
	if loaded {
		s.target.limits.Store(&l)
	}
	return s, nil
}

// Add hands an entry over. It never waits.
func (s *Sink) Add(e *Entry) {
	if s != nil {
		s.target.add(queued{entry: e, sink: s})
	}
}

// Close waits a moment until what was added is written, and gives the file back.
func (s *Sink) Close() error {
	if s == nil {
		return nil
	}
	s.Flush()
	_, err := logs.Delete(s.target.file)
	return err
}

// Flush waits until what was added is written, five seconds at most.
func (s *Sink) Flush() { s.target.entries.Flush() }

// Log returns the log that the sink's entries go to.
func (s *Sink) Log() *Log { return s.target }

// Spellings returns how a text may stand in the log, to look for it: as it is, or as its mark.
func (s *Sink) Spellings(text string) []string { return newMasker(s.mode, s.key()).spellings(text) }

// render puts an entry into words. It is for the writer.
func (s *Sink) render(e *Entry) *rendered {
	if s.mask == nil {
		s.mask = newMasker(s.mode, s.key())
	}
	return s.mask.render(s.organization, e)
}

func (s *Sink) log(level zapcore.Level, message string, fields ...zap.Field) {
	if c := s.logger.Check(level, message); c != nil {
		c.Write(fields...)
	}
}

// tell writes the record as an entry of the logger, for files, Loki and collectors. Where there is a file, only a log that
// asks for it has the entries: they would fill Caddy's own log, and cost more than the file does.
func (s *Sink) tell(r *rendered) {
	level := zapcore.DebugLevel
	if s.target.file == "" {
		level = zapcore.InfoLevel
	}
	c := s.logger.Check(level, "provisioning")
	if c == nil {
		return
	}
	c.Write(zap.String("organization", r.Organization), zap.String("resource", r.Resource), zap.String("verb", r.Verb), zap.String("subject", r.Subject),
		zap.Int("status", r.Status), zap.Bool("failed", r.Failed), zap.Reflect("record", &r.Record))
}
