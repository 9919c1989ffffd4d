// Package relay is the upstream kind "scim": a SCIM server, called once for every operation. Begin to read at
// [Relay.Carry].
package relay

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-scim/gateway/module/upstream"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/patch"
	"github.com/caddy-scim/gateway/transforms/scim"
)

func init() { caddy.RegisterModule(Relay{}) }

// Relay carries operations out on a SCIM server: one call for one operation, canonical, under the server's own root, and one
// more for a deactivation whose answer does not show it.
type Relay struct {
	// The SCIM root of the server, such as /scim/v2 or /. The default is the root that the provider uses.
	Root string `json:"root,omitempty"`

	// The Content-Type of bodies, for servers that know application/json only. The default is application/scim+json.
	ContentType string `json:"content_type,omitempty"`

	gateway   upstream.Gateway
	rehearsal *rehearsal // nil where what is said is done
}

// CaddyModule returns the Caddy module information.
func (Relay) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: upstream.Namespace + ".scim", New: func() caddy.Module { return new(Relay) }}
}

// Validate finds mistakes in the configuration.
func (r *Relay) Validate() error {
	if r.Root != "" {
		u, err := url.ParseRequestURI(r.Root)
		if err != nil || u.Host != "" || u.RawQuery != "" || !strings.HasPrefix(r.Root, "/") || strings.HasPrefix(r.Root, "//") {
			return fmt.Errorf("the root %q is not a path such as /scim/v2", r.Root)
		}
	}
	if r.ContentType != "" {
		if _, _, err := mime.ParseMediaType(r.ContentType); err != nil {
			return errors.New("content_type is not a media type such as application/json")
		}
	}
	return nil
}

// Prepare learns what the gateway knows of schemas and rules.
func (r *Relay) Prepare(g upstream.Gateway) error {
	r.gateway = g
	return nil
}

// Features returns what a SCIM server that does not say it itself is taken to do: everything that the gateway lets through.
func (r *Relay) Features() scim.Features {
	return scim.Features{Patch: true, Filter: true, MaxResults: 1000, ETag: true}
}

// Carry implements [upstream.Upstream].
func (r *Relay) Carry(ctx context.Context, c *upstream.Caller, op *scim.Operation) (*scim.Answer, error) {
	if r.rehearsal != nil {
		return r.rehearse(ctx, c, op)
	}
	return r.send(ctx, c, op)
}

// send sends the operation on and makes its answer the gateway's own.
func (r *Relay) send(ctx context.Context, c *upstream.Caller, op *scim.Operation) (*scim.Answer, error) {
	if op.Verb == scim.Patch && patch.Empty(op.Body) { // a success (catalogue Q49) that many servers refuse, but not of a resource that there is not
		read := &scim.Operation{Type: op.Type, Verb: scim.Read, ID: op.ID, Base: op.Base}
		if _, err := r.send(ctx, c, read); err != nil {
			return nil, err
		}
		return &scim.Answer{Status: http.StatusNoContent}, nil
	}
	header := r.header(c, op)
	if err := r.elements(ctx, c, op, header); err != nil {
		return nil, err
	}
	call := upstream.Call{Method: methods[op.Verb], Path: r.root(c) + c.Path(), Header: header, Body: op.Body.Raw()}
	if op.Query.Raw != "" {
		call.Path += "?" + op.Query.Raw
	}
	a, err := c.Do(ctx, call)
	if err != nil {
		return nil, err
	}
	out, err := r.answer(c, op, a)
	if err == nil && op.Deactivates && op.Verb != scim.Create {
		err = r.mustBeOff(ctx, c, op, out)
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// mustBeOff makes sure that a user who was to be deactivated is. A server may leave that out of its answer, or answer without
// the user (RFC 7644 §3.5.2, §3.9): the user is read then, whatever condition the provider's request had. Where the server
// never shows "active", its word has to do.
func (r *Relay) mustBeOff(ctx context.Context, c *upstream.Caller, op *scim.Operation, out *scim.Answer) error {
	active, shown := activeIn(out)
	if !shown {
		a, err := c.Do(ctx, upstream.Call{Method: http.MethodGet, Path: r.root(c) + c.Path()})
		if err != nil {
			return err
		}
		out, err = r.answer(c, &scim.Operation{Type: op.Type, Verb: scim.Read, ID: op.ID, Base: op.Base}, a)
		if e, ok := errors.AsType[*scim.Error](err); ok && e.Status == http.StatusNotFound {
			return nil
		}
		if err != nil {
			return err
		}
		active, _ = activeIn(out)
	}
	if active.True() || active.Is("true") {
		return bad("the upstream answered that it deactivated the user, and showed the user active", nil)
	}
	return nil
}

// activeIn returns what an answer says of "active", and reports whether it does.
func activeIn(a *scim.Answer) (active doc.Value, shown bool) {
	d, err := doc.Scan(a.Body)
	if err != nil { // there is none
		return doc.Value{}, false
	}
	active, shown = d.Value().Lookup("active")
	return active, shown && active.Kind() != doc.Null
}

var methods = [...]string{
	scim.List: http.MethodGet, scim.Read: http.MethodGet, scim.Create: http.MethodPost,
	scim.Replace: http.MethodPut, scim.Patch: http.MethodPatch, scim.Delete: http.MethodDelete,
}

func (r *Relay) root(c *upstream.Caller) string {
	if r.Root == "" {
		return c.Root()
	}
	return strings.TrimSuffix(r.Root, "/")
}

func (r *Relay) header(c *upstream.Caller, op *scim.Operation) http.Header {
	h := c.Conditions()
	if r.ContentType != "" && !op.Body.IsZero() {
		h.Set("Content-Type", r.ContentType)
	}
	return h
}

// Discover relays a discovery document of the server, if it has one (RFC 7644 §4), as far as it is true in front of it. A
// server without leaves it to the gateway.
func (r *Relay) Discover(ctx context.Context, c *upstream.Caller, path, base string) (*scim.Answer, error) {
	a, err := c.Do(ctx, upstream.Call{Method: http.MethodGet, Path: r.root(c) + path})
	if err != nil {
		return nil, err
	}
	if a.Status == http.StatusNotFound || a.Status == http.StatusMethodNotAllowed || a.Status == http.StatusNotImplemented {
		return nil, nil //nolint:nilnil // documented: the gateway writes the document
	}
	if err := refusal(a); err != nil {
		return nil, err
	}
	d, err := a.Doc()
	if err != nil || !a.OK() {
		return nil, nil //nolint:nilnil,nilerr // an HTML page is no discovery document either
	}
	f := r.Features()
	f.Clients = r.gateway.Clients
	body, err := scim.Adopt(d, path, base, r.gateway.Schemas, f)
	if body == nil {
		return nil, err
	}
	return &scim.Answer{Status: http.StatusOK, Body: body}, nil
}

// Interface guards.
var (
	_ upstream.Upstream   = (*Relay)(nil)
	_ upstream.Discoverer = (*Relay)(nil)
	_ upstream.Preparer   = (*Relay)(nil)
	_ caddy.Validator     = (*Relay)(nil)
)
