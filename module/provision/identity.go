package provision

import (
	"maps"
	"slices"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/caddy-scim/gateway/transforms/mapping"
)

// identity returns the name of an organization that the operator gave none: made of what says which organization a mapping is
// about, and of nothing else, so that neither a new secret nor a new way of saying the same begins a new ledger. An OAuth 2
// client is known by its id; where there is only a secret, the secret's text has to serve, placeholders as they are written.
func identity(m *mapping.Definition) (string, error) {
	known := caddy.NewReplacer()
	parts := []string{known.ReplaceKnown(m.Base, "")}
	for _, name := range slices.Sorted(maps.Keys(m.Auths)) {
		a := m.Auths[name]
		parts = append(parts, a.Kind, known.ReplaceKnown(a.URL, ""), known.ReplaceKnown(a.User, ""), a.Password, a.Value)
		for _, p := range a.Params {
			switch {
			case p.Name == "client_id":
				parts = append(parts, known.ReplaceKnown(p.Value, ""))
			case a.Kind != "oauth2":
				parts = append(parts, p.Name, p.Value)
			}
		}
	}
	for _, resource := range []*mapping.ResourceDef{m.User, m.Group} {
		if resource == nil {
			continue
		}
		for _, list := range resource.List {
			parts = append(parts, known.ReplaceKnown(list.URL, ""))
		}
	}
	return fingerprint(parts)
}

// claims are the names without an operator's word that are in use, each with the key of who uses it.
var claims sync.Map

// claim is such a name in one configuration, which has a registry of its own.
type claim struct {
	registry *prometheus.Registry
	name     string
}

// take makes the name the organization's with a key, and fails where another one of the same configuration has it.
func (c claim) take(key string) bool {
	owner, _ := claims.LoadOrStore(c, key)
	return owner == key
}
