package module_test

import (
	"encoding/json"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-scim/gateway/module"
)

// Caddy makes a new registry for every configuration. The counters have to be in each, twice in one configuration must not
// be an error, and what was counted before a reload must not be lost.
func TestMetricsSurviveReload(t *testing.T) {
	provision := func() caddy.Context {
		ctx := newContext(t)
		for range 2 {
			h := new(module.Handler)
			if err := json.Unmarshal([]byte(config), h); err != nil {
				t.Fatal(err)
			}
			if err := h.Provision(ctx); err != nil {
				t.Fatal(err)
			}
		}
		return ctx
	}
	first := provision()
	g := newGateway(t, config)
	g.do(t, request("DELETE", "/s/Users/1", ""))
	g.do(t, request("GET", "/s/Users", "", "Authorization", ""))
	second := provision()
	for i, ctx := range []caddy.Context{first, second} {
		for _, name := range []string{
			"caddy_scim_gateway_requests_total", "caddy_scim_gateway_upstream_calls_total",
			"caddy_scim_gateway_auth_failures_total", "caddy_scim_gateway_request_duration_seconds",
		} {
			families, err := ctx.GetMetricsRegistry().Gather()
			if err != nil {
				t.Fatal(err)
			}
			found := false
			for _, f := range families {
				found = found || f.GetName() == name && len(f.GetMetric()) > 0
			}
			if !found {
				t.Errorf("configuration %d has no %s", i+1, name)
			}
		}
	}
}

// A rule that is about the request and not about its document is counted like any other.
func TestMissingContentTypeIsCounted(t *testing.T) {
	ctx := newContext(t)
	h := new(module.Handler)
	if err := json.Unmarshal([]byte(config), h); err != nil {
		t.Fatal(err)
	}
	if err := h.Provision(ctx); err != nil {
		t.Fatal(err)
	}
	count := func() (n float64) {
		families, err := ctx.GetMetricsRegistry().Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			for _, m := range f.GetMetric() {
				if f.GetName() == "caddy_scim_gateway_quirks_total" && m.GetLabel()[0].GetValue() == "missing-content-type" {
					n += m.GetCounter().GetValue()
				}
			}
		}
		return n
	}
	before := count()
	g := newGateway(t, config)
	g.do(t, request("POST", "/s/Users", user))
	if n := count(); n != before {
		t.Errorf("a request with a Content-Type was counted: %v, %v before", n, before)
	}
	g.do(t, request("POST", "/s/Users", user, "Content-Type", ""))
	if n := count(); n != before+1 {
		t.Errorf("one without was not: %v, %v before", n, before)
	}
}
