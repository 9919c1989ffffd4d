package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

func init() { caddy.RegisterModule(router{}) }

const (
	prefix  = "/scim_gateway/"
	maxBody = 1 << 20
)

// router is the gateway's routes in Caddy's admin API:
//
//	GET  /scim_gateway/status[?organization=<name>]                 what all parts tell
//	GET  /scim_gateway/<part>[?organization=<name>]                 what one part tells
//	POST /scim_gateway/<part>/<action>[?organization=<name>]        an action, with a JSON body
//
// The organization may be left out where only one has the part.
type router struct{}

// CaddyModule returns the Caddy module information.
func (router) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "admin.api.scim_gateway", New: func() caddy.Module { return new(router) }}
}

// Routes implements [caddy.AdminRouter].
func (router) Routes() []caddy.AdminRoute {
	return []caddy.AdminRoute{{Pattern: prefix, Handler: caddy.AdminHandlerFunc(serve)}}
}

func serve(w http.ResponseWriter, r *http.Request) error {
	if !near(w, r) {
		return failure(http.StatusForbidden, "this is for the machine itself; Caddy's admin option origins says who else may ask")
	}
	name, action, deep := strings.Cut(strings.TrimPrefix(r.URL.Path, prefix), "/")
	organization, said := r.URL.Query().Get("organization"), r.URL.Query().Has("organization")
	var answer any
	var err error
	switch {
	case !deep && r.Method != http.MethodGet, deep && r.Method != http.MethodPost:
		return failure(http.StatusMethodNotAllowed, "GET tells something, POST to an action does something")
	case !deep && name == "status":
		answer, err = status(r, organization, said)
	default:
		var p Part
		if p, err = pick(running(), name, organization, said); err != nil {
			return err
		}
		if deep {
			answer, err = act(r, p, action)
		} else {
			answer, err = tell(r, p)
		}
	}
	if err != nil {
		return err
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, err = w.Write(append(text, '\n'))
	return err
}

// near reports whether a request may be answered: it comes from this machine; or through the remote admin endpoint, where
// Caddy has checked its certificate; or Caddy has found its origin among those of its own configuration. A listener for
// all addresses without the option origins lets nobody else in, although Caddy then does not look at the host.
func near(w http.ResponseWriter, r *http.Request) bool {
	if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
		return true
	}
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && local.Network() == "unix" {
		return true
	}
	if from, err := netip.ParseAddrPort(r.RemoteAddr); err == nil && from.Addr().Unmap().IsLoopback() {
		return true
	}
	origin, err := url.Parse(w.Header().Get("Access-Control-Allow-Origin"))
	if err != nil || origin.Hostname() == "" {
		return false
	}
	addr, err := netip.ParseAddr(origin.Hostname())
	return err != nil || !addr.IsUnspecified()
}

// pick finds the part that is meant.
func pick(parts []Part, name, organization string, said bool) (found Part, err error) {
	var owners []string
	for _, p := range parts {
		if p.Name != name {
			continue
		}
		if said && p.Organization == organization || p.Organization == "" && !said {
			return p, nil
		}
		owners, found = append(owners, p.Organization), p
	}
	switch {
	case len(owners) == 0:
		return Part{}, NotFound("no gateway of the running configuration has %q", name)
	case said:
		return Part{}, NotFound("there is no organization %q; there are: %s", organization, list(owners))
	case len(owners) > 1:
		return Part{}, BadRequest("say for which organization; there are: %s", list(owners))
	}
	return found, nil
}

func list(names []string) string {
	slices.Sort(names)
	const most = 20
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

func act(r *http.Request, p Part, name string) (any, error) {
	action := p.Actions[name]
	if action == nil {
		return nil, NotFound("%s cannot %q", p.Name, name)
	}
	// A page of another site cannot send this type without asking first.
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return nil, failure(http.StatusUnsupportedMediaType, "the Content-Type is not application/json")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxBody || !json.Valid(body) {
		return nil, BadRequest("the body is no JSON of at most %d bytes", maxBody)
	}
	answer, err := action(r.Context(), body)
	return answer, asAPIError(err)
}

func tell(r *http.Request, p Part) (any, error) {
	if p.Status == nil {
		return struct{}{}, nil
	}
	answer, err := p.Status(r.Context())
	return answer, asAPIError(err)
}

// status returns what all parts tell. One that cannot tell says so in its place.
func status(r *http.Request, organization string, said bool) (any, error) {
	process, each, names := map[string]any{}, map[string]map[string]any{}, []string{}
	for _, p := range running() {
		if p.Organization != "" && each[p.Organization] == nil && (!said || p.Organization == organization) {
			each[p.Organization] = map[string]any{"name": p.Organization}
			names = append(names, p.Organization)
		}
		to := each[p.Organization]
		if p.Organization == "" {
			to = process
		}
		if p.Status == nil || to == nil {
			continue
		}
		to[p.Name] = p.tell(r.Context())
	}
	if said && len(names) == 0 {
		return nil, NotFound("there is no organization %q", organization)
	}
	slices.Sort(names)
	organizations := make([]any, len(names))
	for i, name := range names {
		organizations[i] = each[name]
	}
	process["organizations"] = organizations
	return process, nil
}

func failure(status int, format string, args ...any) error {
	return caddy.APIError{HTTPStatus: status, Err: fmt.Errorf(format, args...)}
}

// BadRequest returns an error that says what is wrong with what was asked.
func BadRequest(format string, args ...any) error {
	return failure(http.StatusBadRequest, format, args...)
}

// NotFound returns an error that says what is not there.
func NotFound(format string, args ...any) error {
	return failure(http.StatusNotFound, format, args...)
}

// Conflict returns an error that says what stands in the way.
func Conflict(format string, args ...any) error {
	return failure(http.StatusConflict, format, args...)
}

// asAPIError takes an error out of what wraps it: Caddy looks at the outermost one only.
func asAPIError(err error) error {
	if e, ok := errors.AsType[caddy.APIError](err); ok {
		return e
	}
	return err
}

var _ caddy.AdminRouter = router{}
