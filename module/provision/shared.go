package provision

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/caddy-scim/gateway/module/cluster"
	"github.com/caddy-scim/gateway/module/dryrun"
	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/provision/api"
	"github.com/caddy-scim/gateway/module/provision/items"
	"github.com/caddy-scim/gateway/module/provision/locks"
	"github.com/caddy-scim/gateway/module/provision/resource"
	"github.com/caddy-scim/gateway/module/provision/view"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
)

// shared is what belongs to an organization, whichever configurations speak of it: it outlives a reload.
type shared struct {
	seat   *cluster.Seat
	locks  locks.Locks
	ledger *ledger.Ledger

	run      *dryrun.Run     // nil where what is said is done
	imagined *items.Imagined // what the run has planned

	mu       sync.Mutex
	read     time.Time // when a dry run forgot last what it has read of the ledger
	settling settling
	engines  []*engine // of the configurations that were loaded and not cleaned up, the newest one last
}

// sharedBy returns what the organization of a seat has.
func sharedBy(seat *cluster.Seat, run *dryrun.Run) *shared {
	return seat.Shared("provision", func() any { //nolint:forcetypeassert // nobody else uses the key
		sh := &shared{seat: seat, ledger: ledger.New(seat.Name())}
		if run != nil {
			sh.run, sh.imagined = run, items.NewImagined(run.Imagine)
		}
		seat.Join(cluster.Part{Takeover: sh.forget, Busy: func() bool { return sh.ledger.Owed() > 0 }, Handover: sh.ledger.Rest})
		return sh
	}).(*shared)
}

// forget makes everything be read again, because somebody else may have provisioned the organization since.
func (sh *shared) forget() {
	sh.ledger.TakeOver()
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.settling.looked = false
	for _, e := range sh.engines {
		e.user.View.Forget()
		if e.group != nil {
			e.group.View.Forget()
		}
	}
}

// rereadEvery is how long a dry run relies on what it has read of the ledger: a gateway beside it may write.
const rereadEvery = 2 * time.Second

// reread makes a dry run read the ledger again. What it has written itself stays.
func (sh *shared) reread(now time.Time) {
	sh.mu.Lock()
	due := now.Sub(sh.read) >= rereadEvery
	if due {
		sh.read = now
	}
	sh.mu.Unlock()
	if due {
		sh.ledger.Forget()
	}
}

// turn waits until this gateway may work on the organization in the background.
func (sh *shared) turn(ctx context.Context) (done func(), err error) {
	t, err := sh.seat.Begin(ctx, cluster.Asked{})
	if err != nil {
		return nil, err
	}
	return t.End, nil
}

// enter makes the ledger work for a configuration.
func (sh *shared) enter(e *engine) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.engines = append(sh.engines, e)
	engines.Store(e, nil)
	sh.ledger.Use(e.memory())
}

// leave makes the ledger work for the configurations that are left.
func (sh *shared) leave(e *engine) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.stopSettling(e)
	engines.Delete(e)
	sh.engines = slices.DeleteFunc(sh.engines, func(other *engine) bool { return other == e })
	if n := len(sh.engines); n > 0 {
		sh.ledger.Use(sh.engines[n-1].memory())
	} else {
		sh.ledger.Close()
	}
}

// seen is what a mapping showed of an organization. With another mapping it begins anew.
type seen struct {
	access        *api.Access
	users, groups *view.View           // groups is nil where the organization has none
	load          *prometheus.Registry // of the configuration that made it, to tell two organizations from a reload
}

// Destruct has nothing to give back.
func (*seen) Destruct() error { return nil }

var pool = caddy.NewUsagePool()

func (o *Organization) newSeen(compiled *plan.Plan, load *prometheus.Registry, now func() time.Time) *seen {
	sn := &seen{access: api.NewAccess(o.Pace, time.Duration(o.PaceWait)), load: load}
	sn.users = view.New(resource.Indexed(compiled.User), time.Duration(o.ViewTTL), now)
	if compiled.Group != nil {
		sn.groups = view.New(resource.Indexed(compiled.Group), time.Duration(o.ViewTTL), now)
	}
	return sn
}
