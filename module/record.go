package module

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/caddy-scim/gateway/module/auth"
	"github.com/caddy-scim/gateway/module/dryrun"
	"github.com/caddy-scim/gateway/module/span"
	"github.com/caddy-scim/gateway/transforms/quirks"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// record says what happened: in the access log, where one line tells all about a request, and in the metrics. Values of
// documents and of filters are in neither.
func (x *exchange) record(status int, answer *scim.Answer, err error) {
	verb := x.word()
	calls := 0
	var spent time.Duration
	if x.calls != nil {
		calls, spent = x.calls.Calls(), x.calls.Spent()
	}
	if x.traced {
		span.Describe(x.r.Context(), x.h.Name(), x.resource(), verb, x.rules(), calls)
	}
	x.h.metrics.observe(labels{x.resource(), verb, status}, time.Since(x.start), calls, &x.account)
	if extra, ok := x.r.Context().Value(caddyhttp.ExtraLogFieldsCtxKey).(*caddyhttp.ExtraLogFields); ok && x.inAccessLog() {
		extra.Add(zap.Inline(&logged{x, verb, calls, spent, err}))
	}
	if x.refused != nil {
		x.logRefused()
	}
	if err != nil && status >= http.StatusInternalServerError && x.refused == nil && !errors.Is(err, dryrun.ErrNotDone) {
		x.log(zapcore.ErrorLevel, "the operation could not be carried out", err, zap.Int("status", status))
	}
	// A user who is gone (404) is not active any more.
	leaver := status >= http.StatusBadRequest && status != http.StatusNotFound && x.verb.Writes() && x.route.endpoint == users &&
		quirks.Deactivates(x.scanned) && !asError(err).NoAccess
	x.logRecord(status, answer, err, leaver, x.effects(answer))
	x.recordTraffic(status, answer, err)
	if x.h.run != nil {
		x.report(status, err)
		return
	}
	if leaver {
		// Entra sends the same request again in every cycle: a leaver stays active until somebody acts (Q53).
		x.h.metrics.leaversOff.Inc()
		message := "a request that deactivates a user was refused: the user is still active"
		if quirks.Unclear(x.scanned) {
			message = "a request that may have been meant to deactivate a user was refused: what it says of active cannot be read"
		}
		x.log(zapcore.ErrorLevel, message, err, zap.Int("status", status))
	}
}

// recordSent says in the access log that another gateway has answered.
func (x *exchange) recordSent() {
	if extra, ok := x.r.Context().Value(caddyhttp.ExtraLogFieldsCtxKey).(*caddyhttp.ExtraLogFields); ok && x.inAccessLog() {
		extra.Add(zap.Bool("scim_forwarded", true))
	}
}

// word names what the request does, from a fixed set: it is a label of metrics.
func (x *exchange) word() string {
	if !x.routed {
		return "none"
	}
	return x.verb.String()
}

// rules returns those that were applied.
func (x *exchange) rules() (ids []string) {
	for id := range x.account.Counts() {
		ids = append(ids, id)
	}
	return ids
}

// inAccessLog reports whether there may be a line about the request at all.
func (x *exchange) inAccessLog() bool {
	server, ok := x.r.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	return !ok || server.Logs != nil
}

// logged is what the gateway adds to the line that Caddy writes about the request. It is put into words when that line is
// written, if it is.
type logged struct {
	*exchange
	verb  string
	calls int
	spent time.Duration
	err   error
}

// MarshalLogObject writes the fields.
func (l *logged) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	enc.AddString("scim_op", l.verb)
	enc.AddString("scim_resource", l.resource())
	if l.account.Applied() > 0 {
		zap.Strings("scim_quirks", l.rules()).AddTo(enc)
	}
	if l.exchange.calls != nil {
		enc.AddInt("scim_upstream_calls", l.calls)
		enc.AddFloat64("scim_upstream_ms", float64(l.spent.Microseconds())/1000)
	}
	if id := activityID(l.r.Header); id != "" {
		enc.AddString("scim_activity", id)
	}
	if l.refused != nil {
		enc.AddString("scim_auth", string(l.refused.Reason))
	}
	if l.err != nil {
		e := asError(l.err)
		enc.AddString("scim_error", e.Detail)
		if e.Type != "" {
			enc.AddString("scim_type", e.Type)
		}
	}
	return nil
}

// logRefused says why nobody was let in: once a minute for each address. The presented key is nowhere in it; the provider
// is told the same in all cases.
func (x *exchange) logRefused() {
	x.h.refusal(x.r, x.refused, func(message string, fields ...zap.Field) {
		if x.id.Name != "" {
			fields = append(fields, zap.String("key", x.id.Name))
		}
		x.log(zapcore.WarnLevel, message, nil, fields...)
	})
}

// refusal counts that somebody was not let in, and has it logged where it is to be. The access log has no line about a
// throttled address, and none that would show a key in the URL.
func (h *Handler) refusal(r *http.Request, refused *auth.Refusal, log func(message string, fields ...zap.Field)) {
	h.metrics.refused(refused.Reason)
	if refused.Reason == auth.Throttled || auth.InQuery(r.URL.RawQuery) {
		caddyhttp.SetVar(r.Context(), caddyhttp.LogSkipVar, true)
	}
	if !refused.Log {
		return
	}
	message := "no valid SCIM API key"
	switch refused.Reason {
	case auth.Malformed:
		message = `the Authorization header is not "Bearer" and one key: was the word Bearer pasted into the provider's field too?`
	case auth.Query:
		message = "a key was sent in the URL, where others may have written it down: is it in the provider's Tenant URL? Exchange it"
	case auth.Unreadable:
		message = "whether a SCIM API key is valid cannot be found out at the moment"
	}
	log(message, zap.String("reason", string(refused.Reason)), zap.String("client_ip", clientIP(r.Context())), zap.Int("count", refused.Count))
}

// log writes a line of the gateway's own. The cause of an error is for the log only: it names hosts.
func (x *exchange) log(level zapcore.Level, message string, err error, fields ...zap.Field) {
	c := x.h.logger.Check(level, message)
	if c == nil {
		return
	}
	fields = append(fields, zap.String("op", x.word()), zap.String("resource", x.resource()), zap.String("key_name", x.id.Name))
	if id := activityID(x.r.Header); id != "" {
		fields = append(fields, zap.String("activity", id))
	}
	if err != nil {
		e := asError(err)
		fields = append(fields, zap.String("detail", e.Detail), zap.NamedError("cause", e.Cause))
	}
	c.Write(fields...)
}

// activityID returns the one identifier by which Microsoft's support finds a request (Q4). The header is the client's:
// it is cut, and what is no printable ASCII is dropped.
func activityID(h http.Header) string {
	const limit = 128
	value := h.Get("Adscimversion")
	if _, after, ok := strings.Cut(value, "ActivityId:"); ok {
		value, _, _ = strings.Cut(after, ",")
	}
	value = strings.TrimSpace(value[:min(len(value), limit)])
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r >= 0x7f {
			return -1
		}
		return r
	}, value)
}
