package provision

import (
	"cmp"
	"context"
	"crypto/rand"
	"net/http"

	"github.com/caddy-scim/gateway/module/provision/api"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/quirks"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// caller makes the calls of a request; *upstream.Caller is one.
type caller interface {
	api.Caller
	Account() *quirks.Account
}

// session carries out one operation.
type session struct {
	*engine
	caller caller
	talk   *api.Talk
	op     *scim.Operation
	leaves bool  // somebody is to lose access by it
	blind  error // why the ledger cannot be read, where the operation goes on all the same

	over       []func()         // end what keeps others from looking at the intents of this operation
	disputed   func(known bool) // ends the intent of a create that was refused because there is such a resource
	adopted    []string         // the provider's ids of what a call without an answer had made
	background bool             // nobody asked for it
}

// begin returns a session for an operation. leaves says that somebody is to lose access by it.
func (e *engine) begin(c caller, op *scim.Operation, leaves bool) *session {
	talk := &api.Talk{Access: e.seen.access, Auths: e.plan.Auths, Caller: c, Now: e.now, Urgent: leaves}
	if e.rehearsal != nil {
		talk.Rehearsed = e.rehearsal.run
	}
	return &session{engine: e, caller: c, talk: talk, op: op, leaves: leaves}
}

// send makes one call of a mapping. An answer that means failure is the error.
func (s *session) send(ctx context.Context, k *kind, c *plan.Call, req plan.Request, writes bool) (api.Answer, error) {
	a, err := s.talk.Send(ctx, c, req, writes)
	if a.Unseen {
		k.view.Expire()
	}
	return a, err
}

// run makes the calls of a verb that changes something, one after the other, those that apply. It returns the last answer
// that can be read.
func (s *session) run(ctx context.Context, k *kind, calls []*plan.Call, env *plan.Env) (doc.Value, error) {
	var last doc.Value
	for _, c := range calls {
		if !c.Applies(env) {
			continue
		}
		req, planned, err := s.talk.Request(ctx, c, env)
		if err != nil {
			return doc.Value{}, err
		}
		if planned {
			continue
		}
		a, err := s.send(ctx, k, c, req, true)
		if api.Gone(err) && env.ID != "" {
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
		if err := p.Answered(a.Value, a.Header.Values); err != nil {
			return err
		}
	}
	return nil
}
