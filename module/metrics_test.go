package module_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-scim/gateway/module"
)

// Caddy makes a new registry for every configuration. The counters have to be in each, twice in one configuration must not
// be an error, and what was counted before a reload must not be lost.
func TestMetricsSurviveReload(t *testing.T) {
	provision := func() caddy.Context {
		ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
		t.Cleanup(cancel)
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
