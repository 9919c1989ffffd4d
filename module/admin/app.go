// Package admin is what an operator asks of the running gateway and tells it: the routes below /scim_gateway of Caddy's
// admin API, and the commands of "caddy scim" that speak to them. It knows no part of the gateway; parts make themselves
// known to it. A [Part] is what they make known; router.go finds the one that is meant.
package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/caddyserver/caddy/v2"
)

func init() { caddy.RegisterModule(new(App)) }

// Part is a part of the gateway that has something to tell or to do: keys, guard, lease, log.
type Part struct {
	// Name is the part's place in the status and in the path: /scim_gateway/<name>/<action>.
	Name string

	// Organization is the organization that the part belongs to; empty where it belongs to the whole process.
	Organization string

	// Status returns what the part tells, which becomes JSON. Nothing of it may be a secret. What somebody has to look after
	// is a list of sentences in the field "problems". Optional.
	Status func(context.Context) (any, error)

	// Actions are what the part can be told to do, by name. Optional.
	Actions map[string]Action

	// Start is called when the configuration begins to serve, and Stop when it ends: never for one that is only validated,
	// or fails to load. Neither may wait for long. Optional.
	Start func() error
	Stop  func()
}

// Action does something, with the JSON of the request's body, and returns what becomes the JSON of the answer. An error is
// answered with 500, one made by [BadRequest], [NotFound] or [Conflict] with its status. It is logged: it holds no secret.
type Action func(ctx context.Context, body json.RawMessage) (any, error)

// App is the list of the parts of one configuration, as an app of Caddy. It needs no configuration and is there as soon as
// a gateway is.
type App struct {
	mu      sync.Mutex
	parts   []Part
	started int // how many of the parts
}

// CaddyModule returns the Caddy module information.
func (*App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "scim_admin", New: func() caddy.Module { return new(App) }}
}

// Register makes a part known, for as long as the configuration of ctx is the running one. It is called while that is
// provisioned. Of two parts with one name and one organization the first stands for both.
func Register(ctx caddy.Context, p Part) error {
	v, err := ctx.App("scim_admin")
	if err != nil {
		return err
	}
	v.(*App).add(p) //nolint:forcetypeassert // the module of this name is this one
	return nil
}

func (a *App) add(p Part) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, other := range a.parts {
		if other.Name == p.Name && other.Organization == p.Organization {
			return
		}
	}
	a.parts = append(a.parts, p)
}

// Start implements [caddy.App].
func (a *App) Start() error {
	for i, p := range a.parts {
		if p.Start != nil {
			if err := p.Start(); err != nil {
				return fmt.Errorf("%s: %w", p.Name, errors.Join(err, a.Stop()))
			}
		}
		a.started = i + 1
	}
	return nil
}

// Stop implements [caddy.App].
func (a *App) Stop() error {
	for ; a.started > 0; a.started-- {
		if p := a.parts[a.started-1]; p.Stop != nil {
			p.Stop()
		}
	}
	return nil
}

// Tell returns what the parts of one organization tell, as JSON by their names, in the configuration of ctx.
func Tell(asked context.Context, ctx caddy.Context, organization string) map[string]json.RawMessage {
	v, err := ctx.AppIfConfigured("scim_admin")
	if err != nil {
		return nil
	}
	all := map[string]json.RawMessage{}
	for _, p := range v.(*App).parts { //nolint:forcetypeassert // the module of this name is this one
		if p.Organization != organization || p.Status == nil {
			continue
		}
		if text, err := json.Marshal(p.tell(asked)); err == nil {
			all[p.Name] = text
		}
	}
	return all
}

// tell returns what the part tells. One that cannot tell says so in its place.
func (p *Part) tell(ctx context.Context) any {
	told, err := p.Status(ctx)
	if err != nil {
		return map[string]any{"problems": []string{err.Error()}}
	}
	return told
}

// running returns the parts of the configuration that serves now.
func running() []Part {
	v, err := caddy.ActiveContext().AppIfConfigured("scim_admin")
	if err != nil {
		return nil // no gateway is configured
	}
	return v.(*App).parts //nolint:forcetypeassert // the module of this name is this one
}

var _ caddy.App = (*App)(nil)
