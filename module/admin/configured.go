package admin

import (
	"encoding/json"
	"maps"
	"slices"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

// Configured reads a configuration for a command that needs no running Caddy, and finds its gateways. The Caddyfile of the
// folder is meant where none is named, as with "caddy run"; where there is none either, the configuration is nil.
func Configured(config, adapter string) (whole map[string]any, all []*Gateway, err error) {
	text, _, _, err := caddycmd.LoadConfig(config, adapter)
	if err != nil || len(text) == 0 {
		return nil, nil, err
	}
	err = json.Unmarshal(text, &whole)
	return whole, gateways(whole["apps"]), err
}

// Gateway is a gateway of a configuration: its own configuration, and the routes that follow it.
type Gateway struct {
	Name   string // of its organization; empty where it has none
	Path   string // of its matcher
	Config map[string]any
	Behind []any // handlers of its own route
	Routes []any // the routes after that
}

// Label returns how a person knows a gateway.
func (g *Gateway) Label() string {
	switch {
	case g.Name != "" && g.Path != "":
		return g.Name + " (" + g.Path + ")"
	case g.Name != "":
		return g.Name
	case g.Path != "":
		return "the one at " + g.Path
	}
	return "the one without a name"
}

// gateways finds all gateways of a piece of a configuration.
func gateways(v any) (all []*Gateway) {
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			route, _ := item.(map[string]any)
			handlers, _ := route["handle"].([]any)
			for j, h := range handlers {
				if config, _ := h.(map[string]any); config["handler"] == "scim_gateway" {
					g := &Gateway{Config: config, Behind: handlers[j+1:], Routes: v[i+1:], Path: pathOf(route)}
					g.Name, _ = config["organization"].(string)
					if up, _ := config["upstream"].(map[string]any); g.Name == "" {
						g.Name, _ = up["id"].(string)
					}
					all = append(all, g)
				}
			}
			all = append(all, gateways(item)...)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			all = append(all, gateways(v[key])...)
		}
	}
	return all
}

// pathOf returns the path that a route is for.
func pathOf(route map[string]any) string {
	sets, _ := route["match"].([]any)
	for _, set := range sets {
		m, _ := set.(map[string]any)
		paths, _ := m["path"].([]any)
		for _, p := range paths {
			if text, ok := p.(string); ok {
				return text
			}
		}
	}
	return ""
}
