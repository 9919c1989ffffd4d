package provision

import (
	"context"
	"net/http"
	"slices"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// item is an item of the upstream together with what the view keeps of it.
type item struct {
	*entry
	value doc.Value
}

// read makes an item of what the upstream showed.
func (s *session) read(k *kind, v doc.Value) (*item, error) {
	id := k.ID(v)
	if id == "" {
		return nil, scim.Errorf(http.StatusBadGateway, "", "the organization showed a %s without an id", k.name)
	}
	res := k.Resource.Resource(v)
	res.Delete("schemas") // the same for all: put there when answered
	// What stays in memory is cut to its length: a hundred thousand of them are kept.
	text, err := doc.Scan(slices.Clip(slices.Clone(res.AppendTo(nil))))
	if err != nil {
		return nil, scim.Errorf(http.StatusBadGateway, "", "the organization showed a %s that is no resource", k.name)
	}
	e := &entry{id: id, scim: text, word: uint8(max(0, slices.Index(states, k.State(v)))), protected: k.Protected(v)}
	if key := k.Key(v); key != id {
		e.key = key
	}
	return &item{e, v}, nil
}

// list reads all items of the upstream.
func (s *session) list(ctx context.Context, k *kind) (*table, error) {
	t := newTable(k.indexed)
	err := s.each(ctx, k, k.List, &mapping.Env{}, func(it *item) error {
		t.put(it.entry)
		return nil
	})
	return t, err
}

// each calls f for every item of some lists. An item that several pages or lists show is shown once.
func (s *session) each(ctx context.Context, k *kind, lists []*mapping.Call, env *mapping.Env, f func(*item) error) error {
	seen := make(map[string]bool)
	for _, c := range lists {
		err := s.pages(ctx, k, c, env, func(answer doc.Value) error {
			values, err := c.Items(env, answer)
			if err != nil {
				return err
			}
			for _, v := range values {
				it, err := s.whole(ctx, k, c, v)
				if err != nil {
					return err
				}
				if it == nil || seen[it.id] {
					continue
				}
				seen[it.id] = true
				if err := f(it); err != nil {
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

// whole is an element of a list as an item. Where lists hold only references, it is read; nil if it is gone by then.
func (s *session) whole(ctx context.Context, k *kind, c *mapping.Call, v doc.Value) (*item, error) {
	if !c.Hydrate {
		return s.read(k, v)
	}
	it, err := s.fetch(ctx, k, k.ID(v), k.Key(v))
	if err != nil && gone(err) {
		return nil, nil
	}
	return it, err
}

// fetch reads one item from the upstream. That it is not there is a 404.
func (s *session) fetch(ctx context.Context, k *kind, id, key string) (*item, error) {
	if id == "" {
		return nil, notFound(k)
	}
	if len(k.Get) == 0 {
		return s.search(ctx, k, id)
	}
	env := s.env(id, key, doc.Value{})
	var found doc.Value
	for i, c := range k.Get {
		if !c.Applies(env) {
			continue
		}
		req, err := c.Request(env)
		if err != nil {
			return nil, err
		}
		a, err := s.send(ctx, k, c, req, false)
		if err != nil {
			if gone(err) {
				k.view.drop(id)
				return nil, notFound(k)
			}
			return nil, err
		}
		if a.Outcome == mapping.Done {
			k.view.drop(id)
			return nil, notFound(k)
		}
		if err := c.Save(env, a.Value); err != nil {
			return nil, err
		}
		if i == len(k.Get)-1 {
			if found, err = c.Item(a.Value); err != nil {
				if gone(err) {
					k.view.drop(id)
					return nil, notFound(k)
				}
				return nil, err
			}
		}
	}
	it, err := s.read(k, found)
	if err != nil {
		return nil, err
	}
	if it.id != id {
		// A search by id may answer with somebody else, and some servers compare ids without case.
		return nil, notFound(k)
	}
	k.view.put(it.entry)
	return it, nil
}

// search looks for an item in the upstream's lists, where it cannot be read by itself.
func (s *session) search(ctx context.Context, k *kind, id string) (*item, error) {
	var found *item
	t := newTable(k.indexed)
	err := s.each(ctx, k, k.List, &mapping.Env{}, func(it *item) error {
		t.put(it.entry)
		if it.id == id {
			found = it
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if found == nil {
		k.view.drop(id)
		return nil, notFound(k)
	}
	k.view.put(found.entry)
	return found, nil
}

func notFound(k *kind) *scim.Error {
	return scim.Errorf(http.StatusNotFound, "", "there is no such %s", k.name)
}

// candidates are the entries that may have a value in an attribute. The upstream's own search is asked where it has one
// and the view is too old; what is found is to be checked by the caller in any case.
func (s *session) candidates(ctx context.Context, k *kind, attribute, value string) ([]*entry, error) {
	var found []*entry
	pick := func(t *table) { found = t.find(attribute, value) }
	if attribute == "id" {
		pick = func(t *table) {
			if e := t.byID[value]; e != nil {
				found = []*entry{e}
			}
		}
	}
	if k.view.known(pick) {
		return found, nil
	}
	if attribute == "id" && len(k.Get) > 0 {
		it, err := s.fetch(ctx, k, value, "")
		if gone(err) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		return []*entry{it.entry}, nil
	}
	if c := k.Find[attribute]; c != nil {
		err := s.each(ctx, k, []*mapping.Call{c}, &mapping.Env{Value: value}, func(it *item) error {
			found = append(found, it.entry)
			return nil
		})
		return found, err
	}
	return found, s.known(ctx, k, pick)
}

// known calls f with all items as the view has them, listing them where it must.
func (s *session) known(ctx context.Context, k *kind, f func(*table)) error {
	return k.view.with(ctx, func(ctx context.Context) (*table, error) { return s.list(ctx, k) }, f)
}
