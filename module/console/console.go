// Package console is a handler that shows administrators what the gateways of a configuration do: pages made on the server,
// with no script that they need. This file finds out who asks; pages.go has the pages, act.go what can be done on them.
package console

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/caddy-scim/gateway/module"
)

func init() { caddy.RegisterModule(Console{}) }

// Console shows what the gateways of this configuration do, to administrators. Whoever may see it can read about people
// and change keys: it answers a client that is not on this machine only if an authentication before it (basic_auth,
// forward_auth) has said who asks.
type Console struct {
	// The path of the console; everything else goes to the next handler. The default is /console.
	Path string `json:"path,omitempty"`

	// The organizations that are shown, by their names. The default is all of the configuration.
	Organizations []string `json:"organizations,omitempty"`

	// Who asks: a placeholder that an authentication before the console has set. The default is {http.auth.user.id}, which
	// basic_auth sets. With forward_auth it is a header that copy_headers takes over, such as
	// {http.request.header.Remote-User}.
	User string `json:"user,omitempty"`

	// Whether everybody may see and change everything. Default: false.
	Insecure bool `json:"insecure,omitempty"`

	ctx    caddy.Context
	logger *zap.Logger
	csrf   []byte
	origin *http.CrossOriginProtection
	ended  chan struct{} // closed when the configuration ends: nobody may keep its pages open
	now    func() time.Time
}

// DefaultPath is where the console is if nothing else is said.
const DefaultPath = "/console"

// CaddyModule returns the Caddy module information.
func (Console) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.scim_console", New: func() caddy.Module { return new(Console) }}
}

// Provision prepares the console.
func (c *Console) Provision(ctx caddy.Context) error {
	c.ctx, c.logger = ctx, ctx.Logger()
	if c.Path == "" {
		c.Path = DefaultPath
	}
	if c.User == "" {
		c.User = "{http.auth.user.id}"
	}
	c.csrf, c.origin, c.ended, c.now = []byte(rand.Text()), http.NewCrossOriginProtection(), make(chan struct{}), time.Now
	if c.Insecure {
		c.logger.Warn("the console is open to everybody who can reach it: insecure is on")
	}
	return c.Check()
}

// Check reports what is wrong with the configuration.
func (c *Console) Check() error {
	if p := c.Path; p != "" && (!strings.HasPrefix(p, "/") || strings.HasSuffix(p, "/") || strings.ContainsAny(p, "*?#{ ")) {
		return fmt.Errorf("path %q is no path such as /console", p)
	}
	if c.User != "" && !strings.Contains(c.User, "{") {
		return fmt.Errorf("user %q is no placeholder: it would be everybody", c.User)
	}
	return nil
}

// Cleanup ends what is still open.
func (c *Console) Cleanup() error {
	if c.ended != nil {
		close(c.ended)
	}
	return nil
}

// policy lets pages load what the console itself serves, and nothing else.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// ServeHTTP serves the pages.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	path, ok := strings.CutPrefix(r.URL.Path, c.Path)
	if !ok || path != "" && path[0] != '/' {
		return next.ServeHTTP(w, r)
	}
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "strict-origin") // the name that somebody has looked for is in an address
	h.Set("Cache-Control", "no-store")
	p := &page{Console: c, w: w, r: r}
	var allowed bool
	if p.User, allowed = c.user(r); !allowed {
		return p.refuse(http.StatusForbidden, "The console needs an authentication",
			"Put basic_auth or forward_auth before scim_console, or open it on the machine itself at a loopback address.")
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		if err := c.sameOrigin(r, p.User); err != nil {
			return p.refuse(http.StatusForbidden, "That did not come from a page of the console", "Open the page again, and try once more.")
		}
	}
	if r.URL.Query().Get("q") != "" {
		// The access log would have the name. Who has looked is worth a line all the same.
		caddyhttp.SetVar(r.Context(), caddyhttp.LogSkipVar, true)
		c.logger.Info("somebody was looked for in the console", zap.String("user", p.User), zap.String("path", r.URL.Path))
	}
	return p.serve(path)
}

// user finds out who asks, and whether that is enough. A client on this machine needs no name, if it asked for this machine
// by its own name: a page from elsewhere that a browser was led to by DNS has another.
func (c *Console) user(r *http.Request) (name string, allowed bool) {
	if repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		name = repl.ReplaceAll(c.User, "")
	}
	return name, name != "" || c.Insecure || local(r)
}

func local(r *http.Request) bool {
	if r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Forwarded") != "" || r.Header.Get("Via") != "" {
		return false
	}
	client, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !client.Addr().Unmap().IsLoopback() {
		return false
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// token shows that a form came from a page of this console.
func (c *Console) token(user string) string {
	mac := hmac.New(sha256.New, c.csrf)
	_, _ = mac.Write([]byte(user))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func (c *Console) sameOrigin(r *http.Request, user string) error {
	if err := c.origin.Check(r); err != nil {
		return err
	}
	r.Body = http.MaxBytesReader(nil, r.Body, 64<<10)
	if !hmac.Equal([]byte(r.PostFormValue("csrf")), []byte(c.token(user))) {
		return errors.New("the form has no valid token")
	}
	return nil
}

// gateways returns those that may be seen here, by name.
func (c *Console) gateways() []*module.Handler {
	all := module.Gateways(c.ctx)
	if len(c.Organizations) > 0 {
		all = slices.DeleteFunc(all, func(h *module.Handler) bool { return !slices.Contains(c.Organizations, h.Name()) })
	}
	return all
}

// Interface guards.
var (
	_ caddy.Provisioner           = (*Console)(nil)
	_ caddy.CleanerUpper          = (*Console)(nil)
	_ caddyhttp.MiddlewareHandler = (*Console)(nil)
)
