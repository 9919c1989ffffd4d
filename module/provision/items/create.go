package items

import (
	"context"
	"net/http"

	"github.com/caddy-scim/gateway/module/provision/api"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/scim"
	"github.com/caddy-scim/gateway/transforms/value"
)

// Create makes the calls that create an item and finds out what came of them.
func (s *Items) Create(ctx context.Context, wanted *doc.Node) (*Item, error) {
	env := Env("", "", doc.Value{})
	env.SCIM = wanted
	var made *Item
	var refetch *plan.Call
	stale := false // there were calls after the one that showed the item
	for _, c := range s.Kind.Create {
		if !c.Applies(env) {
			continue
		}
		req, planned, err := s.Talk.Request(ctx, c, env)
		if err != nil {
			return nil, err
		}
		if planned {
			continue
		}
		at, asked := s.View.Ask()
		defer asked()
		a, err := s.send(ctx, c, req, true)
		if err != nil {
			return nil, err
		}
		stale = true
		if s.Imagined != nil && env.ID == "" {
			if made, err = s.Imagined.imagine(s.Kind, wanted); err != nil {
				return nil, err
			}
			env.ID, env.Key, env.Cur = made.ID, made.ID, made.Value
		}
		if a.Outcome == plan.Done {
			continue
		}
		if err := c.Save(env, a.Value); err != nil {
			return nil, err
		}
		switch c.Result {
		case plan.NoResult:
		case plan.ResultRefetch:
			refetch = c
		case plan.ResultBody:
			v, err := c.Item(a.Value)
			if err != nil {
				return nil, s.unclear(err)
			}
			if made, err = s.Read(v); err != nil {
				return nil, s.unclear(err)
			}
			env.ID, env.Key, env.Cur, stale = made.ID, made.Name(), v, false
			s.View.Put(made.Entry, at)
		default:
			if env.ID, err = c.NewID(a.Header.Get("Location"), a.Value); err != nil {
				return nil, s.unclear(err)
			}
			env.Key = env.ID
		}
	}
	if refetch != nil && env.ID == "" {
		attribute, text, err := refetch.Sought(env)
		if err != nil {
			return nil, err
		}
		if env.ID, env.Key, err = s.findCreated(ctx, value.Lookup{Attribute: attribute, Value: text}); err != nil {
			return nil, s.unclear(err)
		}
	}
	if made == nil || stale {
		var err error
		if made, err = s.Fetch(ctx, env.ID, env.Key); err != nil {
			return nil, s.unclear(err)
		}
	}
	return made, nil
}

// findCreated returns the id and key of a new item, looked up by what it was created with.
func (s *Items) findCreated(ctx context.Context, l value.Lookup) (id, key string, err error) {
	s.View.Expire()
	entries, err := s.Candidates(ctx, l.Attribute, l.Value)
	if err != nil {
		return "", "", err
	}
	for _, e := range entries {
		if l.In(s.Type, e.Resource()) {
			return e.ID, e.Name(), nil
		}
	}
	return "", "", s.NotFound()
}

// unclear returns the answer where something was created and cannot be found: a 404 would make the provider believe that
// nothing was.
func (s *Items) unclear(err error) error {
	s.View.Expire()
	if !api.Gone(err) {
		return err
	}
	return &scim.Error{
		Status: http.StatusBadGateway, Cause: err,
		Detail: "the organization accepted the " + s.Name + " but does not show it",
	}
}
