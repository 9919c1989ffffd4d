package guard

import (
	"context"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/caddy-scim/gateway/module/admin"
	"github.com/caddy-scim/gateway/module/cluster"
	"github.com/caddy-scim/gateway/module/trace"
)

// Event is the name of the Caddy event of a guard that trips. Its data are organization, kind, limit and within.
const Event = "scim_guard_tripped"

var tripsTotal = sync.OnceValue(func() *prometheus.CounterVec {
	return counter("guard_trips_total", "How often the guard has tripped, by kind of removal.")
})

var heldTotal = sync.OnceValue(func() *prometheus.CounterVec {
	return counter("guard_held_total", "Requests that the guard held, by kind of removal.")
})

func counter(name, help string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "caddy", Subsystem: "scim_gateway", Name: name, Help: help}, []string{"kind"})
	for k := range Removal(kinds) {
		c.WithLabelValues(k.String())
	}
	return c
}

// Open is the guard of one gateway: that of its organization, which outlives a reload and is kept in the storage, or, in
// front of a SCIM server (seat is nil), one that this process has under the name.
type Open struct {
	*Guard
	keeper *keeper // nil in front of a SCIM server
	seat   *cluster.Seat
	name   string
	dry    bool
	pooled string // key of a guard in front of a SCIM server
	log    *zap.Logger
	emit   func(Trip)
}

// alone are the guards of gateways in front of SCIM servers: they outlive a reload.
var alone = caddy.NewUsagePool()

// Destruct implements [caddy.Destructor].
func (*Guard) Destruct() error { return nil }

// Place is where a guard belongs.
type Place struct {
	Seat *cluster.Seat // of the organization; nil in front of a SCIM server
	Name string        // of the organization
	Key  string        // tells a guard without a seat from others
	Dry  bool          // nothing is taken away by anybody: the guard only says what it would hold
}

// For opens the guard of a gateway, and makes it part of the admin API.
func For(ctx caddy.Context, at Place, c Config) (*Open, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	seat, key := at.Seat, at.Key
	o := &Open{seat: seat, name: at.Name, log: ctx.Logger(), dry: at.Dry}
	if o.dry {
		key = "dry run of " + key
	}
	if seat != nil {
		o.name = seat.Name()
		shared := seat.Shared("guard", func() any {
			k := New(c, time.Now).keepIn(seat.Storage(), seat.Key("guard"))
			seat.Join(cluster.Part{Takeover: k.forget, Handover: k.handOver})
			return k
		}).(*keeper) //nolint:forcetypeassert // nobody else uses the key
		shared.log.Store(o.log)
		o.keeper, o.Guard = shared, shared.guard
	} else {
		g, _, err := alone.LoadOrNew(key, func() (caddy.Destructor, error) { return New(c, time.Now), nil })
		if err != nil {
			return nil, err
		}
		o.pooled = key
		o.Guard = g.(*Guard) //nolint:forcetypeassert // nobody else writes
	}
	o.Use(c)
	for _, collector := range []prometheus.Collector{tripsTotal(), heldTotal()} {
		_ = ctx.GetMetricsRegistry().Register(collector) // several gateways share them
	}
	events, _ := ctx.App("events")
	app, _ := events.(*caddyevents.App)
	o.emit = func(t Trip) {
		if app != nil {
			app.Emit(ctx, Event, map[string]any{"organization": o.name, "kind": t.Kind.String(), "limit": t.Limit, "within": t.Within.String()})
		}
	}
	o.onTrip(o.trip)
	if o.dry {
		return o, nil
	}
	err := admin.Register(ctx, admin.Part{Name: "guard", Organization: o.name, Status: o.status, Actions: o.actions()})
	return o, err
}

// Close gives back a guard that belongs to a configuration that has gone.
func (o *Open) Close() error {
	if o == nil || o.pooled == "" {
		return nil
	}
	_, err := alone.Delete(o.pooled)
	return err
}

func (g *Guard) onTrip(f func(Trip)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tripped = f
}

// trip tells of a guard that has tripped. The guard's lock is held.
func (o *Open) trip(t Trip) {
	if o.dry {
		o.log.Warn("the dry run has come to what the guard would hold", zap.String("organization", o.name), zap.Stringer("kind", t.Kind), zap.Int("limit", t.Limit), zap.Duration("within", t.Within))
		return
	}
	tripsTotal().WithLabelValues(t.Kind.String()).Inc()
	o.log.Error("the guard has tripped: the provider takes access away from more people than a normal day has; what goes beyond is held until somebody runs caddy scim guard release",
		zap.String("organization", o.name), zap.Stringer("kind", t.Kind), zap.Int("limit", t.Limit), zap.Duration("within", t.Within))
	go o.emit(t)
}

// Take is [Guard.Take], after what was kept has been read. Whom it holds is noted on the trace of the context.
func (o *Open) Take(ctx context.Context, k Removal, base int, subjects ...Subject) (*Ticket, error) {
	if o == nil {
		return nil, nil
	}
	if o.keeper != nil {
		o.keeper.ready()
	}
	t, err := o.Guard.Take(k, base, subjects...)
	if err != nil && !o.dry {
		heldTotal().WithLabelValues(k.String()).Inc()
		for _, s := range subjects {
			trace.Say(ctx, trace.Guarded, s.ID, k.String())
		}
	}
	return t, err
}

// mine reports whether this gateway is the one that counts, as an error in words for the operator where it is not.
func (o *Open) mine(ctx context.Context) (done func(), err error) {
	if o.seat == nil {
		return func() {}, nil
	}
	turn, err := o.seat.Begin(ctx, cluster.Asked{})
	if err != nil {
		return nil, admin.Conflict("another gateway of the cluster leads this organization and counts for it: caddy scim status names it; run the command there (%v)", err)
	}
	if o.keeper != nil {
		o.keeper.ready()
	}
	return turn.End, nil
}
