package provlog

import "github.com/prometheus/client_golang/prometheus"

// dropped counts over reloads.
var dropped = prometheus.NewCounter(prometheus.CounterOpts{
	Namespace: "caddy", Subsystem: "scim_gateway", Name: "log_dropped_total",
	Help: "Records of the provisioning log that could not be kept: too many at once, or a file that cannot be written.",
})

// Collectors returns the metrics of the provisioning log.
func Collectors() []prometheus.Collector { return []prometheus.Collector{dropped} }
