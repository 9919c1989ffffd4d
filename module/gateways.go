package module

import (
	"slices"
	"strings"
	"sync"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-scim/gateway/module/guard"
	"github.com/caddy-scim/gateway/module/keys"
	"github.com/caddy-scim/gateway/module/provlog"
)

// running are the gateways that are provisioned, of every configuration that is.
var running struct {
	sync.Mutex
	all []*Handler
}

// Gateways returns the gateways of a configuration by their names, one for each organization.
func Gateways(ctx caddy.Context) []*Handler {
	running.Lock()
	defer running.Unlock()
	var found []*Handler
	for _, h := range running.all {
		same := func(g *Handler) bool { return g.Name() == h.Name() }
		// Every configuration has a registry of its own.
		if h.ctx.GetMetricsRegistry() == ctx.GetMetricsRegistry() && !slices.ContainsFunc(found, same) {
			found = append(found, h)
		}
	}
	slices.SortFunc(found, func(a, b *Handler) int { return strings.Compare(a.Name(), b.Name()) })
	return found
}

func (h *Handler) enter() {
	running.Lock()
	defer running.Unlock()
	running.all = append(running.all, h)
}

func (h *Handler) leave() {
	running.Lock()
	defer running.Unlock()
	running.all = slices.DeleteFunc(running.all, func(g *Handler) bool { return g == h })
}

// Records returns where the gateway's requests are recorded; nil where they are not.
func (h *Handler) Records() *provlog.Sink { return h.sink }

// URL returns the SCIM root as the provider knows it; empty before the first request where the configuration does not say.
func (h *Handler) URL() string {
	if h.PublicURL != "" {
		return h.PublicURL
	}
	if base := h.base.Load(); base != nil {
		return *base
	}
	return ""
}

// Removals returns the guard against mass deprovisioning.
func (h *Handler) Removals() *guard.Open { return h.guard }

// KeyRing returns the keys of the gateway's organization.
func (h *Handler) KeyRing() *keys.Organization { return h.ring }
