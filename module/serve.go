package module

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-scim/gateway/module/auth"
	"github.com/caddy-scim/gateway/module/provlog"
	"github.com/caddy-scim/gateway/module/span"
	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/module/upstream"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/quirks"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// exchange is one SCIM request on its way through the gateway.
type exchange struct {
	h       *Handler
	w       http.ResponseWriter
	r       *http.Request
	start   time.Time
	id      auth.Identity
	refused *auth.Refusal // that nobody was let in
	route   route
	query   string
	verb    scim.Verb
	routed  bool
	read    bool // the body, to its end
	base    string
	account quirks.Account
	scanned doc.Doc // the document as it came
	op      scim.Operation
	calls   *upstream.Caller
	body    []byte // as it came
	peer    bool   // another gateway of the cluster has sent it
	traced  bool   // by Caddy's tracing
	sent    bool   // it was sent on to the gateway that leads, and has been answered
	trace   *trace.Trace
	tell    func(*provlog.Entry, error) // of whoever watches the request
}

// ServeHTTP carries one SCIM request out. It answers in every case itself: an error that Caddy writes has no body, and a
// provider could not tell what it was.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if h.keys.HasClients() && strings.HasSuffix(r.URL.Path, tokenEndpoint) {
		h.grant(w, r)
		return nil
	}
	x := &exchange{h: h, w: w, r: r, start: time.Now(), traced: span.Traced(r.Context()), trace: &trace.Trace{Dry: h.DryRun}}
	x.tell, _ = r.Context().Value(watchKey{}).(func(*provlog.Entry, error))
	if h.sink != nil || x.tell != nil {
		x.account.Limit = recordedRules
	}
	if x.health() {
		return nil
	}
	x.recognize()
	answer, err := x.run(next)
	if x.sent { // the gateway that led has counted and logged it
		x.recordSent()
		return nil
	}
	status := x.answer(answer, err)
	x.record(status, answer, err)
	return nil
}

