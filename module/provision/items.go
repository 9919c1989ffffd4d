package provision

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/caddy-scim/gateway/module/dryrun"
	"github.com/caddy-scim/gateway/module/provision/api"
	"github.com/caddy-scim/gateway/module/provision/view"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// item is an item of the upstream together with what the view keeps of it.
type item struct {
	*view.Entry
	value doc.Value
}

// read makes an item of what the upstream showed.
func (s *session) read(k *kind, v doc.Value) (*item, error) {
	id := k.ID(v)
	if id == "" {
		return nil, withoutID(k)
	}
	res := k.Resource.Resource(v)
	res.Delete("schemas") // the same for all: put there when answered
	e := &view.Entry{ID: id, SCIM: res.Doc(), Word: uint8(max(0, slices.Index(view.States, k.State(v)))), Protected: k.Protected(v)}
	if active := res.Get("active"); active != nil && !active.True() {
		e.Inactive = true
	}
	if key := k.Key(v); key != id {
		e.Key = key
	}
	return s.rehearsal.seen(k, &item{e, v}), nil
}

func withoutID(k *kind) error {
	return scim.Errorf(http.StatusBadGateway, "", "the organization showed a %s without an id", k.name)
}

// list returns what lists all items of the upstream for a view. Each item is handed to also too, where it is not nil.
func (s *session) list(k *kind, also func(id string, v doc.Value)) view.Lister {
	return func(ctx context.Context, shown func(id string, item []byte, entry func() (*view.Entry, error)) error) error {
		err := s.eachItem(ctx, k, k.List, &plan.Env{}, func(id string, v doc.Value) error {
			if also != nil {
				also(id, v)
			}
			return shown(id, v.Raw(), func() (*view.Entry, error) {
				it, err := s.read(k, v)
				if err != nil {
					return nil, err
				}
				return it.Entry, nil
			})
		})
		for _, it := range s.rehearsal.all(k) {
			if err == nil {
				err = shown(it.ID, it.SCIM.Raw(), func() (*view.Entry, error) { return it.Entry, nil })
			}
		}
		return counted(k, err)
	}
}

// eachItem calls f for every item of some lists, as the upstream shows it. An item that several pages or lists show is shown
// once.
func (s *session) eachItem(ctx context.Context, k *kind, lists []*plan.Call, env *plan.Env, f func(id string, v doc.Value) error) error {
	seen := make(map[string]bool)
	for _, c := range lists {
		err := s.pages(ctx, k, c, env, func(answer doc.Value) error {
			values, err := c.Items(env, answer)
			if err != nil {
				return err
			}
			for _, v := range values {
				if v, err = s.wholeItem(ctx, k, c, v); err != nil {
					return err
				}
				id := k.ID(v)
				switch {
				case v.Kind() == doc.Invalid || seen[id] && id != "":
					continue
				case id == "":
					return withoutID(k)
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
func (s *session) wholeItem(ctx context.Context, k *kind, c *plan.Call, v doc.Value) (doc.Value, error) {
	if !c.Hydrate {
		return v, nil
	}
	whole, err := s.get(ctx, k, k.ID(v), k.Key(v))
	switch {
	case errors.Is(err, plan.ErrForeign):
		return doc.Value{}, scim.Errorf(http.StatusBadGateway, "", "something answered that a listed %s is not there, in a form that is not the organization's own", k.name)
	case api.Gone(err):
		return doc.Value{}, nil
	}
	return whole, err
}

// fetch reads one item from the upstream. That it is not there is a 404.
func (s *session) fetch(ctx context.Context, k *kind, id, key string) (*item, error) {
	if id == "" {
		return nil, notFound(k)
	}
	at, done := k.view.Ask()
	defer done()
	if dryrun.Imagined(id) { // no organization has such an id
		it := s.rehearsal.item(k, id)
		if it == nil {
			return nil, notFound(k)
		}
		k.view.Put(it.Entry, at)
		return it, nil
	}
	if len(k.Get) == 0 {
		return s.search(ctx, k, id)
	}
	v, err := s.get(ctx, k, id, key)
	if api.Gone(err) && s.doubtful(k, id, err) {
		err = s.confirmGone(ctx, k, id, err)
	}
	if api.Gone(err) {
		k.view.Drop(id, at)
		return nil, notFound(k)
	}
	if err != nil {
		return nil, err
	}
	it, err := s.read(k, v)
	if err != nil {
		return nil, err
	}
	if it.ID != id {
		// A search by id may answer with somebody else, and some servers compare ids without case.
		return nil, notFound(k)
	}
	k.view.Put(it.Entry, at)
	return it, nil
}

// get makes the calls that read one item.
func (s *session) get(ctx context.Context, k *kind, id, key string) (found doc.Value, err error) {
	env := s.env(id, key, doc.Value{})
	for i, c := range k.Get {
		if !c.Applies(env) {
			continue
		}
		req, err := c.Request(env)
		if err != nil {
			return doc.Value{}, err
		}
		a, err := s.send(ctx, k, c, req, false)
		if err != nil {
			return doc.Value{}, err
		}
		if a.Outcome == plan.Done {
			return doc.Value{}, notFound(k)
		}
		if err := c.Save(env, a.Value); err != nil {
			return doc.Value{}, err
		}
		if i == len(k.Get)-1 {
			if found, err = c.Item(a.Value); err != nil {
				return doc.Value{}, err
			}
		}
	}
	return found, nil
}

// search looks for an item in the upstream's lists, where it cannot be read by itself.
func (s *session) search(ctx context.Context, k *kind, id string) (*item, error) {
	var found doc.Value
	err := k.view.Refresh(ctx, s.list(k, func(shown string, v doc.Value) {
		if shown == id {
			found = v
		}
	}))
	if err != nil {
		return nil, err
	}
	if found.Kind() == doc.Invalid {
		return nil, notFound(k)
	}
	return s.read(k, found)
}

func notFound(k *kind) *scim.Error {
	return scim.NoSuch(k.name)
}

// candidates returns the entries that may have a value in an attribute. The upstream's own search is asked where it has one
// and the view is too old; what is found is to be checked by the caller in any case.
func (s *session) candidates(ctx context.Context, k *kind, attribute, value string) ([]*view.Entry, error) {
	var found []*view.Entry
	pick := func(t *view.Table) { found = t.Find(attribute, value) }
	if attribute == "id" {
		pick = func(t *view.Table) {
			if e := t.Get(value); e != nil {
				found = []*view.Entry{e}
			}
		}
	}
	if k.view.Known(pick) {
		return found, nil
	}
	if attribute == "id" && len(k.Get) > 0 {
		it, err := s.fetch(ctx, k, value, "")
		if api.Gone(err) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		return []*view.Entry{it.Entry}, nil
	}
	if c := k.Find[attribute]; c != nil {
		err := s.eachItem(ctx, k, []*plan.Call{c}, &plan.Env{Value: value}, func(_ string, v doc.Value) error {
			it, err := s.read(k, v)
			if err == nil {
				found = append(found, it.Entry)
			}
			return err
		})
		for _, it := range s.rehearsal.having(k, lookup{Attribute: attribute, Value: value}) {
			found = append(found, it.Entry)
		}
		return found, err
	}
	return found, s.known(ctx, k, pick)
}

// known calls f with all items as the view has them, listing them where it must.
func (s *session) known(ctx context.Context, k *kind, f func(*view.Table)) error {
	return k.view.With(ctx, s.list(k, nil), f)
}
