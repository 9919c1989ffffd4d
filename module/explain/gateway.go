// Package explain is "caddy scim explain": it carries one request out as a gateway of a configuration would, in a dry run of
// its own, and says what happens on the way. No running Caddy is needed, and none is asked.
package explain

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-scim/gateway/module/admin"
	"github.com/caddy-scim/gateway/module/auth"
	"github.com/caddy-scim/gateway/module/dryrun"
)

// choose returns the gateway that is meant: by the name of its organization or by its path, or else by the path of a request.
func choose(all []*admin.Gateway, organization, target string) (*admin.Gateway, error) {
	var labels []string
	var named, asked []*admin.Gateway
	for _, f := range all {
		labels = append(labels, f.Label())
		if organization == "" || f.Name == organization || f.Path == organization {
			named = append(named, f)
			if root := strings.TrimSuffix(f.Path, "*"); root != "" && strings.HasPrefix(target, root) {
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
func open(f *admin.Gateway, whole map[string]any, upstream bool) (*gateway, error) {
	g := &gateway{name: f.Name, secret: auth.Generate()}
	config := map[string]any{}
	maps.Copy(config, f.Config)
	for _, key := range []string{"clients", "entra_tokens", "provisioning_log", "record", "throttle"} {
		delete(config, key)
	}
	config["keys"] = []any{map[string]any{"name": keyName, "key": g.secret}}
	config["dry_run"] = true
	routes := []any{map[string]any{"handle": []any{config}}}
	if upstream {
		routes = append([]any{map[string]any{"handle": append([]any{config}, f.Behind...)}}, f.Routes...)
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
