package module

import (
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/caddy-scim/gateway/module/auth"
	"github.com/caddy-scim/gateway/module/provlog"
	"github.com/caddy-scim/gateway/module/traffic"
	"github.com/caddy-scim/gateway/transforms/quirks"
)

// metrics are the collectors of all gateways in the process. Labels come from fixed sets only: neither keys nor anything
// that a client sends may become one.
type metrics struct {
	requests   *prometheus.CounterVec
	duration   *prometheus.HistogramVec
	quirks     *prometheus.CounterVec
	calls      *prometheus.CounterVec
	failures   *prometheus.CounterVec
	leaversOff prometheus.Counter

	rules map[string]prometheus.Counter // of quirks, each from zero on: a rate would not see the first time of a new one

	mu    sync.RWMutex
	kinds map[labels]series
}

// labels are all that requests may differ in for the metrics.
type labels struct {
	resource, verb string
	status         int
}

// series count the requests of one kind. They are kept, since to find them by their labels takes longer than to count.
type series struct {
	requests, calls prometheus.Counter
	duration        prometheus.Observer
}

// theMetrics outlives a reload: Caddy makes a new registry for every configuration, and counters that began again at zero
// would hide what happened before.
var theMetrics = sync.OnceValue(func() *metrics {
	const ns, sub = "caddy", "scim_gateway"
	m := &metrics{
		rules: map[string]prometheus.Counter{},
		kinds: map[labels]series{},
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: ns, Subsystem: sub, Name: "requests_total",
			Help: "SCIM requests by resource, verb and status.",
		}, []string{"resource", "verb", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: ns, Subsystem: sub, Name: "request_duration_seconds",
			Help:    "How long SCIM requests took, calls of the upstream included.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}, []string{"resource", "verb"}),
		quirks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: ns, Subsystem: sub, Name: "quirks_total",
			Help: "Deviations that were normalized, by rule.",
		}, []string{"quirk"}),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: ns, Subsystem: sub, Name: "upstream_calls_total",
			Help: "Calls of the upstream, by the resource and verb of the SCIM request that needed them.",
		}, []string{"resource", "verb"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: ns, Subsystem: sub, Name: "auth_failures_total",
			Help: "Requests without a valid key, by reason.",
		}, []string{"reason"}),
		leaversOff: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: ns, Subsystem: sub, Name: "refused_deactivations_total",
			Help: "Requests that would have deactivated a user and were refused.",
		}),
	}
	for _, r := range quirks.Rules() {
		m.rules[r.ID] = m.quirks.WithLabelValues(r.ID)
	}
	return m
})

// registerMetrics makes the metrics part of a configuration's registry. Several gateways in one configuration share them.
func registerMetrics(registry *prometheus.Registry) (*metrics, error) {
	m := theMetrics()
	for _, c := range append(slices.Concat(provlog.Collectors(), traffic.Collectors()), m.requests, m.duration, m.quirks, m.calls, m.failures, m.leaversOff) {
		if err := registry.Register(c); err != nil {
			if _, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); !ok {
				return nil, err
			}
		}
	}
	return m, nil
}

func (m *metrics) observe(k labels, took time.Duration, calls int, account *quirks.Account) {
	s := m.of(k)
	s.requests.Inc()
	s.duration.Observe(took.Seconds())
	s.calls.Add(float64(calls))
	for id, n := range account.Counts() {
		m.rules[id].Add(float64(n))
	}
}

func (m *metrics) of(k labels) series {
	m.mu.RLock()
	s, ok := m.kinds[k]
	m.mu.RUnlock()
	if !ok {
		s = series{
			requests: m.requests.WithLabelValues(k.resource, k.verb, strconv.Itoa(k.status)),
			calls:    m.calls.WithLabelValues(k.resource, k.verb),
			duration: m.duration.WithLabelValues(k.resource, k.verb),
		}
		m.mu.Lock()
		m.kinds[k] = s
		m.mu.Unlock()
	}
	return s
}

func (m *metrics) refused(reason auth.Reason) { m.failures.WithLabelValues(string(reason)).Inc() }
