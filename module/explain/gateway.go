// Package explain is "caddy scim explain": it carries one request out as a gateway of a configuration would, in a dry run of
// its own, and says what happens on the way. No running Caddy is needed, and none is asked.
package explain

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-scim/gateway/module/auth"
	"github.com/caddy-scim/gateway/module/dryrun"
)

// found is a gateway of a configuration: its own configuration, and the routes that follow it.
type found struct {
	name   string // of its organization; empty where it has none
	path   string // of its matcher
	config map[string]any
	behind []any // handlers of its own route
	routes []any // the routes after that
}

// label is how a person knows a gateway.
func (f *found) label() string {
	switch {
	case f.name != "" && f.path != "":
		return f.name + " (" + f.path + ")"
	case f.name != "":
		return f.name
	case f.path != "":
		return "the one at " + f.path
	}
	return "the one without a name"
}

// gateways finds all gateways of a configuration.
func gateways(v any) (all []*found) {
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			route, _ := item.(map[string]any)
			handlers, _ := route["handle"].([]any)
			for j, h := range handlers {
				if config, _ := h.(map[string]any); config["handler"] == "scim_gateway" {
					f := &found{config: config, behind: handlers[j+1:], routes: v[i+1:], path: pathOf(route)}
					f.name, _ = config["organization"].(string)
					if up, _ := config["upstream"].(map[string]any); f.name == "" {
						f.name, _ = up["id"].(string)
					}
					all = append(all, f)
				}
			}
			all = append(all, gateways(item)...)
		}
	case map[string]any:
		keys := make([]string, 0, len(v))
		for key := range v {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		for _, key := range keys {
			all = append(all, gateways(v[key])...)
		}
	}
	return all
}

// pathOf is the path that a route is for.
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

// choose returns the gateway that is meant: by the name of its organization or by its path, or else by the path of a request.
func choose(all []*found, organization, target string) (*found, error) {
	var labels []string
	var named, asked []*found
	for _, f := range all {
		labels = append(labels, f.label())
		if organization == "" || f.name == organization || f.path == organization {
			named = append(named, f)
			if root := strings.TrimSuffix(f.path, "*"); root != "" && strings.HasPrefix(target, root) {
				asked = append(asked, f)
			}
		}
	}
	if len(asked) == 1 {
		return asked[0], nil
	}
	switch {
	case len(all) == 0:
		return nil, errors.New("the configuration has no scim_gateway")
	case len(named) == 0:
		return nil, fmt.Errorf("the configuration has no organization %q; there are: %s", organization, strings.Join(labels, ", "))
	case len(named) > 1:
		return nil, fmt.Errorf("say for which organization, with --organization; there are: %s", strings.Join(labels, ", "))
	}
	return named[0], nil
}

// gateway is a gateway that runs, in a dry run, with a key that nobody else has.
type gateway struct {
	handler caddyhttp.Handler
	name    string
	secret  string
	close   func()
}

// open makes a gateway run. What is its own is kept, but for who may ask and what it writes down.
func open(f *found, whole map[string]any, upstream bool) (*gateway, error) {
	g := &gateway{name: f.name, secret: auth.Generate()}
	config := map[string]any{}
	maps.Copy(config, f.config)
	for _, key := range []string{"clients", "entra_tokens", "provisioning_log", "record", "throttle"} {
		delete(config, key)
	}
	config["keys"] = []any{map[string]any{"name": keyName, "key": g.secret}}
	config["dry_run"] = true
	routes := []any{map[string]any{"handle": []any{config}}}
	if upstream {
		routes = append([]any{map[string]any{"handle": append([]any{config}, f.behind...)}}, f.routes...)
	}
	text, err := json.Marshal(routes)
	if err != nil {
		return nil, err
	}
	c := &caddy.Config{Admin: &caddy.AdminConfig{Disabled: true}, Logging: &caddy.Logging{Logs: map[string]*caddy.CustomLog{"default": {}}}}
	c.Logging.Logs["default"].WriterRaw = json.RawMessage(`{"output":"discard"}`)
	if storage, ok := whole["storage"]; ok {
		if c.StorageRaw, err = json.Marshal(storage); err != nil {
			return nil, err
		}
	}
	ctx, err := caddy.ProvisionContext(c)
	if err != nil {
		return nil, err
	}
	provisioned, cancel := caddy.NewContext(ctx)
	g.close = cancel
	if !upstream {
		provisioned = dryrun.WithoutUpstream(provisioned)
	}
	var list caddyhttp.RouteList
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, err
	}
	if err := list.Provision(provisioned); err != nil {
		cancel()
		return nil, err
	}
	g.handler = list.Compile(caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error {
		return caddyhttp.Error(http.StatusBadGateway, errors.New("nothing in this configuration answers the request"))
	}))
	return g, nil
}

// keyName is the name of the key that an explained request has.
const keyName = "explain"
