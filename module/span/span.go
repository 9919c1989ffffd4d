// Package span tells Caddy's tracing of the phases of a SCIM request and of its calls, where the request is traced. No
// attribute holds a value of a document, an id, a path or an error's text.
package span

import (
	"context"
	"errors"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/caddy-scim/gateway/transforms/scim"
)

// scope names who makes the spans.
const scope = "github.com/caddy-scim/gateway"

// The phases of a request, which are the names of their spans.
const (
	Authenticate = "scim.authenticate"
	Admit        = "scim.admit" // its size and type; the body is read
	Normalize    = "scim.normalize"
	Lead         = "scim.lead" // it is found out which gateway leads, and waited for the turn
	Forward      = "scim.forward"
	CarryOut     = "scim.carry_out"
	call         = "scim.call"
)

// Start begins the span of a phase. It does nothing where the request is not traced.
func Start(ctx context.Context, phase string) (context.Context, trace.Span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, noop.Span{}
	}
	return parent.TracerProvider().Tracer(scope).Start(ctx, phase)
}

// StartCall begins the span of a call of the upstream, by the name that the call has in the mapping.
func StartCall(ctx context.Context, name, method string) (context.Context, trace.Span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, noop.Span{}
	}
	title := call
	if name != "" {
		title += " " + name
	}
	return parent.TracerProvider().Tracer(scope).Start(ctx, title, trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attribute.String("scim.call", name), attribute.String("http.request.method", method)))
}

// End ends a span. An error marks it, and of the error it tells the status alone.
func End(s trace.Span, err error) {
	if err != nil && s.IsRecording() {
		s.SetStatus(codes.Error, "")
		if e, ok := errors.AsType[*scim.Error](err); ok {
			s.SetAttributes(attribute.Int("scim.status", e.Status))
		}
	}
	s.End()
}

// EndCall ends the span of a call; status is 0 where nothing was answered.
func EndCall(s trace.Span, status int, err error) {
	if status > 0 && s.IsRecording() {
		s.SetAttributes(attribute.Int("http.response.status_code", status))
	}
	End(s, err)
}

// Describe tells of the request as a whole, on the span that Caddy has begun.
func Describe(ctx context.Context, organization, resource, verb string, rules []string, calls int) {
	if s := trace.SpanFromContext(ctx); s.IsRecording() {
		s.SetAttributes(attribute.String("scim.organization", organization), attribute.String("scim.resource", resource),
			attribute.String("scim.verb", verb), attribute.StringSlice("scim.rules", rules), attribute.Int("scim.calls", calls))
	}
}

// Traced reports whether the request is traced.
func Traced(ctx context.Context) bool { return trace.SpanFromContext(ctx).IsRecording() }

// Inject makes whoever gets a call continue with its span, where the header names that of the request (W3C Trace Context).
func Inject(ctx context.Context, h http.Header) {
	if h.Get("Traceparent") != "" && Traced(ctx) {
		propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(h))
	}
}
