package module

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-scim/gateway/module/cluster"
	"github.com/caddy-scim/gateway/module/span"
	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/module/upstream"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// Headers of a request that one gateway of a cluster sends to another one: who the client is, how it asked, and what shows
// that a gateway says so.
const (
	peerClient    = "Scim-Gateway-Client"
	peerProto     = "Scim-Gateway-Proto"
	peerHost      = "Scim-Gateway-Host"
	peerSignature = "Scim-Gateway-Peer"
)

// leaderKey is the placeholder for the address of the gateway that leads.
const leaderKey = "http.scim.leader"

// seat returns the place of the organization in the cluster; nil where the upstream is no organization.
func (h *Handler) seat() *cluster.Seat {
	if s, ok := h.upstream.(upstream.Seated); ok {
		return s.Seat()
	}
	return nil
}

// loadPeers makes what requests are sent on with to the gateway that leads. Connections are not kept: one that the leader
// closes, since it is reloaded, would take a request with it that nobody may repeat.
func (h *Handler) loadPeers(ctx caddy.Context) error {
	if c, ok := h.upstream.(upstream.Clustered); !ok || !c.Clustered() {
		return nil
	}
	h.peers = map[string]caddyhttp.MiddlewareHandler{}
	for scheme, transport := range map[string]string{
		"http": `{"protocol":"http","keep_alive":{"enabled":false}}`,
		// The other gateways serve the same sites, with the same names.
		"https": `{"protocol":"http","keep_alive":{"enabled":false},"tls":{"server_name":"{http.request.host}"}}`,
	} {
		v, err := ctx.LoadModuleByID("http.handlers.reverse_proxy", json.RawMessage(`{
			"upstreams":[{"dial":"{`+leaderKey+`}"}],
			"transport":`+transport+`,
			"headers":{"request":{"set":{"Host":["{http.request.hostport}"]}}}
		}`))
		if err != nil {
			return err
		}
		h.peers[scheme] = v.(caddyhttp.MiddlewareHandler) //nolint:forcetypeassert // it is one
	}
	return nil
}

// lead carries the operation out where this gateway leads, and sends the request on to the one that does where it does not.
func (x *exchange) lead() (*scim.Answer, error) {
	ctx := trace.With(x.r.Context(), x.trace)
	if x.leaver() { // access is taken away whether the client waits for it or not
		ctx = context.WithoutCancel(ctx)
	}
	seat := x.h.seat()
	if seat == nil {
		return x.relayed(ctx)
	}
	asked := cluster.Asked{Forwarded: x.peer, Leaver: x.leaver()}
	for {
		turn, err := x.begin(ctx, seat, asked)
		if err == nil {
			defer turn.End()
			return x.carry(turn.With(ctx))
		}
		leader, ok := errors.AsType[*cluster.Standby](err)
		if !ok || x.peer || leader.Address == "" {
			return nil, err
		}
		failed := x.phase(span.Forward, func() error { return x.forward(seat, leader) })
		switch {
		case failed == nil:
			x.sent = true
			return nil, nil
		case !upstream.Unreachable(failed) && !asked.Fresh && x.repeatable():
			// It was reloaded, or was replaced while it had the request. Whether it was carried out nobody knows.
			asked.Fresh = true
			continue
		case !upstream.Unreachable(failed):
			return nil, &scim.Error{
				Status: http.StatusServiceUnavailable, RetryAfter: time.Second, Cause: failed,
				Detail: "the gateway that provisions the organization did not answer; try again",
			}
		}
		seat.Suspect()
		if asked.Fresh { // asked anew, and it still is the one
			e := asError(err)
			return nil, &scim.Error{
				Status: http.StatusServiceUnavailable, RetryAfter: e.RetryAfter, Cause: failed,
				Detail: "the gateway that provisions the organization cannot be reached; another one takes its place when it stays away; try again",
			}
		}
		asked.Take, asked.Fresh = leader.Idle, true
	}
}

// begin waits for the turn. That another gateway leads is no failure.
func (x *exchange) begin(ctx context.Context, seat *cluster.Seat, asked cluster.Asked) (*cluster.Turn, error) {
	ctx, s := span.Start(ctx, span.Lead)
	turn, err := seat.Begin(ctx, asked)
	if _, standby := errors.AsType[*cluster.Standby](err); standby {
		span.End(s, nil)
	} else {
		span.End(s, err)
	}
	return turn, err
}

// repeatable reports whether it makes no difference if the operation is carried out twice. What is created twice is a
// conflict, and what is deleted twice is not there.
func (x *exchange) repeatable() bool { return x.verb != scim.Create && x.verb != scim.Delete }

// leaver reports whether the operation takes somebody's access away.
func (x *exchange) leaver() bool {
	return x.route.endpoint == users && (x.verb == scim.Delete || x.op.Deactivates)
}

// forward sends the request on as it came. Nothing was answered where no connection came about.
func (x *exchange) forward(seat *cluster.Seat, leader *cluster.Standby) error {
	scheme, address, err := leader.Target()
	if err != nil {
		return err
	}
	ctx, cancel := seat.While(x.r.Context(), leader)
	defer cancel()
	r := x.r.Clone(ctx)
	if orig, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok && orig.URL != nil {
		url := *orig.URL
		r.URL, r.RequestURI = &url, orig.RequestURI
	}
	if x.body != nil {
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(x.body)), int64(len(x.body))
	}
	proto, host := publicHost(r)
	client := clientIP(r.Context())
	r.Header.Set(peerClient, client)
	r.Header.Set(peerProto, proto)
	r.Header.Set(peerHost, host)
	r.Header.Set(peerSignature, leader.Sign(r.Method, r.URL.RequestURI(), client, proto, host))
	if repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		repl.Set(leaderKey, address)
	}
	return x.h.peers[scheme].ServeHTTP(x.w, r, caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error { return nil }))
}

// recognize finds out whether another gateway of the cluster has sent the request on. Only then does it say who the client
// is and how it asked.
func (x *exchange) recognize() {
	h := x.r.Header
	take := func(name string) (value string) {
		if values := h[name]; len(values) > 0 {
			value = values[0]
		}
		delete(h, name)
		return value
	}
	signature, client, proto, host := take(peerSignature), take(peerClient), take(peerProto), take(peerHost)
	if signature == "" {
		return
	}
	uri := x.r.URL.RequestURI()
	if orig, ok := x.r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok && orig.URL != nil {
		uri = orig.URL.RequestURI()
	}
	if seat := x.h.seat(); seat == nil || !seat.Verify(signature, x.r.Method, uri, client, proto, host) {
		return
	}
	x.peer = true
	h.Set("X-Forwarded-Proto", proto)
	h.Set("X-Forwarded-Host", host)
	caddyhttp.SetVar(x.r.Context(), caddyhttp.ClientIPVarKey, client)
	caddyhttp.SetVar(x.r.Context(), caddyhttp.TrustedProxyVarKey, true)
}
