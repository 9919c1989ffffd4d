package items

import (
	"context"
	"net/http"

	"github.com/caddy-scim/gateway/module/provision/api"
	"github.com/caddy-scim/gateway/module/provision/view"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/scim"
	"github.com/caddy-scim/gateway/transforms/value"
)

// creation is what came so far of the calls that create an item.
type creation struct {
	*Items
	env    *plan.Env
	made   *Item      // what an answer has shown
	stale  bool       // whether there were calls after that
	search *plan.Call // after which the item has to be looked for
}

// Create makes the calls that create an item and finds out what came of them.
func (s *Items) Create(ctx context.Context, wanted *doc.Node) (*Item, error) {
	n := &creation{Items: s, env: Env("", "", doc.Value{})}
	n.env.SCIM = wanted
	for _, c := range s.Kind.Create {
		if err := n.call(ctx, c); err != nil {
			return nil, err
		}
	}
	if n.search != nil && n.env.ID == "" {
		if err := n.find(ctx); err != nil {
			return nil, err
		}
	}
	if n.made != nil && !n.stale {
		return n.made, nil
	}
	made, err := s.Fetch(ctx, n.env.ID, n.env.Key)
	if err != nil {
		return nil, s.unclear(err)
	}
	return made, nil
}

// call makes one of the calls, if it applies.
func (n *creation) call(ctx context.Context, c *plan.Call) error {
	if !c.Applies(n.env) {
		return nil
	}
	req, planned, err := n.Talk.Request(ctx, c, n.env)
	if err != nil || planned {
		return err
	}
	at, asked := n.View.Ask()
	defer asked()
	a, err := n.send(ctx, c, req, true)
	if err != nil {
		return err
	}
	n.stale = true
	if n.Imagined != nil && n.env.ID == "" {
		if n.made, err = n.Imagined.imagine(n.Kind, n.env.SCIM); err != nil {
			return err
		}
		n.env.ID, n.env.Key, n.env.Cur = n.made.ID, n.made.ID, n.made.Value
	}
	if a.Outcome == plan.Done {
		return nil
	}
	if err := c.Save(n.env, a.Value); err != nil {
		return err
	}
	return n.learn(c, a, at)
}

// learn takes from an answer what it says of the new item, as the mapping says.
func (n *creation) learn(c *plan.Call, a api.Answer, at view.Asked) error {
	switch c.Result {
	case plan.NoResult:
	case plan.ResultRefetch:
		n.search = c
	case plan.ResultBody:
		v, err := c.Item(a.Value)
		if err == nil {
			n.made, err = n.Read(v)
		}
		if err != nil {
			return n.unclear(err)
		}
		n.env.ID, n.env.Key, n.env.Cur, n.stale = n.made.ID, n.made.Name(), v, false
		n.View.Put(n.made.Entry, at)
	default:
		id, err := c.NewID(a.Header.Get("Location"), a.Value)
		if err != nil {
			return n.unclear(err)
		}
		n.env.ID, n.env.Key = id, id
	}
	return nil
}

// find looks the new item up by what it was created with.
func (n *creation) find(ctx context.Context) error {
	attribute, text, err := n.search.Sought(n.env)
	if err != nil {
		return err
	}
	n.View.Expire()
	entries, err := n.Candidates(ctx, attribute, text)
	if err != nil {
		return n.unclear(err)
	}
	for _, e := range entries {
		if (value.Lookup{Attribute: attribute, Value: text}).In(n.Type, e.Resource()) {
			n.env.ID, n.env.Key = e.ID, e.Name()
			return nil
		}
	}
	return n.unclear(n.NotFound())
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
