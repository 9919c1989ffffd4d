package cluster

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/caddy-scim/gateway/module/lease"
)

// status is what "caddy scim status" tells of the organization.
type status struct {
	Problems []string  `json:"problems,omitempty"`
	Cluster  bool      `json:"cluster"`
	Leads    bool      `json:"leads"`
	Since    time.Time `json:"since,omitzero"`
	Leader   string    `json:"leader,omitempty"`  // address of the leader, where another gateway leads
	WhyNot   string    `json:"why_not,omitempty"` // why this gateway does not lead
}

func (s *Seat) status(ctx context.Context) (any, error) {
	l := s.leading()
	if l == nil {
		st := status{Leads: true}
		if s.presence.isSecond() {
			st.Problems = []string{"a second gateway provisions this organization; stop one, or give all the option cluster"}
		}
		return st, nil
	}
	st := status{Cluster: true}
	if s.presence.isSecond() {
		st.Problems = []string{"a gateway without the option cluster provisions this organization too; stop it, or give it the option"}
	}
	_, err := l.lease.Alive()
	st.Since, _ = l.lease.Held()
	if st.Leads = err == nil; st.Leads {
		return st, nil
	}
	if !errors.Is(err, lease.ErrNotHeld) {
		st.WhyNot = err.Error()
		return st, nil
	}
	now, err := l.lease.Look(ctx)
	switch {
	case err != nil:
		st.WhyNot = "nobody knows who leads: the storage cannot be read"
		st.Problems = append(st.Problems, st.WhyNot)
	case now.Leader == nil && now.Ends > 0:
		st.WhyNot = "the lease is damaged, and is left alone until its time to live has passed"
	case now.Leader == nil:
		st.WhyNot = "nobody leads; whoever is asked first does"
	default:
		st.Leader, st.Since = now.Leader.Address, now.Leader.Since
		st.WhyNot = "another gateway leads"
		if now.Idle {
			st.WhyNot = "another gateway led last, and is asked first"
		}
	}
	return st, nil
}

// Healthy tells, from memory, whether requests should come to this gateway: it leads, or as far as it knows nobody does.
func (s *Seat) Healthy() bool {
	l := s.leading()
	if l == nil {
		return true
	}
	if _, held := l.lease.Held(); held {
		return true
	}
	r, ago := l.lease.Seen()
	if ago < 0 || ago > l.options.ttl()/3 {
		l.flight.DoChan("health", func() (any, error) { return l.lease.Look(context.Background()) })
	}
	return r == nil || ago > l.options.ttl()
}

// collector counts organizations when it is asked.
type collector struct{ organizations, second *prometheus.Desc }

var theCollector = collector{
	organizations: prometheus.NewDesc("caddy_scim_gateway_organizations",
		"Organizations by who provisions them: alone (there is no cluster), leader (this gateway), standby (another gateway of the cluster, or none).",
		[]string{"role"}, nil),
	second: prometheus.NewDesc("caddy_scim_gateway_second_gateways",
		"Organizations that a second gateway provisions, which is not of the same cluster.", nil, nil),
}

// takeovers counts over reloads.
var takeovers = sync.OnceValue(func() prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{
		Namespace: "caddy", Subsystem: "scim_gateway", Name: "takeovers_total",
		Help: "How often this gateway began to lead an organization that another one may have provisioned since.",
	})
})

func registerMetrics(registry *prometheus.Registry) error {
	return errors.Join(registry.Register(theCollector), registry.Register(takeovers()))
}

// Describe implements [prometheus.Collector].
func (c collector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.organizations
	ch <- c.second
}

// Collect implements [prometheus.Collector].
func (c collector) Collect(ch chan<- prometheus.Metric) {
	roles := map[string]int{"alone": 0, "leader": 0, "standby": 0}
	second := 0
	pool.Range(func(_, v any) bool {
		s := v.(*Seat) //nolint:forcetypeassert // the pool holds nothing else
		role := "alone"
		if l := s.leading(); l != nil {
			role = "standby"
			if _, err := l.lease.Alive(); err == nil {
				role = "leader"
			}
		}
		roles[role]++
		if s.presence.isSecond() {
			second++
		}
		return true
	})
	for role, n := range roles {
		ch <- prometheus.MustNewConstMetric(c.organizations, prometheus.GaugeValue, float64(n), role)
	}
	ch <- prometheus.MustNewConstMetric(c.second, prometheus.GaugeValue, float64(second))
}
