package module

import (
	"net/http"
	"strings"
)

// health answers GET <root>/health, for a load balancer and without a key: whether requests should come to this gateway.
// It tells nothing else, and asks nobody.
func (x *exchange) health() bool {
	path := x.r.URL.EscapedPath()
	if (x.r.Method != http.MethodGet && x.r.Method != http.MethodHead) || !strings.HasSuffix(path, "/health") {
		return false
	}
	if _, err := parseRoute(path); err == nil { // a user may have this id
		return false
	}
	status := http.StatusOK
	if seat := x.h.seat(); seat != nil && !seat.Healthy() {
		status = http.StatusServiceUnavailable
	}
	x.w.Header()["Cache-Control"] = []string{"no-store"}
	x.w.WriteHeader(status)
	return true
}
