package provision

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/caddy-scim/gateway/module/provision/items"
	"github.com/caddy-scim/gateway/module/provision/view"
)

// engines are those of all configurations that were loaded and not cleaned up.
var engines sync.Map

// gauges are what the views and ledgers of all organizations are like at the moment.
type gauges struct{}

var (
	itemsDesc = prometheus.NewDesc("caddy_scim_gateway_view_items",
		"Items that the views of all organizations hold, by resource.", []string{"resource"}, nil)
	ageDesc = prometheus.NewDesc("caddy_scim_gateway_view_age_seconds",
		"How long ago the oldest view was listed, by resource; absent where none is relied on.", []string{"resource"}, nil)
	owedDesc = prometheus.NewDesc("caddy_scim_gateway_ledger_owed",
		"Records of the ledger that are in memory alone, because the storage does not take them.", nil, nil)
)

func registerMetrics(registry *prometheus.Registry) {
	for _, c := range []prometheus.Collector{items.Lists(), gauges{}} {
		_ = registry.Register(c) // all organizations share them
	}
}

// Describe implements [prometheus.Collector].
func (gauges) Describe(ch chan<- *prometheus.Desc) {
	ch <- itemsDesc
	ch <- ageDesc
	ch <- owedDesc
}

// Collect implements [prometheus.Collector].
func (gauges) Collect(ch chan<- prometheus.Metric) {
	views, owed := map[*view.View]string{}, map[*shared]int{}
	engines.Range(func(v, _ any) bool {
		e := v.(*engine) //nolint:forcetypeassert // nothing else is in it
		owed[e.shared] = e.shared.ledger.Refused()
		views[e.user.View] = "User"
		if e.group != nil {
			views[e.group.View] = "Group"
		}
		return true
	})
	items, oldest := map[string]int{"User": 0, "Group": 0}, map[string]time.Time{}
	for v, resource := range views {
		n, asOf := v.State()
		items[resource] += n
		if was := oldest[resource]; !asOf.IsZero() && (was.IsZero() || asOf.Before(was)) {
			oldest[resource] = asOf
		}
	}
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	for resource, n := range items {
		gauge(itemsDesc, float64(n), resource)
	}
	for resource, at := range oldest {
		gauge(ageDesc, time.Since(at).Seconds(), resource)
	}
	all := 0
	for _, n := range owed {
		all += n
	}
	gauge(owedDesc, float64(all))
}
