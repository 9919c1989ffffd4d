// Package module is the SCIM gateway as a Caddy handler: it knows HTTP, and leaves what is inside documents to the
// transforms. Begin to read at serve.go, which has one request on one screen.
package module

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"github.com/caddy-scim/gateway/module/auth"
	"github.com/caddy-scim/gateway/module/dryrun"
	"github.com/caddy-scim/gateway/module/guard"
	"github.com/caddy-scim/gateway/module/keys"
	"github.com/caddy-scim/gateway/module/provlog"
	"github.com/caddy-scim/gateway/module/traffic"
	"github.com/caddy-scim/gateway/module/upstream"
	"github.com/caddy-scim/gateway/transforms/quirks"
	"github.com/caddy-scim/gateway/transforms/schema"
)

func init() { caddy.RegisterModule(Handler{}) }

// DefaultMaxBody is the size of a request's body where the configuration names none. A PATCH that adds 50,000 members to
// a group has 3.3 MB.
const DefaultMaxBody = 4 << 20

// Handler is a gateway for SCIM 2.0. An identity provider speaks to it; it checks the SCIM API key, turns what the
// provider really sends into canonical requests of RFC 7643 and RFC 7644, and carries them out on the handlers that
// follow in the route: a SCIM server behind reverse_proxy, or an organization's own API of members and groups.
//
// The SCIM root is whatever precedes the resource type in the path: /scim/v2 in /scim/v2/Users. One handler stands for one
// organization.
//
// Placeholders that the handler sets, for itself and for the handlers that follow:
//
// Placeholder | Description
// ------------|-------------
// `{http.auth.user.id}` | The name of the key; it is the user_id of the access log
// `{http.scim.root}` | The SCIM root of the request
// `{http.scim.resource}` | User, Group, or the discovery endpoint
// `{http.scim.verb}` | list, read, create, replace, patch or delete
// `{http.scim.id}` | The identifier in the path, percent-encoded
type Handler struct {
	// The name of the organization. Under it Caddy's storage has the keys that are made while the gateway runs
	// ("caddy scim key new"), revocations, and whether the organization is served. All gateways of one organization have
	// the same name. An upstream that is an organization has the name already, as its id. Default: none, and nothing of
	// that can be kept.
	Organization string `json:"organization,omitempty"`

	// The keys that the provider may present as a bearer token. At least one is required, or a client, or a tenant whose
	// tokens are accepted.
	Keys []auth.Key `json:"keys,omitempty"`

	// The clients that get a token at <root>/oauth2/token (RFC 6749 §4.4) and present that as a bearer token. Their key is
	// the client's secret, their name the client_id. Default: none, and there is no token endpoint.
	Clients []auth.Key `json:"clients,omitempty"`

	// The Entra tenants whose provisioning service is let in with the tokens that Entra signs itself, where the Secret
	// Token was left blank. Default: none.
	EntraTokens []auth.EntraToken `json:"entra_tokens,omitempty"`

	// How many requests without a valid key one address may send, before it is answered 429: an IPv4 address, or the /64 of
	// an IPv6 address. A valid key is never refused because of it. Default: 30 per 1m.
	Throttle *Throttle `json:"throttle,omitempty"`

	// What is done about the deviations of the provider.
	Quirks Quirks `json:"quirks,omitzero"`

	// Attributes that RFC 7643 does not define: their values are coerced and published by what they are declared to be.
	// The default is none.
	Attributes []schema.Custom `json:"attributes,omitempty"`

	// The limits that keep the provider from taking away the access of many people by mistake. On by default.
	Guard guard.Config `json:"guard,omitzero"`

	// What operations are carried out on. The default is {"kind": "scim"}: a SCIM server with the same root.
	UpstreamRaw json.RawMessage `json:"upstream,omitempty" caddy:"namespace=http.handlers.scim_gateway.upstreams inline_key=kind"`

	// How large a request's body may be, in bytes. The default is 4194304 (4 MiB).
	MaxBody int64 `json:"max_body,omitempty"`

	// How large one answer of the upstream may be, in bytes. The default is 67108864 (64 MiB).
	MaxResponse int64 `json:"max_response,omitempty"`

	// How long one call of the upstream may take. The default is 1m; a negative value turns the limit off.
	UpstreamTimeout caddy.Duration `json:"upstream_timeout,omitempty"`

	// The URL of the SCIM root as the provider knows it, for Location and meta.location. The default is taken from the
	// request: its scheme and host (of X-Forwarded-Proto and X-Forwarded-Host where a trusted proxy set them), and what
	// precedes the resource type.
	PublicURL string `json:"public_url,omitempty"`

	// Whether nothing is changed, neither upstream nor in the gateway's own memory: what would be changed is planned, told and
	// reported. What takes access away is answered 503, so that the provider comes back for it; everything else is answered as
	// if it was done. Default: false.
	DryRun bool `json:"dry_run,omitempty"`

	// Where every request is recorded: what was sent, what became of it and why. Default: nowhere.
	Log *provlog.Config `json:"provisioning_log,omitempty"`

	// Where SCIM requests are recorded with their answers, free of what tells who somebody is, to be replayed. Default:
	// nowhere.
	Record *traffic.Config `json:"record,omitempty"`

	ctx       caddy.Context
	logger    *zap.Logger
	sink      *provlog.Sink
	compared  *comparison
	recorder  *traffic.Recorder
	run       *dryrun.Opened // nil where what is said is done
	events    *caddyevents.App
	ring      *keys.Organization
	base      *atomic.Pointer[string] // of the last request, for people to see
	strangers *rate.Limiter           // of records of requests without a valid key
	keys      *auth.Keys
	set       *schema.Set
	norm      *quirks.Normalizer
	upstream  upstream.Upstream
	metrics   *metrics
	guard     *guard.Open
	peers     map[string]caddyhttp.MiddlewareHandler // reverse_proxy to the gateway that leads, by scheme
}

