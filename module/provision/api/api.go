// Package api makes the calls of a mapping to the API of an organization. It knows credentials, limits and outcomes, and
// nothing of users, groups or what the gateway remembers.
//
// An [Access] is what all operations share: the tokens, and the limits that the API puts on its callers. It outlives a
// reload of the configuration.
//
// A [Talk] is the calls of one operation, one after the other; it is for one goroutine.
//
//   - [Talk.Send] makes a call: it waits for the limits, logs in where it must, once more where the API takes a token no
//     longer, and has the mapping judge the answer.
//   - Once something was sent that changes something, the operation has begun ([Talk.Begun]): what is half done is finished,
//     whether anybody waits for it or not, and limits refuse it no longer.
//   - [Talk.Outcome] is what is known of the calls that change something.
//   - Where it is only rehearsed, calls that change something count as carried out, and none is sent.
//
// Errors are the answers that the provider gets; [Gone] and [Taken] tell the two that mean more than a failure.
package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/caddy-scim/gateway/module/dryrun"
	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/module/upstream"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// Caller makes calls; *[upstream.Caller] is one.
type Caller interface {
	Do(ctx context.Context, call upstream.Call) (*upstream.Answer, error)
	RoundTripper() http.RoundTripper
}

// Access is what the operations of one organization share.
type Access struct {
	credentials credentials
	pace        *pacer
}

// NewAccess returns an access without tokens. wait is the longest that an operation waits for the limits.
func NewAccess(limits []Pace, wait time.Duration) *Access {
	return &Access{pace: newPacer(limits, wait)}
}

// Talk is the calls of one operation.
type Talk struct {
	Access *Access
	Auths  map[string]*plan.Auth
	Caller Caller
	Now    func() time.Time

	// Rehearsed is the dry run that the calls are part of; nil where what is said is done.
	Rehearsed *dryrun.Run

	// Urgent says that somebody loses access by the operation, which waits for no pause after a refused login then.
	Urgent bool

	Begun   bool    // whether something may have been changed by the operation; [Talk.Send] says so
	Outcome Outcome // what is known of the calls that change something, since somebody has set it to zero
}

// Outcome is what is known of calls that change something.
type Outcome struct {
	Done int  // how many were carried out
	Lost bool // whether one was not answered, or by nobody knows whom
}

// Refused reports whether nothing was changed, for certain.
func (o Outcome) Refused() bool { return o.Done == 0 && !o.Lost }

// Gone reports whether an error says that a resource is not there.
func Gone(err error) bool {
	e, ok := errors.AsType[*scim.Error](err)
	return ok && e.Status == http.StatusNotFound
}

// Taken reports whether an error says that there is such a resource already.
func Taken(err error) bool {
	e, ok := errors.AsType[*scim.Error](err)
	return ok && e.Status == http.StatusConflict
}

// Answer is what came of a call.
type Answer struct {
	plan.Verdict
	Header http.Header

	// Unseen says, beside an error too, that something may have been changed by the operation that no answer has shown:
	// what is known of the organization is to be read again.
	Unseen bool
}

