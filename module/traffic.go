package module

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-scim/gateway/module/admin"
	"github.com/caddy-scim/gateway/module/traffic"
	"github.com/caddy-scim/gateway/module/upstream"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// openRecord makes the record of traffic ready.
func (h *Handler) openRecord(ctx caddy.Context) (err error) {
	if h.Record == nil {
		return nil
	}
	for _, other := range Gateways(ctx) {
		if other.Record != nil && other.Name() != h.Name() && filepath.Clean(other.Record.File) == filepath.Clean(h.Record.File) {
			return fmt.Errorf("%s is another organization's: give each a file of its own", h.Record.File)
		}
	}
	b := traffic.Beginning{Profile: h.Quirks.Profile, Upstream: "organization"}
	if h.seat() == nil {
		b.Upstream = "scim"
	}
	if h.recorder, err = traffic.Open(*h.Record, b, h.logger); err != nil {
		return err
	}
	return admin.Register(ctx, admin.Part{Name: "record", Organization: h.Name(), Status: h.recordStatus})
}

// recordStatus returns how the record fares, for "caddy scim status".
func (h *Handler) recordStatus(context.Context) (any, error) { return h.recorder.State(), nil }

// recordTraffic hands an exchange over to be recorded: nothing of somebody without a key, and nothing that nobody was told.
func (x *exchange) recordTraffic(status int, answer *scim.Answer, err error) {
	if x.h.recorder == nil || x.refused != nil || x.route.endpoint == "" || status == upstream.StatusCanceled {
		return
	}
	p := &traffic.Passed{
		Time: x.start, Method: x.r.Method, Path: x.route.suffix(), Query: x.query,
		Type: x.r.Header.Get("Content-Type"), Accept: x.r.Header.Get("Accept"),
		Status: status, Located: x.w.Header().Get("Location") != "", Discovery: !x.route.resource(),
	}
	if _, err := doc.Scan(x.body); err == nil {
		p.Body = x.body
	} else {
		p.Body = x.scanned.Raw() // with what had to be repaired before it could be read
	}
	p.Unreadable = len(p.Body) == 0 && (x.r.ContentLength != 0 && !x.read || len(x.body) > 0)
	switch {
	case err != nil:
		p.Answer = asError(err).Body()
		// What a SCIM server says of an error is passed on, and may hold anything.
		p.Foreign = x.h.seat() == nil && x.calls != nil && x.calls.Calls() > 0
	case answer != nil:
		p.Answer = answer.Body
	}
	x.h.recorder.Add(p)
}
