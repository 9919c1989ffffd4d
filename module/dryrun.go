package module

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddy-scim/gateway/module/dryrun"
	"github.com/caddy-scim/gateway/module/guard"
	"github.com/caddy-scim/gateway/module/span"
	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/module/upstream"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// openDryRun makes the dry run ready.
func (h *Handler) openDryRun(ctx caddy.Context) (err error) {
	if h.DryRun {
		h.run, err = dryrun.Open(ctx, h.Organization, h.UpstreamRaw)
	}
	return err
}

// tellDryRun makes the dry run known to the operator.
func (h *Handler) tellDryRun(ctx caddy.Context) error {
	if h.run == nil {
		return nil
	}
	return h.run.Tell(ctx, h.Name())
}

// gate keeps back what a dry run must not send.
func (h *Handler) gate() func(upstream.Call) error {
	if h.run == nil {
		return nil
	}
	return h.run.Gate
}

// DryRunFindings returns what the dry run of the gateway has found so far; nil where it is none.
func (h *Handler) DryRunFindings() *dryrun.Findings {
	if h.run == nil {
		return nil
	}
	f := h.run.Findings()
	return &f
}

// carry has the upstream carry the operation out. In a dry run nobody is ever told that something was deleted.
func (x *exchange) carry(ctx context.Context) (a *scim.Answer, err error) {
	ctx, s := span.Start(ctx, span.CarryOut)
	defer func() { span.End(s, err) }()
	a, err = x.h.upstream.Carry(ctx, x.calls, &x.op)
	if err == nil && x.h.run != nil && x.verb == scim.Delete {
		return nil, dryrun.NotDone()
	}
	return a, err
}

// held puts into the plan of a dry run what the guard would hold.
func (x *exchange) held(ctx context.Context, kind guard.Removal, subjects []guard.Subject) {
	if x.h.run == nil {
		return
	}
	effect := map[guard.Removal]trace.Kind{
		guard.Disables: trace.Revoked, guard.Deletes: trace.Removed, guard.GroupDeletes: trace.GroupRemoved, guard.MemberRemovals: trace.MemberRemoved,
	}[kind]
	for _, s := range subjects {
		step := trace.Step{Kind: effect, Resource: x.op.Type.Name, ID: s.ID, Name: s.Name, Held: trace.HeldByGuard}
		if kind == guard.MemberRemovals {
			step.Resource, step.Group = x.h.set.User.Name, x.op.ID
		}
		trace.Plan(ctx, step)
	}
}

// report puts the request into the report of the dry run, and tells the log what is new in it.
func (x *exchange) report(status int, err error) {
	now := time.Now()
	for _, s := range x.h.run.Add(x.trace.Steps(), now) {
		x.h.logger.Info("dry run: this would be done", zap.String("organization", x.h.Name()), zap.String("what", string(s.Kind)),
			zap.String("resource", s.Resource), zap.String("id", s.ID), zap.String("group", s.Group), zap.String("held_by", s.Held))
	}
	read := x.verb == scim.List || x.verb == scim.Read
	if err == nil || status < http.StatusBadRequest || errors.Is(err, dryrun.ErrNotDone) || len(x.trace.Steps()) > 0 || !x.routed || x.refused != nil ||
		status == http.StatusNotFound && read {
		return
	}
	f := dryrun.Refusal{Resource: x.resource(), Verb: x.word(), ID: x.route.id, Status: status, Detail: asError(err).Detail}
	for _, name := range []string{"userName", "displayName"} {
		if v, ok := x.op.Body.Value().Lookup(name); ok && v.Kind() == doc.String {
			f.Name = cmp.Or(f.Name, v.Text())
		}
	}
	x.h.run.Refuse(f, now)
}
