package keys

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-scim/gateway/module/admin"
	"github.com/caddy-scim/gateway/module/auth"
)

// Status is what "caddy scim status" tells of the keys.
type Status struct {
	Problems []string `json:"problems,omitempty"`
	Keys     []Info   `json:"keys"`
}

func (o *Organization) status(ctx context.Context) (any, error) {
	all := o.List(ctx)
	return Status{o.problems(time.Now(), all), all}, nil
}

// request is the body of every action on keys.
type request struct {
	// The name of the new key, or the name or id of the one that is meant.
	Name string `json:"name"`

	// The new key, or better its hash, so that it does not travel. Without one the gateway makes it, and answers with it.
	Key string `json:"key"`

	Scope     []string   `json:"scope"`
	From      []string   `json:"from"`
	Limit     *auth.Rate `json:"limit"`
	NotBefore string     `json:"not_before"`
	Expires   string     `json:"expires"`

	// Of a revocation: from when on.
	At time.Time `json:"at"`

	// Of a rotation: how long the old key stays valid. Default: until it is revoked.
	Keep caddy.Duration `json:"keep"`
}

// made is the answer where a key was made.
type made struct {
	Info
	Key string `json:"key,omitempty"` // where the gateway made it: this once
}

func (o *Organization) actions() map[string]admin.Action {
	return map[string]admin.Action{
		"new": func(ctx context.Context, body json.RawMessage) (any, error) {
			r, secret, err := read(body)
			if err != nil {
				return nil, err
			}
			i, err := o.New(ctx, Record{Key: auth.Key{
				Name: r.Name, Key: r.Key, Scope: r.Scope, From: r.From, Limit: r.Limit, NotBefore: r.NotBefore, Expires: r.Expires,
			}})
			return made{i, secret}, err
		},
		"rotate": func(ctx context.Context, body json.RawMessage) (any, error) {
			r, secret, err := read(body)
			if err != nil {
				return nil, err
			}
			i, err := o.Rotate(ctx, r.Name, r.Key, r.Expires, time.Duration(r.Keep))
			return made{i, secret}, err
		},
		"revoke": func(ctx context.Context, body json.RawMessage) (any, error) {
			r, _, err := read(body)
			if err != nil {
				return nil, err
			}
			if err := o.Revoke(ctx, r.Name, r.At); err != nil {
				return nil, err
			}
			return o.find(r.Name)
		},
	}
}

func read(body json.RawMessage) (r request, secret string, err error) {
	if json.Unmarshal(body, &r) != nil { // its error would show what was sent
		return r, "", admin.BadRequest("the body is not what this action takes")
	}
	if r.Key == "" {
		secret = auth.Generate()
		r.Key = secret
	}
	return r, secret, nil
}

// provisioning returns what "caddy scim status" tells of whether the organization is served.
func (o *Organization) provisioning(context.Context) (any, error) {
	s := o.State()
	told := struct {
		Problems []string  `json:"problems,omitempty"`
		State    string    `json:"state"`
		Since    time.Time `json:"since,omitzero"`
	}{State: s.String(), Since: s.Since}
	if s.Disabled != 0 || s.Paused {
		told.Problems = []string{"provisioning is " + s.String() + ": who is to lose access keeps it"}
	}
	return told, nil
}

// switches returns the actions that change whether the organization is served. What one of them does not name stays as it is:
// a paused organization that is disabled and enabled is paused.
func (o *Organization) switches() map[string]admin.Action {
	set := func(change func(State, int) State) admin.Action {
		return func(ctx context.Context, body json.RawMessage) (any, error) {
			var r struct {
				Status int `json:"status"`
			}
			if json.Unmarshal(body, &r) != nil || r.Status != 0 && r.Status != http.StatusUnauthorized && r.Status != http.StatusServiceUnavailable {
				return nil, admin.BadRequest("the status of a disabled organization is 401 or 503")
			}
			s, err := o.Set(ctx, func(s State) State { return change(s, r.Status) })
			return map[string]any{"state": s.String(), "since": s.Since}, err
		}
	}
	return map[string]admin.Action{
		"disable": set(func(s State, status int) State { s.Disabled = cmp.Or(status, http.StatusUnauthorized); return s }),
		"enable":  set(func(s State, _ int) State { s.Disabled = 0; return s }),
		"pause":   set(func(s State, _ int) State { s.Paused = true; return s }),
		"resume":  set(func(s State, _ int) State { s.Paused = false; return s }),
	}
}
