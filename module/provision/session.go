package provision

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"time"

	"github.com/caddy-scim/gateway/module/upstream"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/quirks"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// caller makes calls; *upstream.Caller is one.
type caller interface {
	Do(ctx context.Context, call upstream.Call) (*upstream.Answer, error)
	RoundTripper() http.RoundTripper
	Account() *quirks.Account
}

// session carries out one operation.
type session struct {
	*engine
	caller caller
	op     *scim.Operation
	begun  bool  // something upstream may have been changed
	leaves bool  // somebody is to lose access by it
	blind  error // why the ledger cannot be read, where the operation goes on all the same

	outcome    outcome          // of the calls that change something
	over       []func()         // end what keeps others from looking at the intents of this operation
	disputed   func(known bool) // ends the intent of a create that was refused because there is such a resource
	adopted    []string         // the provider's ids of what a call without an answer had made
	background bool             // nobody asked for it
}

// answered is a call's answer and what it means.
type answered struct {
	plan.Verdict
	header http.Header
}

// send makes one call of a mapping. An answer that means failure is the error.
func (s *session) send(ctx context.Context, k *kind, c *plan.Call, req plan.Request, writes bool) (answered, error) {
	switch {
	case s.begun: // what is half done is finished, whether anybody waits for it or not
		ctx = context.WithoutCancel(ctx)
	case ctx.Err() != nil:
		return answered{}, &scim.Error{Status: upstream.StatusCanceled, Detail: "the client closed the request", Cause: ctx.Err()}
	}
	writes = writes && req.Method != http.MethodGet
	if !writes || !s.dry() {
		if err := s.seen.pace.take(ctx, req.Method, s.begun); err != nil {
			return answered{}, err
		}
	}
	if writes {
		ctx = context.WithoutCancel(ctx) // an answer that nobody takes is an outcome that nobody knows
	}
	begun := s.begun
	s.begun = begun || writes
	a, err := s.authorized(ctx, c.Where, req, writes)
	if errors.Is(err, upstream.ErrPlanned) && writes {
		s.outcome.done++
		return answered{Verdict: plan.Verdict{Outcome: plan.Done}}, nil
	}
	if err != nil {
		if begun || writes {
			k.view.Expire() // the call may have been carried out all the same
		}
		if e, ok := errors.AsType[*scim.Error](err); writes && (!ok || e.Status != http.StatusServiceUnavailable) {
			s.outcome.lost = true
		}
		return answered{}, err
	}
	v := c.Judge(a.Status, a.Body)
	if v.Outcome == plan.Failed {
		// What an earlier call of the operation has changed is not seen any more.
		if begun || writes && v.Err.Status >= 500 {
			k.view.Expire()
		}
		if writes && !definite(a) && !taken(v.Err) {
			s.outcome.lost = true
		}
		if v.Err.Status == http.StatusTooManyRequests || v.Err.Status == http.StatusServiceUnavailable {
			v.Err.RetryAfter = retryAfter(a.Header, s.now())
		}
		return answered{}, v.Err
	}
	if writes {
		s.outcome.done++
	}
	return answered{v, a.Header}, nil
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
func (s *session) authorized(ctx context.Context, name string, req plan.Request, writes bool) (*upstream.Answer, error) {
	call := upstream.Call{
		Name: name, Method: req.Method, Path: req.Path, Body: req.Body, Header: http.Header{"Accept": {"application/json"}}, Reads: !writes,
	}
	for _, h := range req.Header {
		call.Header.Add(h.Name, h.Value)
	}
	if req.ContentType != "" {
		call.Header.Set("Content-Type", req.ContentType)
	}
	if req.Auth == "" || s.dry() && (writes || s.rehearsal.run.Offline) {
		return s.caller.Do(ctx, call) // or no more than planned, which takes no login
	}
	auth := s.plan.Auths[req.Auth]
	for attempt := 0; ; attempt++ {
		credential, err := s.seen.credentials.get(ctx, s, auth)
		if err != nil {
			return nil, err
		}
		call.Header.Set(auth.Header, auth.Value(credential))
		a, err := s.caller.Do(ctx, call)
		if err != nil || a.Status != http.StatusUnauthorized || auth.Kind == plan.AuthStatic || attempt > 0 {
			return a, err
		}
		s.seen.credentials.drop(auth.Name, credential)
	}
}

// retryAfter returns when the organization wants to be asked again; without its word it is a second, so that the provider does
// not come back at once.
func retryAfter(h http.Header, now time.Time) time.Duration {
	return max(time.Second, upstream.RetryAfter(h, now))
}

// run makes the calls of a verb that changes something, one after the other, those that apply. It returns the last answer
// that can be read.
func (s *session) run(ctx context.Context, k *kind, calls []*plan.Call, env *plan.Env) (doc.Value, error) {
	var last doc.Value
	for _, c := range calls {
		if !c.Applies(env) {
			continue
		}
		req, planned, err := s.requested(ctx, c, env)
		if err != nil {
			return doc.Value{}, err
		}
		if planned {
			continue
		}
		a, err := s.send(ctx, k, c, req, true)
		if gone(err) && env.ID != "" {
			err = s.confirmGone(ctx, k, env.ID, err) // who has just been read
		}
		if err != nil {
			return doc.Value{}, err
		}
		if env.ID != "" && req.Method != http.MethodGet {
			k.view.Wrote(env.ID)
		}
		if a.Outcome == plan.Done {
			continue
		}
		if err := c.Save(env, a.Value); err != nil {
			return doc.Value{}, err
		}
		last = a.Value
	}
	return last, nil
}

// env returns what the placeholders of the calls about an item stand for.
func (s *session) env(id, key string, item doc.Value) *plan.Env {
	return &plan.Env{ID: id, Key: cmp.Or(key, id), Cur: item, Random: rand.Text}
}

// pages makes all the calls of a list, page by page.
func (s *session) pages(ctx context.Context, k *kind, c *plan.Call, env *plan.Env, each func(answer doc.Value) error) error {
	for p := c.Pages(env); p.More(); {
		req, err := p.Request()
		if err != nil {
			return err
		}
		a, err := s.send(ctx, k, c, req, false)
		if err != nil {
			return err
		}
		if a.Outcome == plan.Done {
			return nil
		}
		if err := each(a.Value); err != nil {
			return err
		}
		if err := p.Answered(a.Value, a.header.Values); err != nil {
			return err
		}
	}
	return nil
}

// gone reports whether an error says that the resource is not there.
func gone(err error) bool {
	e, ok := errors.AsType[*scim.Error](err)
	return ok && e.Status == http.StatusNotFound
}

// taken reports whether an error says that there is such a resource already.
func taken(err error) bool {
	e, ok := errors.AsType[*scim.Error](err)
	return ok && e.Status == http.StatusConflict
}
