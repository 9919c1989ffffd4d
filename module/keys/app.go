// Package keys keeps SCIM API keys, their revocations, and whether an organization is served, in Caddy's storage, where
// every gateway that shares it sees a change within seconds, without a reload. It reads the storage of one configuration,
// for as long as that is running. [App] follows the storage, an [Organization] has the keys of one organization, and
// records.go says what a record is.
package keys

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"

	"github.com/caddy-scim/gateway/module/auth"
)

func init() { caddy.RegisterModule(new(App)) }

const (
	// readEvery is how often the storage is looked at: one list, and what is new in it.
	readEvery = 3 * time.Second

	// readTimeout is how long that may take before what is known counts as out of date.
	readTimeout = 10 * time.Second

	// writeTimeout is how long an operator waits for a record to be written.
	writeTimeout = 10 * time.Second
)

// Unnamed is what operators call an organization that has no name. The storage has nothing of it.
const Unnamed = "(unnamed)"

// theSigners are this process's key and those of the others. The key outlives a reload, so that tokens do.
var theSigners = sync.OnceValue(func() *auth.Signers { return auth.NewSigners(time.Now) })

// App follows the records of all organizations of one configuration, as an app of Caddy. It needs no configuration and is
// there as soon as a gateway is.
type App struct {
	storage certmagic.Storage
	log     *zap.Logger
	stop    context.CancelFunc
	stopped chan struct{}
	kick    chan chan struct{}

	mu        sync.Mutex
	all       map[string]*Organization // by name
	throttles map[auth.Rate]*auth.Throttle
	signs     bool // somebody has clients
	unread    bool // told already
}

// CaddyModule returns the Caddy module information.
func (*App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "scim_keys", New: func() caddy.Module { return new(App) }}
}

// Provision implements [caddy.Provisioner].
func (a *App) Provision(ctx caddy.Context) error {
	a.storage, a.log = ctx.Storage(), ctx.Logger()
	a.kick, a.stopped = make(chan chan struct{}), make(chan struct{})
	a.all, a.throttles = map[string]*Organization{}, map[auth.Rate]*auth.Throttle{}
	return ctx.GetMetricsRegistry().Register(gauges{a})
}

// Open returns the keys of an organization in the configuration of ctx. All gateways of one organization share them. An
// organization without a name has only those that are declared.
func Open(ctx caddy.Context, organization string) (*Organization, error) {
	v, err := ctx.App("scim_keys")
	if err != nil {
		return nil, err
	}
	a := v.(*App) //nolint:forcetypeassert // the module of this name is this one
	o := a.organization(organization)
	return o, o.register(ctx)
}

func (a *App) organization(name string) *Organization {
	a.mu.Lock()
	defer a.mu.Unlock()
	o := a.all[name]
	if o == nil {
		o = &Organization{
			app: a, name: name, records: newRecords(),
			warned: map[string]int{}, told: map[string]time.Time{}, flushed: map[string]time.Time{},
		}
		if name != "" {
			o.ring = auth.NewRing(time.Now)
			last, _ := lastRead.Load(name)
			known, _ := last.(*auth.Stored)
			o.ring.Recall(known)
		}
		a.all[name] = o
	}
	return o
}

// lastRead is what was last read of each organization (*auth.Stored by its name), over reloads: with a storage that is away,
// a new configuration neither takes a revoked key nor forgets that the organization is disabled or paused.
var lastRead sync.Map

// Signers returns the keys that sign tokens. Whoever asks for them needs them to be published.
func (a *App) Signers() *auth.Signers {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.signs = true
	return theSigners()
}

// Throttle returns what counts failures by address, for all gateways that have the same limit.
func (a *App) Throttle(r auth.Rate) *auth.Throttle {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.throttles[r]
	if t == nil {
		t = auth.NewThrottle(r, time.Now)
		a.throttles[r] = t
	}
	return t
}

// Cache returns where signing keys of identity providers are kept.
func (a *App) Cache() auth.Cache { return cache{a} }

// Start implements [caddy.App].
func (a *App) Start() error {
	ctx, cancel := context.WithCancel(context.Background())
	a.stop = cancel
	go a.follow(ctx)
	return nil
}

// Stop implements [caddy.App]. The storage may be closed as soon as it has returned.
func (a *App) Stop() error {
	if a.stop == nil {
		return nil
	}
	a.stop()
	select {
	case <-a.stopped:
	case <-time.After(time.Second):
	}
	return nil
}

// follow looks at the storage until the configuration ends, and does what has to be done from time to time.
func (a *App) follow(ctx context.Context) {
	defer close(a.stopped)
	ticker := time.NewTicker(readEvery)
	defer ticker.Stop()
	var waiting []chan struct{}
	for {
		a.readInTime(ctx)
		for _, w := range waiting {
			close(w)
		}
		waiting = nil
		a.chores(ctx)
		select {
		case <-ticker.C:
		case w := <-a.kick:
			waiting = append(waiting, w)
		case <-ctx.Done():
			a.writeUses(context.WithoutCancel(ctx), 0)
			return
		}
	}
}

// refresh has the storage looked at now, and waits until that is done.
func (a *App) refresh(ctx context.Context) {
	w := make(chan struct{})
	select {
	case a.kick <- w:
	case <-ctx.Done():
		return
	case <-a.stopped:
		return
	}
	select {
	case <-w:
	case <-ctx.Done():
	}
}

// readInTime reads the records, and makes known that they cannot be read where that takes too long. It returns when the
// storage has, so that there is never more than one reading.
func (a *App) readInTime(ctx context.Context) {
	done := make(chan error, 1)
	go func() { done <- a.read(ctx) }()
	timer := time.NewTimer(readTimeout)
	defer timer.Stop()
	for {
		select {
		case err := <-done:
			if err != nil && ctx.Err() == nil {
				a.fail(err)
			} else if err == nil {
				a.unread = false
			}
			return
		case <-timer.C:
			a.fail(errors.New("the storage does not answer"))
		case <-ctx.Done():
			return
		}
	}
}

func (a *App) fail(err error) {
	if !a.unread {
		a.log.Error("the keys in the storage cannot be read: those that are known stay valid, a key that is not known is answered 503", zap.Error(err))
	}
	a.unread = true
	for _, o := range a.organizations() {
		if o.ring != nil {
			o.ring.Fail(err)
		}
	}
}

func (a *App) organizations() []*Organization {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Collect(maps.Values(a.all))
}

// chores are what is done after each look at the storage.
func (a *App) chores(ctx context.Context) {
	now := time.Now()
	for _, o := range a.organizations() {
		o.warn(now)
	}
	a.writeUses(ctx, writeUsesEvery)
	a.mu.Lock()
	throttles := slices.Collect(maps.Values(a.throttles))
	a.mu.Unlock()
	for _, t := range throttles {
		for _, u := range t.Sweep() {
			a.log.Warn("requests without a valid SCIM API key", zap.String("client_ip", u.Address), zap.String("reason", string(u.Reason)), zap.Int("count", u.Count))
		}
	}
}

var (
	_ caddy.App         = (*App)(nil)
	_ caddy.Provisioner = (*App)(nil)
)
