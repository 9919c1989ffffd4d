package module

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
	"golang.org/x/time/rate"

	"github.com/caddy-scim/gateway/module/admin"
	"github.com/caddy-scim/gateway/module/provlog"
	"github.com/caddy-scim/gateway/module/upstream"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/quirks"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// recordedRules is how many applications of rules one record of the provisioning log may have.
const recordedRules = 50

// Requests without a valid key are in the provisioning log too, but whoever sends many must not push out the others.
const refusedPerSecond, refusedAtOnce = 0.1, 30

// openLog makes the provisioning log ready.
func (h *Handler) openLog(ctx caddy.Context) (err error) {
	if h.Log == nil {
		return nil
	}
	if h.sink, err = provlog.Open(*h.Log, h.Name(), h.logger.Named("provisioning")); err != nil {
		return err
	}
	h.strangers = rate.NewLimiter(refusedPerSecond, refusedAtOnce)
	return admin.Register(ctx, admin.Part{Name: "log", Organization: h.Name(), Status: h.logStatus})
}

// Name returns the name of the gateway's organization.
func (h *Handler) Name() string {
	name := h.Organization
	if named, ok := h.upstream.(upstream.Named); ok {
		name = named.Name()
	}
	if s := h.seat(); s != nil && name == "" {
		name = s.Name()
	}
	return cmp.Or(name, "default")
}

// Cleanup gives back what outlives a configuration.
func (h *Handler) Cleanup() error {
	h.leave()
	return errors.Join(h.guard.Close(), h.sink.Close(), h.recorder.Close(), h.run.Close())
}

// logRecord hands the request over to the provisioning log.
func (x *exchange) logRecord(status int, answer *scim.Answer, err error, leaver bool, later func(answered doc.Value)) {
	if x.tell != nil {
		x.tell(x.entry(status, answer, err, leaver), err)
	}
	if x.h.sink == nil || x.refused != nil && !x.h.strangers.Allow() {
		return
	}
	e := x.entry(status, answer, err, leaver)
	e.Note = later
	x.h.sink.Add(e)
}

type watchKey struct{}

// Watched returns a context of a request whose entry of the provisioning log is handed to tell, too, with the error that it
// came to.
func Watched(ctx context.Context, tell func(*provlog.Entry, error)) context.Context {
	return context.WithValue(ctx, watchKey{}, tell)
}

// entry is what the provisioning log is told of the request.
func (x *exchange) entry(status int, answer *scim.Answer, err error, leaver bool) *provlog.Entry {
	e := &provlog.Entry{
		Time: x.start, Took: time.Since(x.start), Key: x.id.Name, Activity: activityID(x.r.Header),
		Resource: x.resource(), Verb: x.word(), ID: x.route.id, Status: status, Leaver: leaver, Unclear: leaver && quirks.Unclear(x.scanned), Trace: x.trace, DryRun: x.h.run != nil,
	}
	if !x.routed && x.id.Name == "" {
		e.Key = ""
	}
	if x.refused == nil {
		e.Query, e.Sent, e.Received, e.Canonical = x.query, x.op.Query.Raw, x.body, x.op.Body.Raw()
		if !x.route.resource() || x.op.Type == nil {
			e.Sent = e.Query
		}
		if e.Canonical == nil {
			e.Canonical = e.Received
		}
		e.Rules = x.account.Records()
		e.RuleIDs = x.rules()
	}
	if err != nil {
		failure := asError(err)
		e.Error, e.ScimType = failure.Detail, failure.Type
	} else if answer != nil && x.route.resource() && answer.Status < http.StatusBadRequest {
		e.Answered = answer.Body // a discovery document is the same every time
	}
	return e
}

// logStatus is how the provisioning log fares, for "caddy scim status".
func (h *Handler) logStatus(context.Context) (any, error) { return h.sink.Log().State(), nil }
