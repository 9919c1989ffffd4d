package items

import (
	"cmp"
	"context"
	"crypto/rand"
	"net/http"

	"github.com/caddy-scim/gateway/module/provision/api"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
)

// send makes one call of a mapping. An answer that means failure is the error.
func (s *Items) send(ctx context.Context, c *plan.Call, req plan.Request, writes bool) (api.Answer, error) {
	a, err := s.Talk.Send(ctx, c, req, writes)
	if a.Unseen {
		s.View.Expire()
	}
	return a, err
}

// Run makes the calls of a verb that changes something, one after the other, those that apply. It returns the last answer
// that can be read.
func (s *Items) Run(ctx context.Context, calls []*plan.Call, env *plan.Env) (doc.Value, error) {
	var last doc.Value
	for _, c := range calls {
		if !c.Applies(env) {
			continue
		}
		req, planned, err := s.Talk.Request(ctx, c, env)
		if err != nil {
			return doc.Value{}, err
		}
		if planned {
			continue
		}
		a, err := s.send(ctx, c, req, true)
		if api.Gone(err) && env.ID != "" {
			err = s.ConfirmGone(ctx, env.ID, err) // who has just been read
		}
		if err != nil {
			return doc.Value{}, err
		}
		if env.ID != "" && req.Method != http.MethodGet {
			s.View.Wrote(env.ID)
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

// Env returns what the placeholders of the calls about an item stand for.
func Env(id, key string, item doc.Value) *plan.Env {
	return &plan.Env{ID: id, Key: cmp.Or(key, id), Cur: item, Random: rand.Text}
}

// Pages makes all the calls of a list, page by page.
func (s *Items) Pages(ctx context.Context, c *plan.Call, env *plan.Env, each func(answer doc.Value) error) error {
	for p := c.Pages(env); p.More(); {
		req, err := p.Request()
		if err != nil {
			return err
		}
		a, err := s.send(ctx, c, req, false)
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