// Throttle is a limit of failures.
type Throttle struct {
	// Whether there is none. Default: false.
	Off bool `json:"off,omitempty"`

	auth.Rate
}

// Quirks says which deviations from RFC 7643 and RFC 7644 are normalized. "caddy scim quirks" lists them.
type Quirks struct {
	// The provider: entra, okta, onelogin, generic… The default is generic.
	Profile string `json:"profile,omitempty"`

	// Rules that are on, whatever the profile says. The default is none.
	Enable []string `json:"enable,omitempty"`

	// Rules that are off, whatever the profile says. The default is none.
	Disable []string `json:"disable,omitempty"`

	// How many operations one PATCH may have. The default is 50000.
	MaxOperations int `json:"max_operations,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.scim_gateway", New: func() caddy.Module { return new(Handler) }}
}

// Provision prepares everything that one configuration needs, so that a mistake is found when it is loaded and not by the
// first request.
func (h *Handler) Provision(ctx caddy.Context) (err error) {
	h.ctx, h.logger = ctx, ctx.Logger()
	if h.MaxBody == 0 {
		h.MaxBody = DefaultMaxBody
	}
	if h.metrics, err = registerMetrics(ctx.GetMetricsRegistry()); err != nil {
		return err
	}
	for _, part := range []struct {
		name string
		load func(caddy.Context) error
	}{
		{"dry_run", h.openDryRun}, {"upstream", h.loadUpstream}, {"cluster", h.loadPeers}, {"keys", h.loadKeys}, {"attributes", h.loadAttributes}, {"quirks", h.loadQuirks},
		{"guard", h.loadGuard}, {"events", h.loadEvents}, {"provisioning_log", h.openLog}, {"record", h.openRecord}, {"dry_run", h.tellDryRun}, {"drift", h.tellDrift},
	} {
		if err := part.load(ctx); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	h.base = new(atomic.Pointer[string])
	h.enter()
	if p, ok := h.upstream.(upstream.Preparer); ok {
		if err := p.Prepare(upstream.Gateway{Schemas: h.set, Quirks: h.norm, Logger: h.logger, Guard: h.guard, Timeout: time.Duration(h.UpstreamTimeout), Clients: h.keys.HasClients(), Settled: h.settled}); err != nil {
			return fmt.Errorf("upstream: %w", err)
		}
	}
	return nil
}

func (h *Handler) loadQuirks(caddy.Context) (err error) {
	h.norm, err = quirks.New(quirks.Config{
		Profile: h.Quirks.Profile, Enable: h.Quirks.Enable, Disable: h.Quirks.Disable,
		MaxOperations: h.Quirks.MaxOperations, MaxBytes: maxBytes(h.MaxBody), Schemas: h.set,
	})
	return err
}

// maxBytes returns how large a document may become while it is normalized: eight times what may come in, as by default.
func maxBytes(maxBody int64) int {
	const growth = quirks.DefaultMaxBytes / DefaultMaxBody
	return int(max(quirks.DefaultMaxBytes, min(maxBody, math.MaxInt/growth)*growth))
}

func (h *Handler) loadUpstream(ctx caddy.Context) error {
	if h.UpstreamRaw == nil {
		h.UpstreamRaw = json.RawMessage(`{"kind":"scim"}`)
	}
	if h.run != nil {
		ctx = dryrun.With(ctx, h.run.Run)
	}
	guest, err := ctx.LoadModule(h, "UpstreamRaw")
	if err != nil {
		return err
	}
	var ok bool
	if h.upstream, ok = guest.(upstream.Upstream); !ok {
		return fmt.Errorf("%T cannot carry operations out", guest)
	}
	return nil
}

// loadKeys makes the table of keys: those of the configuration, and those that the storage has for the organization.
func (h *Handler) loadKeys(ctx caddy.Context) error {
	name := h.Organization
	if named, ok := h.upstream.(upstream.Named); ok && named.Name() != "" {
		if name != "" && name != named.Name() {
			return fmt.Errorf("the organization has two names, %s and %s", name, named.Name())
		}
		name = named.Name()
	}
	org, err := keys.Open(ctx, name)
	if err != nil {
		return err
	}
	repl := caddy.NewReplacer()
	c := auth.Config{
		Keys: h.Keys, Clients: h.Clients, EntraTokens: h.EntraTokens, Organization: name,
		Resolve: func(s string) (string, error) { return repl.ReplaceOrErr(s, true, true) },
		Ring:    org.Ring(), Cache: org.App().Cache(), Now: time.Now,
	}
	if len(h.Clients) > 0 {
		c.Signers = org.App().Signers()
	}
	switch {
	case h.Throttle == nil:
		c.Throttle = org.App().Throttle(auth.DefaultThrottle)
	case !h.Throttle.Off:
		if err := h.Throttle.Check(); err != nil {
			return fmt.Errorf("throttle: %w", err)
		}
		c.Throttle = org.App().Throttle(h.Throttle.Rate)
	}
	if h.keys, err = auth.New(c); err != nil {
		return err
	}
	org.Declare(h.keys.Declared)
	h.ring = org
	return nil
}

// loadAttributes makes the schemas: with the operator's attributes, and those that the upstream's resources have beyond RFC 7643. The
// operator may have declared one of these too, for the mapping.
func (h *Handler) loadAttributes(caddy.Context) (err error) {
	all := slices.Clone(h.Attributes)
	if d, ok := h.upstream.(upstream.Declarer); ok {
		for _, a := range d.Attributes() {
			if !slices.Contains(all, a) {
				all = append(all, a)
			}
		}
	}
	h.set, err = schema.Standard().With(all...)
	return err
}

// Validate finds mistakes in what was not used yet.
func (h *Handler) Validate() error {
	if h.MaxBody < 0 || h.MaxResponse < 0 {
		return errors.New("max_body and max_response cannot be negative")
	}
	if h.PublicURL == "" {
		return nil
	}
	u, err := url.Parse(h.PublicURL)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("public_url %q is not an absolute URL without a query", h.PublicURL)
	}
	h.PublicURL = strings.TrimSuffix(h.PublicURL, "/")
	return nil
}

// Interface guards.
var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddy.Validator             = (*Handler)(nil)
	_ caddy.CleanerUpper          = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
