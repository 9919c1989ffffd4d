package items

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// Lists counts how often everything is listed, by resource and result, over reloads.
var Lists = sync.OnceValue(func() *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "caddy", Subsystem: "scim_gateway", Name: "view_refreshes_total",
		Help: "How often all items of an organization were listed to refresh the view of it, by resource and result.",
	}, []string{"resource", "result"})
	for _, resource := range []string{"User", "Group"} {
		c.WithLabelValues(resource, "ok")
		c.WithLabelValues(resource, "failed")
	}
	return c
})

// counted counts a list of everything, and returns its error.
func (s *Items) counted(err error) error {
	result := "ok"
	if err != nil {
		result = "failed"
	}
	Lists().WithLabelValues(s.Type.Name, result).Inc()
	return err
}
