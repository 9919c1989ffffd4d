package items

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/caddy-scim/gateway/module/dryrun"
	"github.com/caddy-scim/gateway/module/provision/api"
	"github.com/caddy-scim/gateway/module/provision/view"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/scim"
	"github.com/caddy-scim/gateway/transforms/value"
)

// Item is an item of the upstream together with what the view keeps of it.
type Item struct {
	*view.Entry
	Value doc.Value
}

// Items are the items of one kind within one operation.
type Items struct {
	*Kind
	Talk *api.Talk

	// Imagined is what a dry run has planned; nil where what is said is done.
	Imagined *Imagined

	// Doubts says that a 404 is believed only where the organization's list agrees.
	Doubts bool

	// SoftDelete says that the API goes on showing what it has deleted.
	SoftDelete bool
}

// Read makes an item of what the upstream showed.
func (s *Items) Read(v doc.Value) (*Item, error) {
	id := s.ID(v)
	if id == "" {
		return nil, s.withoutID()
	}
	res := s.Resource.Resource(v)
	res.Delete("schemas") // the same for all: put there when answered
	active := res.Get("active")
	e := &view.Entry{
		ID: id, SCIM: res.Doc(), Word: view.Word(s.State(v)), Protected: s.Protected(v), Inactive: active != nil && !active.True(),
	}
	if key := s.Key(v); key != id {
		e.Key = key
	}
	return s.Imagined.seen(s.Kind, &Item{e, v}), nil
}

// list returns what lists all items of the upstream for a view. Each item is handed to also too, where it is not nil.
func (s *Items) list(also func(id string, v doc.Value)) view.Lister {
	return func(ctx context.Context, shown func(id string, item []byte, entry func() (*view.Entry, error)) error) error {
		err := s.eachItem(ctx, s.List, &plan.Env{}, func(id string, v doc.Value) error {
			if also != nil {
				also(id, v)
			}
			return shown(id, v.Raw(), func() (*view.Entry, error) {
				it, err := s.Read(v)
				if err != nil {
					return nil, err
				}
				return it.Entry, nil
			})
		})
		for _, it := range s.Imagined.all(s.Kind) {
			if err == nil {
				err = shown(it.ID, it.SCIM.Raw(), func() (*view.Entry, error) { return it.Entry, nil })
			}
		}
		return s.counted(err)
	}
}

