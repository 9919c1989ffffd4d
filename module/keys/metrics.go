package keys

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// gauges are what a configuration's keys and throttles are like at the moment. They are read when somebody asks. Names of keys are
// no labels.
type gauges struct{ app *App }

var (
	expiringDesc = prometheus.NewDesc("caddy_scim_gateway_keys_expiring", "Keys that are valid and end within so many days.", []string{"days"}, nil)
	keysDesc     = prometheus.NewDesc("caddy_scim_gateway_keys", "SCIM API keys and clients, by status.", []string{"status"}, nil)
	endDesc      = prometheus.NewDesc("caddy_scim_gateway_keys_next_expiry_timestamp_seconds",
		"When the next of the valid keys ends, as a Unix time; absent where none does.", nil, nil)
	oldestDesc = prometheus.NewDesc("caddy_scim_gateway_keys_oldest_timestamp_seconds",
		"When the oldest of the valid keys in the storage was made, as a Unix time; absent where there is none.", nil, nil)
	throttledDesc = prometheus.NewDesc("caddy_scim_gateway_throttled_addresses",
		"Addresses that have sent too many requests without a valid key and are answered 429 at the moment.", nil, nil)
)

// statuses are those of [Info].
var statuses = []string{"valid", "not yet valid", "expired", "revoked"}

// Describe implements [prometheus.Collector].
func (g gauges) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{expiringDesc, keysDesc, endDesc, oldestDesc, throttledDesc} {
		ch <- d
	}
}

// Collect implements [prometheus.Collector].
func (g gauges) Collect(ch chan<- prometheus.Metric) {
	count := map[string]int{}
	var soon [len(thresholds)]int
	var next, oldest time.Time
	now := time.Now()
	for _, o := range g.app.organizations() {
		for _, i := range o.infos(now) {
			count[i.Status]++
			if i.Status != "valid" {
				continue
			}
			for n := range near(i.end(), now) {
				soon[n]++
			}
			next, oldest = earliest(next, i.end()), earliest(oldest, i.Created)
		}
	}
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	for n, days := range thresholds {
		gauge(expiringDesc, float64(soon[n]), strconv.Itoa(days))
	}
	for _, status := range statuses {
		gauge(keysDesc, float64(count[status]), status)
	}
	if !next.IsZero() {
		gauge(endDesc, float64(next.Unix()))
	}
	if !oldest.IsZero() {
		gauge(oldestDesc, float64(oldest.Unix()))
	}
	throttled := 0
	g.app.mu.Lock()
	throttles := slices.Collect(maps.Values(g.app.throttles))
	g.app.mu.Unlock()
	for _, t := range throttles {
		throttled += t.Blocked()
	}
	gauge(throttledDesc, float64(throttled))
}

// earliest returns the earlier of two times; the zero time is none.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
