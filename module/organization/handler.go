// Package organization is the embedded organization: a Caddy handler with a store of its own that speaks the members and
// groups API which Bitwarden calls its Public API. It is what a person tries the gateway against without installing
// anything else, and what tests provision. It shares no code with the gateway on purpose: the two only meet over HTTP, so a
// mistake that both would make cannot hide. Begin to read at serve.go; tx.go is everything that a change may do to the
// store.
package organization

import (
	"errors"
	"fmt"
	"net/http"
	"path/filepath"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
)

func init() {
	caddy.RegisterModule(Handler{})
}

// Handler is an organization with members and groups, kept in a file, behind the API of Bitwarden's Public API.
//
// It answers `POST /identity/connect/token` (also `/connect/token`) and everything under `/api/public/` and
// `/public/`; any other path is its own 404, since it is the end of a route. Put it behind `handle_path` to serve
// it under a prefix. What it acknowledged is on disk: a killed process loses nothing.
//
// It sends no e-mail. Two routes which Bitwarden does not have let a person play the invited member:
// `POST /api/public/members/{id}/accept` and `POST /api/public/members/{id}/confirm`.
type Handler struct {
	// Store is the file that holds the organization. It is created, with its folder, when it does not exist. A
	// relative path is relative to the working directory. Default: `scim_organization.db` in Caddy's data
	// directory. Handlers with the same file share one organization; two processes cannot. Placeholders are
	// resolved when the configuration is loaded.
	Store string `json:"store,omitempty"`

	// ClientID is the OAuth2 client id, `organization.` followed by a GUID. Required. Placeholders are resolved
	// when the configuration is loaded.
	ClientID string `json:"client_id,omitempty"`

	// ClientSecret is the OAuth2 client secret, or `sha256:` followed by the hexadecimal SHA-256 hash of it, so
	// that the configuration need not hold the secret. Required. Placeholders are resolved when the configuration
	// is loaded.
	ClientSecret string `json:"client_secret,omitempty"`

	// Seats is how many members may be invited, accepted or confirmed at the same time; revoked and staged
	// members take no seat. Default: 0, which means no limit.
	Seats int `json:"seats,omitempty"`

	// Owner is the e-mail address of a confirmed owner, who is created when the organization has no confirmed
	// owner yet. Without one the rules that protect the last owner have nobody to protect. Default: nobody.
	// Placeholders are resolved when the configuration is loaded.
	Owner string `json:"owner,omitempty"`

	client client
	file   string // the canonical path of the store
	held   bool   // whether the pool counts this handler as a user of the store
	org    *organization
	logger *zap.Logger
}

// CaddyModule returns the Caddy module information.
func (Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.scim_organization",
		New: func() caddy.Module { return new(Handler) },
	}
}

// pool shares an open store between the configurations of one process: during a reload the new handler is
// provisioned while the old one still serves, and the file lock admits one opener only.
var pool = caddy.NewUsagePool()

// organization is what outlives a reload: the store, and the tokens that were handed out.
type organization struct {
	*store
	tokens tokens
}

// Destruct closes the store when the last handler that used it is gone.
func (o *organization) Destruct() error { return o.close() }

// Provision opens the store and creates the owner. It has to happen here and not at the first request, so that a
// store that cannot be opened is an error of the configuration.
func (h *Handler) Provision(ctx caddy.Context) error {
	h.logger = ctx.Logger()
	repl := caddy.NewReplacer()
	for _, field := range []*string{&h.Store, &h.ClientID, &h.ClientSecret, &h.Owner} {
		v, err := repl.ReplaceOrErr(*field, true, true)
		if err != nil {
			return err
		}
		*field = v
	}
	var err error
	if h.client, err = newClient(h.ClientID, h.ClientSecret); err != nil {
		return err
	}
	if h.Seats < 0 {
		return errors.New("seats: must not be negative")
	}
	if h.Owner != "" {
		if err := CheckEmail(h.Owner); err != nil {
			return fmt.Errorf("owner: %w", err)
		}
	}
	file := h.Store
	if file == "" {
		file = filepath.Join(caddy.AppDataDir(), "scim_organization.db")
	}
	if file, err = canonicalPath(file); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	shared, _, err := pool.LoadOrNew(file, func() (caddy.Destructor, error) {
		s, err := openStore(file)
		if err != nil {
			return nil, err
		}
		return &organization{store: s}, nil
	})
	if err != nil {
		return fmt.Errorf("store %s: %w", file, err)
	}
	h.file, h.held = file, true
	h.org = shared.(*organization) // the pool holds nothing else
	return h.createOwner()
}

// Cleanup gives the store back. Caddy also calls it after a failed Provision, when there may be nothing to give.
func (h *Handler) Cleanup() error {
	if !h.held {
		return nil
	}
	h.held = false
	// org stays: a slow request may still be served, and has to find a closed store, not a missing one.
	_, err := pool.Delete(h.file)
	return err
}

// ServeHTTP answers the request. It never calls the next handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	h.serve(w, r)
	return nil
}

var (
	_ caddy.Module                = (*Handler)(nil)
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddy.CleanerUpper          = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
