// Package cluster knows which gateway provisions an organization, and which of Caddy's storages is the one to use.
//
// Everything about one organization that must outlive a reload of the configuration, or be shared by two directives, has
// its [Seat], by the organization's name. Nothing that is kept there holds on to the storage of one configuration: when
// the configuration changes, so does the storage, and the old one is closed at any time after it was stopped.
package cluster

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"

	"github.com/caddy-scim/gateway/module/admin"
)

func init() { caddy.RegisterModule(new(App)) }

// appName is what Caddy knows the app by. It need not stand in a configuration: whoever opens a seat loads it.
const appName = "scim_gateway"

// App tells the seats of organizations which configuration is running. Caddy starts the new one before it stops the old
// one, and stops it before it closes anything of it.
type App struct {
	ctx caddy.Context

	mu    sync.Mutex
	load  *load
	seats map[string]*Seat
}

// load is one configuration, from when it is provisioned until it is gone.
type load struct {
	storage  Storage
	logger   *zap.Logger
	gone     <-chan struct{} // closed before anything of it is cleaned up
	settings map[string]map[string]string
	options  map[string]*Options
}

// CaddyModule returns the Caddy module information.
func (*App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: appName, New: func() caddy.Module { return new(App) }}
}

// Provision notes the storage of the configuration.
func (a *App) Provision(ctx caddy.Context) error {
	a.ctx = ctx
	a.load = &load{
		storage: ctx.Storage(), logger: ctx.Logger(), gone: ctx.Done(),
		settings: map[string]map[string]string{}, options: map[string]*Options{},
	}
	a.seats = map[string]*Seat{}
	return registerMetrics(ctx.GetMetricsRegistry())
}

// Start makes this configuration's storage the one that organizations are kept in.
func (a *App) Start() error {
	if st, ok := a.load.storage.(certmagic.Storage); ok {
		go removeLocks(a.ctx, st)
	}
	for _, s := range a.opened() {
		if o := a.load.options[s.name]; o != nil && o.Advertise == "" && len(a.opened()) > 1 {
			a.load.logger.Warn("several organizations in a cluster need advertise: which gateway leads is another one for each, "+
				"and a load balancer can tell only one", zap.String("organization", s.name))
		}
		s.start(a.load)
	}
	return nil
}

// Stop hands over to the configuration that took this one's place, where there is one.
func (a *App) Stop() error {
	var all sync.WaitGroup
	for _, s := range a.opened() {
		all.Go(func() { s.stop(a.load) })
	}
	all.Wait()
	return nil
}

// Cleanup closes the seats.
func (a *App) Cleanup() error {
	seats := a.opened()
	a.mu.Lock()
	a.seats = nil
	a.mu.Unlock()
	for _, s := range seats {
		s.forget(a.load)
		if _, err := pool.Delete(s.name); err != nil {
			return err
		}
	}
	return nil
}

func (a *App) opened() []*Seat {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Collect(maps.Values(a.seats))
}

// pool has the seats of all configurations, by the organization's name.
var pool = caddy.NewUsagePool()

// Config is how an organization is configured by one directive.
type Config struct {
	// Options turn leadership on. nil is one gateway.
	Options *Options

	// Settings are all that directives of one organization must have in common, by the name of the option: what is shared
	// between them can be only one way. The values are compared and end in no message.
	Settings map[string]string
}

// Open returns the seat of an organization for the configuration that is being provisioned, which gives it back by itself when
// it is cleaned up. It fails where another directive of the same configuration says something else of the organization.
func Open(ctx caddy.Context, name string, c Config) (*Seat, error) {
	v, err := ctx.App(appName)
	if err != nil {
		return nil, err
	}
	a := v.(*App) //nolint:forcetypeassert // the name is ours
	settings := maps.Clone(c.Settings)
	if settings == nil {
		settings = map[string]string{}
	}
	if c.Options != nil {
		if c.Options, err = c.Options.resolved(); err != nil {
			return nil, err
		}
		settings["cluster"] = fmt.Sprint(c.Options.Advertise, " ", c.Options.ttl())
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if said, ok := a.load.settings[name]; ok {
		options := slices.Concat(slices.Collect(maps.Keys(said)), slices.Collect(maps.Keys(settings)))
		slices.Sort(options)
		for _, option := range options {
			if said[option] != settings[option] {
				return nil, fmt.Errorf("two directives of one organization contradict each other in %s", option)
			}
		}
		return a.seats[name], nil
	}
	v, _, err = pool.LoadOrNew(name, func() (caddy.Destructor, error) { return newSeat(name), nil })
	if err != nil {
		return nil, err
	}
	s := v.(*Seat) //nolint:forcetypeassert // the pool holds nothing else
	a.load.settings[name], a.load.options[name], a.seats[name] = settings, c.Options, s
	s.open(a.load)
	return s, admin.Register(ctx, admin.Part{Name: "gateway", Organization: name, Status: s.status})
}

// Interface guards.
var (
	_ caddy.App          = (*App)(nil)
	_ caddy.Provisioner  = (*App)(nil)
	_ caddy.CleanerUpper = (*App)(nil)
)