// Send makes one call of a mapping. An answer that means failure is the error. changes says that the call is one of those
// that change something, if it does not only read.
func (t *Talk) Send(ctx context.Context, c *plan.Call, req plan.Request, changes bool) (Answer, error) {
	switch {
	case t.Begun:
		ctx = context.WithoutCancel(ctx)
	case ctx.Err() != nil:
		return Answer{}, &scim.Error{Status: upstream.StatusCanceled, Detail: "the client closed the request", Cause: ctx.Err()}
	}
	writes := changes && req.Method != http.MethodGet
	if !writes || t.Rehearsed == nil {
		if err := t.Access.pace.take(ctx, t.Now(), req.Method, t.Begun); err != nil {
			return Answer{}, err
		}
	}
	if writes {
		ctx = context.WithoutCancel(ctx) // an answer that nobody takes is an outcome that nobody knows
	}
	begun := t.Begun
	t.Begun = begun || writes
	a, err := t.authorized(ctx, c.Where, req, writes)
	if errors.Is(err, upstream.ErrPlanned) && writes {
		t.Outcome.Done++
		return Answer{Verdict: plan.Verdict{Outcome: plan.Done}}, nil
	}
	if err != nil {
		if e, ok := errors.AsType[*scim.Error](err); writes && (!ok || e.Status != http.StatusServiceUnavailable) {
			t.Outcome.Lost = true
		}
		return Answer{Unseen: begun || writes}, err // the call may have been carried out all the same
	}
	v := c.Judge(a.Status, a.Body)
	if v.Outcome == plan.Failed {
		if writes && !definite(a) && !Taken(v.Err) {
			t.Outcome.Lost = true
		}
		if v.Err.Status == http.StatusTooManyRequests || v.Err.Status == http.StatusServiceUnavailable {
			v.Err.RetryAfter = retryAfter(a.Header, t.Now())
		}
		return Answer{Unseen: begun || writes && v.Err.Status >= 500}, v.Err
	}
	if writes {
		t.Outcome.Done++
	}
	return Answer{Verdict: v, Header: a.Header}, nil
}

// definite reports whether an answer that refuses a call is the organization's own, so that nothing was carried out.
// Proxies answer with pages, or with nothing, whatever becomes of the call behind them.
func definite(a *upstream.Answer) bool {
	if a.Status/100 != 4 || a.Status == http.StatusRequestTimeout {
		return false
	}
	_, err := doc.Scan(a.Body)
	return err == nil
}

// authorized makes a call with the credential that the mapping says. A credential that the upstream takes no longer is
// fetched anew once: tokens end early when a password changes or a server restarts.
func (t *Talk) authorized(ctx context.Context, name string, req plan.Request, writes bool) (*upstream.Answer, error) {
	call := upstream.Call{
		Name: name, Method: req.Method, Path: req.Path, Body: req.Body, Header: http.Header{"Accept": {"application/json"}}, Reads: !writes,
	}
	for _, h := range req.Header {
		call.Header.Add(h.Name, h.Value)
	}
	if req.ContentType != "" {
		call.Header.Set("Content-Type", req.ContentType)
	}
	if req.Auth == "" || t.Rehearsed != nil && (writes || t.Rehearsed.Offline) {
		return t.Caller.Do(ctx, call) // or no more than planned, which takes no login
	}
	auth := t.Auths[req.Auth]
	for attempt := 0; ; attempt++ {
		credential, err := t.credential(ctx, auth)
		if err != nil {
			return nil, err
		}
		call.Header.Set(auth.Header, auth.Value(credential))
		a, err := t.Caller.Do(ctx, call)
		if err != nil || a.Status != http.StatusUnauthorized || auth.Kind == plan.AuthStatic || attempt > 0 {
			return a, err
		}
		t.Access.credentials.drop(auth.Name, credential)
	}
}

// Request makes a call's request. In a dry run a call may need what an earlier one would have answered, or what an imagined
// item would show: it is planned without a path then, and there is no request.
func (t *Talk) Request(ctx context.Context, c *plan.Call, env *plan.Env) (req plan.Request, planned bool, err error) {
	imagined := dryrun.Imagined(env.ID) || dryrun.Imagined(env.MID)
	if req, err = c.Request(env); err != nil && t.Rehearsed != nil && (t.Begun || imagined) {
		trace.From(ctx).Call(trace.Call{Name: c.Where, Method: c.Method, Planned: true})
		return req, true, nil
	}
	return req, false, err
}

// retryAfter returns when the organization wants to be asked again; without its word it is a second, so that the provider does
// not come back at once.
func retryAfter(h http.Header, now time.Time) time.Duration {
	return max(time.Second, upstream.RetryAfter(h, now))
}