// run is the whole of it: who asks, where to, may it come in, what does it mean, do it.
func (x *exchange) run(next caddyhttp.Handler) (_ *scim.Answer, err error) {
	defer func() {
		switch v := recover(); v {
		case nil:
		case http.ErrAbortHandler:
			panic(v)
		default:
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	if err := x.phase(span.Authenticate, x.authenticate); err != nil {
		return nil, err
	}
	if err := x.locate(); err != nil {
		return nil, err
	}
	if err := x.phase(span.Admit, x.admit); err != nil {
		return nil, err
	}
	x.calls = upstream.New(next, x.r, upstream.Config{
		MaxResponse: x.h.MaxResponse, Timeout: time.Duration(x.h.UpstreamTimeout), Root: x.route.root, Path: x.route.suffix(), Account: &x.account,
		Gate: x.h.gate(),
	})
	if !x.route.resource() {
		return x.discover(x.r.Context())
	}
	if err := x.phase(span.Normalize, x.normalize); err != nil {
		return nil, err
	}
	if x.verb.Writes() && x.h.keys.Paused() {
		return nil, &scim.Error{Status: http.StatusServiceUnavailable, RetryAfter: time.Minute, Detail: "changes of this organization are paused; try again later"}
	}
	return x.lead()
}

// phase is one step of the request, with a span of its own where the request is traced.
func (x *exchange) phase(name string, step func() error) (err error) {
	if !x.traced {
		return step()
	}
	_, s := span.Start(x.r.Context(), name)
	defer func() { span.End(s, err) }()
	return step()
}

// locate finds the endpoint.
func (x *exchange) locate() (err error) {
	u := x.r.URL
	if len(u.RawPath)+len(u.Path)+len(u.RawQuery) > maxURI {
		return scim.Errorf(http.StatusRequestURITooLong, "", "the URL is longer than %d bytes", maxURI)
	}
	var path string
	path, x.query = x.h.norm.URL(u.EscapedPath(), u.RawQuery, &x.account)
	x.route, err = parseRoute(path)
	return err
}

// authenticate finds out who asks.
func (x *exchange) authenticate() error {
	x.id, x.refused = x.h.keys.Authenticate(x.r, clientIP(x.r.Context()))
	if x.peer && x.refused != nil {
		x.refused.OfPeer()
	}
	if x.refused != nil {
		if x.refused.Reason == auth.Throttled {
			x.h.keys.Throttle.Slow(x.r.Context())
		}
		return x.refused.Error()
	}
	if repl, ok := x.r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		repl.Set("http.auth.user.id", x.id.Name) // an authentication before the gateway may have set it too
		repl.Map(x.placeholder)
	}
	return nil
}

// admit decides by everything but the document's content whether the request is one for the gateway, and reads the body.
func (x *exchange) admit() (err error) {
	if x.verb, err = x.route.verb(x.r.Method); err != nil {
		return err
	}
	x.routed = true
	if !x.id.Allows(x.route.endpoint, x.verb.Writes()) {
		return auth.Forbidden()
	}
	if x.base = x.h.PublicURL; x.base == "" {
		x.base = publicBase(x.r, x.route)
	}
	if known := x.h.base.Load(); known == nil || *known != x.base {
		x.h.base.Store(&x.base)
	}
	if !x.verb.Writes() || x.verb == scim.Delete {
		return nil
	}
	if err := checkMedia(x.r.Header, func() bool { return x.h.norm.Untyped(&x.account) }); err != nil {
		return err
	}
	x.body, err = readBody(x.w, x.r, x.h.MaxBody)
	x.read = err == nil
	return err
}

// normalize makes the operation of the request: everything in it is canonical then.
func (x *exchange) normalize() (err error) {
	rt := x.h.set.User
	if x.route.endpoint == groups {
		rt = x.h.set.Group
	}
	op := &x.op
	op.Type, op.Verb, op.ID, op.Base = rt, x.verb, x.route.id, x.base
	if op.Query, err = x.h.norm.Query(rt, x.verb, x.query, &x.account); err != nil {
		return err
	}
	if x.body != nil {
		if x.scanned, err = x.h.norm.Scan(x.body, &x.account); err != nil {
			return err
		}
		if op.Body, err = x.h.norm.Body(rt, x.verb, x.route.id, x.scanned, &x.account); err != nil {
			return err
		}
		op.Deactivates = rt == x.h.set.User && quirks.Deactivates(op.Body)
	}
	return nil
}

// discover answers a discovery request: with the upstream's own document where it has one, else with one that is made
// from what the upstream does. Query parameters have no effect (RFC 7644 §4).
func (x *exchange) discover(ctx context.Context) (*scim.Answer, error) {
	if d, ok := x.h.upstream.(upstream.Discoverer); ok {
		a, err := d.Discover(ctx, x.calls, x.route.suffix(), x.base)
		if a != nil || err != nil {
			return a, err
		}
	}
	var body []byte
	var err error
	features, set := x.h.upstream.Features(), x.h.set
	features.Clients = x.h.keys.HasClients()
	switch {
	case x.route.endpoint == serviceProviderConfig:
		body = scim.ServiceProviderConfig(features, x.base)
	case x.route.endpoint == schemas && x.route.id == "":
		body = scim.Schemas(set, features, x.base)
	case x.route.endpoint == schemas:
		body, err = scim.Schema(set, features, x.base, x.route.id)
	case x.route.id == "":
		body = scim.ResourceTypes(set, features, x.base)
	default:
		body, err = scim.ResourceType(set, features, x.base, x.route.id)
	}
	if err != nil {
		return nil, err
	}
	return &scim.Answer{Status: http.StatusOK, Body: body}, nil
}

// resource names what the request is about, from a fixed set: it is a label of metrics.
func (x *exchange) resource() string {
	switch x.route.endpoint {
	case users:
		return "User"
	case groups:
		return "Group"
	case "":
		return "none"
	}
	return x.route.endpoint[1:]
}

// placeholder is the value of one of the gateway's own placeholders.
func (x *exchange) placeholder(key string) (any, bool) {
	switch key {
	case "http.scim.root":
		return x.route.root, true
	case "http.scim.resource":
		return x.resource(), true
	case "http.scim.verb":
		return x.word(), true
	case "http.scim.id":
		return x.route.escaped, true
	}
	return nil, false
}

func clientIP(ctx context.Context) string {
	s, _ := caddyhttp.GetVar(ctx, caddyhttp.ClientIPVarKey).(string)
	return s
}

// asError is any error as one that the provider can be told.
func asError(err error) *scim.Error {
	if e, ok := errors.AsType[*scim.Error](err); ok {
		return e
	}
	return &scim.Error{Status: http.StatusInternalServerError, Detail: "something went wrong in the gateway", Cause: err}
}