// eachItem calls f for every item of some lists, as the upstream shows it. An item that several pages or lists show is shown
// once.
func (s *Items) eachItem(ctx context.Context, lists []*plan.Call, env *plan.Env, f func(id string, v doc.Value) error) error {
	seen := make(map[string]bool)
	for _, c := range lists {
		err := s.Pages(ctx, c, env, func(answer doc.Value) error {
			values, err := c.Items(env, answer)
			if err != nil {
				return err
			}
			for _, v := range values {
				if v, err = s.wholeItem(ctx, c, v); err != nil {
					return err
				}
				id := s.ID(v)
				switch {
				case v.Kind() == doc.Invalid || seen[id] && id != "":
					continue
				case id == "":
					return s.withoutID()
				}
				seen[id] = true
				if err := f(id, v); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// wholeItem returns an element of a list as an item. Where lists hold only references, it is read; it is invalid if the item
// is gone by then.
func (s *Items) wholeItem(ctx context.Context, c *plan.Call, v doc.Value) (doc.Value, error) {
	if !c.Hydrate {
		return v, nil
	}
	whole, err := s.get(ctx, s.ID(v), s.Key(v))
	switch {
	case errors.Is(err, plan.ErrForeign):
		return doc.Value{}, scim.Errorf(http.StatusBadGateway, "", "something answered that a listed %s is not there, in a form that is not the organization's own", s.Name)
	case api.Gone(err):
		return doc.Value{}, nil
	}
	return whole, err
}

// Fetch reads one item from the upstream. That it is not there is a 404.
func (s *Items) Fetch(ctx context.Context, id, key string) (*Item, error) {
	if id == "" {
		return nil, s.NotFound()
	}
	at, done := s.View.Ask()
	defer done()
	if dryrun.Imagined(id) { // no organization has such an id
		it := s.Imagined.Item(s.Kind, id)
		if it == nil {
			return nil, s.NotFound()
		}
		s.View.Put(it.Entry, at)
		return it, nil
	}
	if len(s.Get) == 0 {
		return s.search(ctx, id)
	}
	v, err := s.get(ctx, id, key)
	if api.Gone(err) && s.doubtful(id, err) {
		err = s.ConfirmGone(ctx, id, err)
	}
	if api.Gone(err) {
		s.View.Drop(id, at)
		return nil, s.NotFound()
	}
	if err != nil {
		return nil, err
	}
	it, err := s.Read(v)
	if err != nil {
		return nil, err
	}
	if it.ID != id {
		// A search by id may answer with somebody else, and some servers compare ids without case.
		return nil, s.NotFound()
	}
	s.View.Put(it.Entry, at)
	return it, nil
}

// get makes the calls that read one item.
func (s *Items) get(ctx context.Context, id, key string) (found doc.Value, err error) {
	env := Env(id, key, doc.Value{})
	for n, c := range s.Get {
		if !c.Applies(env) {
			continue
		}
		req, err := c.Request(env)
		if err != nil {
			return doc.Value{}, err
		}
		a, err := s.send(ctx, c, req, false)
		if err != nil {
			return doc.Value{}, err
		}
		if a.Outcome == plan.Done {
			return doc.Value{}, s.NotFound()
		}
		if err := c.Save(env, a.Value); err != nil {
			return doc.Value{}, err
		}
		if n == len(s.Get)-1 {
			if found, err = c.Item(a.Value); err != nil {
				return doc.Value{}, err
			}
		}
	}
	return found, nil
}

// search looks for an item in the upstream's lists, where it cannot be read by itself.
func (s *Items) search(ctx context.Context, id string) (*Item, error) {
	found, err := s.look(ctx, id)
	switch {
	case err != nil:
		return nil, err
	case found.Kind() == doc.Invalid:
		return nil, s.NotFound()
	}
	return s.Read(found)
}

// look lists all items now, and returns the one with an id, which is invalid if it is not shown. Pages that are counted
// shift when somebody before them is removed meanwhile: who is missing from such a list is looked for once more.
func (s *Items) look(ctx context.Context, id string) (found doc.Value, err error) {
	list := s.list(func(shown string, v doc.Value) {
		if shown == id {
			found = v
		}
	})
	shifts := slices.ContainsFunc(s.List, func(c *plan.Call) bool { return c.Paging != nil && c.Paging.Counts() })
	err = s.View.Refresh(ctx, list)
	if err == nil && found.Kind() == doc.Invalid && shifts {
		err = s.View.Refresh(ctx, list)
	}
	return found, err
}

// Candidates returns the entries that may have a value in an attribute. The upstream's own search is asked where it has one
// and the view is too old; what is found is to be checked by the caller in any case.
func (s *Items) Candidates(ctx context.Context, attribute, text string) ([]*view.Entry, error) {
	var found []*view.Entry
	pick := func(t *view.Table) { found = t.Find(attribute, text) }
	if attribute == "id" {
		pick = func(t *view.Table) {
			if e := t.Get(text); e != nil {
				found = []*view.Entry{e}
			}
		}
	}
	if s.View.Known(pick) {
		return found, nil
	}
	if attribute == "id" && len(s.Get) > 0 {
		it, err := s.Fetch(ctx, text, "")
		if api.Gone(err) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		return []*view.Entry{it.Entry}, nil
	}
	if c := s.Find[attribute]; c != nil {
		err := s.eachItem(ctx, []*plan.Call{c}, &plan.Env{Value: text}, func(_ string, v doc.Value) error {
			it, err := s.Read(v)
			if err == nil {
				found = append(found, it.Entry)
			}
			return err
		})
		for _, it := range s.Imagined.having(s.Kind, value.Lookup{Attribute: attribute, Value: text}) {
			found = append(found, it.Entry)
		}
		return found, err
	}
	return found, s.Known(ctx, pick)
}

// Known calls f with all items as the view has them, listing them where it must.
func (s *Items) Known(ctx context.Context, f func(*view.Table)) error {
	return s.View.With(ctx, s.list(nil), f)
}

// Browse is [Items.Known] for whoever only looks, see [view.View.Browse].
func (s *Items) Browse(ctx context.Context, f func(*view.Table)) error {
	return s.View.Browse(ctx, s.list(nil), f)
}

// Lists counts how often everything is listed, by resource and result, over reloads.
var Lists = sync.OnceValue(func() *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "caddy", Subsystem: "scim_gateway", Name: "view_refreshes_total",
		Help: "How often all items of an organization were listed to refresh the view of it, by resource and result.",
	}, []string{"resource", "result"})
	for _, resource := range []string{"User", "Group"} {
		c.WithLabelValues(resource, "ok")
		c.WithLabelValues(resource, "failed")
	}
	return c
})

// counted counts a list of everything, and returns its error.
func (s *Items) counted(err error) error {
	result := "ok"
	if err != nil {
		result = "failed"
	}
	Lists().WithLabelValues(s.Type.Name, result).Inc()
	return err
}
