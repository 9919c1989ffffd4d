package dryrun

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/caddy-scim/gateway/module/admin"
)

// remindEvery is how often the log says that a dry run is on.
const remindEvery = 10 * time.Minute

var running = sync.OnceValue(func() prometheus.Gauge {
	return prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: "caddy", Subsystem: "scim_gateway", Name: "dry_runs",
		Help: "Gateways that are in a dry run: they change nothing.",
	})
})

// told is what "caddy scim status" tells.
type told struct {
	Since    time.Time `json:"since"`
	Planned  int       `json:"planned"`
	Refused  int       `json:"refused"`
	Problems []string  `json:"problems"`
}

// Tell makes a dry run known to the operator of a configuration: in the log, again and again, in the metrics, and through the
// admin API.
func (o *Opened) Tell(ctx caddy.Context, organization string) error {
	_ = ctx.GetMetricsRegistry().Register(running()) // several gateways share it
	log, stop := ctx.Logger().With(zap.String("organization", organization)), make(chan struct{})
	return admin.Register(ctx, admin.Part{
		Name: "dry_run", Organization: organization,
		Status: func(context.Context) (any, error) {
			f := o.Findings()
			return told{f.Began, len(f.Changes), len(f.Refused), []string{
				"this is a dry run: nothing is changed, and nobody loses access; caddy scim dry-run report tells what would be done",
			}}, nil
		},
		Actions: map[string]admin.Action{
			"report": func(context.Context, json.RawMessage) (any, error) {
				f := o.Findings()
				f.Organization = organization
				return f, nil
			},
		},
		Start: func() error {
			running().Inc()
			o.remind(log)
			go func() {
				every := time.NewTicker(remindEvery)
				defer every.Stop()
				for {
					select {
					case <-every.C:
						o.remind(log)
					case <-stop:
						return
					}
				}
			}()
			return nil
		},
		Stop: func() {
			running().Dec()
			close(stop)
		},
	})
}

func (o *Opened) remind(log *zap.Logger) {
	f := o.Findings()
	log.Warn("DRY RUN: the gateway changes nothing, and nobody loses access; take dry_run out of the configuration when you have looked at the report",
		zap.Time("since", f.Began), zap.Int("planned", len(f.Changes)), zap.Int("refused", len(f.Refused)))
}
