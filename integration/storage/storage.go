// Package storage is a storage for tests: Caddy's own file storage, of which a test decides how it fails. Storages of
// other kinds have the same faults: a database whose disk is full, a server that answers late or not at all, a module that
// closes its client when the configuration goes, a lock that keeps nobody out.
package storage

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/certmagic"
)

func init() { caddy.RegisterModule(new(Module)) }

// Module is the storage module caddy.storage.faulty.
type Module struct {
	// The folder.
	Root string `json:"root"`

	// Whether nothing works any more once the configuration that loaded it is gone, as with a client that is closed.
	Closes bool `json:"closes,omitempty"`

	// Whether locks keep nobody out.
	SharedLocks bool `json:"shared_locks,omitempty"`

	// How long everything takes, whatever the context says.
	Delay caddy.Duration `json:"delay,omitempty"`

	// How far the clock is off that says when something was written.
	Clock caddy.Duration `json:"clock,omitempty"`

	closed atomic.Bool
}

// CaddyModule returns the Caddy module information.
func (*Module) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddy.storage.faulty", New: func() caddy.Module { return new(Module) }}
}

// CertMagicStorage returns the storage of one configuration.
func (m *Module) CertMagicStorage() (certmagic.Storage, error) {
	return &faulty{Storage: &certmagic.FileStorage{Path: m.Root}, module: m, trouble: Of(m.Root)}, nil
}

// Cleanup closes the client.
func (m *Module) Cleanup() error {
	m.closed.Store(m.Closes)
	return nil
}

// UnmarshalCaddyfile reads
//
//	storage faulty <root> {
//		closes
//		shared_locks
//		delay <duration>
//		clock <duration>
//	}
func (m *Module) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if !d.AllArgs(&m.Root) {
		return d.ArgErr()
	}
	for d.NextBlock(0) {
		switch name := d.Val(); name {
		case "closes":
			m.Closes = true
		case "shared_locks":
			m.SharedLocks = true
		case "delay", "clock":
			var text string
			if !d.AllArgs(&text) {
				return d.ArgErr()
			}
			value, err := caddy.ParseDuration(text)
			if err != nil {
				return d.WrapErr(err)
			}
			if name == "delay" {
				m.Delay = caddy.Duration(value)
			} else {
				m.Clock = caddy.Duration(value)
			}
		default:
			return d.ArgErr()
		}
	}
	return nil
}

// faulty is the storage as one configuration has it.
type faulty struct {
	certmagic.Storage
	module  *Module
	trouble *Trouble
}

var errClosed = errors.New("the client is closed")

// meet is where an operation fails, or waits.
func (s *faulty) meet(op Op, key string) error {
	if strings.Contains(key, "scim_gateway") {
		s.trouble.count(op)
	}
	time.Sleep(time.Duration(s.module.Delay))
	if s.module.closed.Load() {
		return errClosed
	}
	return s.trouble.meet(op)
}

// Lock implements certmagic.Locker.
func (s *faulty) Lock(ctx context.Context, name string) error {
	if err := s.meet(Lock, name); err != nil || s.module.SharedLocks {
		return err
	}
	return s.Storage.Lock(ctx, name)
}

// Unlock implements certmagic.Locker.
func (s *faulty) Unlock(ctx context.Context, name string) error {
	if err := s.meet(Unlock, name); err != nil || s.module.SharedLocks {
		return err
	}
	return s.Storage.Unlock(ctx, name)
}

// Store implements certmagic.Storage.
func (s *faulty) Store(ctx context.Context, key string, value []byte) error {
	if err := s.meet(Store, key); err != nil {
		return err
	}
	return s.Storage.Store(ctx, key, value)
}

// Load implements certmagic.Storage.
func (s *faulty) Load(ctx context.Context, key string) ([]byte, error) {
	if err := s.meet(Load, key); err != nil {
		return nil, err
	}
	return s.Storage.Load(ctx, key)
}

// Delete implements certmagic.Storage.
func (s *faulty) Delete(ctx context.Context, key string) error {
	if err := s.meet(Delete, key); err != nil {
		return err
	}
	return s.Storage.Delete(ctx, key)
}

// Exists implements certmagic.Storage. It has no way to say that it does not know.
func (s *faulty) Exists(ctx context.Context, key string) bool {
	return s.meet(Exists, key) == nil && s.Storage.Exists(ctx, key)
}

// List implements certmagic.Storage.
func (s *faulty) List(ctx context.Context, path string, recursive bool) ([]string, error) {
	if err := s.meet(List, path); err != nil {
		return nil, err
	}
	return s.Storage.List(ctx, path, recursive)
}

// Stat implements certmagic.Storage.
func (s *faulty) Stat(ctx context.Context, key string) (certmagic.KeyInfo, error) {
	if err := s.meet(Stat, key); err != nil {
		return certmagic.KeyInfo{}, err
	}
	info, err := s.Storage.Stat(ctx, key)
	if err == nil {
		info.Modified = info.Modified.Add(time.Duration(s.module.Clock))
	}
	return info, err
}

var (
	_ caddy.StorageConverter = (*Module)(nil)
	_ caddy.CleanerUpper     = (*Module)(nil)
	_ caddyfile.Unmarshaler  = (*Module)(nil)
)
