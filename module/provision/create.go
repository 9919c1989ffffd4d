package provision

import (
	"context"
	"net/http"
	"time"

	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/provision/api"
	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/scim"
	"github.com/caddy-scim/gateway/transforms/value"
)

// findOrAdd returns the resource that the organization has already, or makes one by the call add; made reports which of the
// two.
// except is the provider's id of a user who waits to become it. The names of the resource are locked.
func (s *session) findOrAdd(ctx context.Context, k *kind, wanted *doc.Node, except string, add func() (*subject, error)) (sub *subject, made bool, err error) {
	if sub, err = s.existing(ctx, k, wanted, except, except != "" || s.dry()); err != nil || sub != nil {
		return sub, false, err
	}
	if sub, err = add(); !api.Taken(err) {
		return sub, true, err
	}
	// The upstream knows better than the view. Who is it?
	k.view.Expire()
	found, lookupErr := s.existing(ctx, k, wanted, except, true)
	if lookupErr == nil && found == nil && k == s.group {
		found, lookupErr = s.spelledOtherwise(ctx, wanted)
	}
	if except == "" || lookupErr != nil || found == nil { // else it ends with the adoption
		s.endCreateIntent(lookupErr == nil && found != nil)
	}
	switch {
	case lookupErr != nil:
		return nil, false, lookupErr
	case found == nil:
		return nil, false, err
	}
	return found, false, nil
}

// add makes the upstream create a resource, and remembers what it has no place for. id is what the provider knows it by;
// empty where that is what the upstream calls it. That it exists already is a 409, of which the caller makes what the
// configuration says.
func (s *session) add(ctx context.Context, k *kind, id string, wanted *doc.Node) (*subject, error) {
	end, err := s.intendCreate(ctx, k, id, wanted)
	if err != nil {
		return nil, err
	}
	it, err := s.create(ctx, k, wanted)
	if err != nil {
		if api.Taken(err) { // by whom is to be found out; the call itself may have been delivered twice
			s.disputed = end
		} else {
			end(s.talk.Outcome().Refused())
		}
		return nil, err
	}
	if it, err = s.welcome(ctx, k, it, wanted); err != nil {
		end(false) // whoever asks next finds what there is
		return nil, err
	}
	if id == "" {
		id = it.ID
	}
	date := s.date(k)
	record, stored := s.keep(ctx, k, id, it.Entry, wanted, value.Attributes(wanted), func(r *ledger.Record) {
		k.begin(r, id, it.ID)
		date(r, r.Created.IsZero())
	})
	end(stored)
	trace.Say(ctx, k.made(), id, "")
	sub := s.subject(k, id, it.Entry, it.value, record)
	s.plans(ctx, k.made(), sub, nil)
	return sub, nil
}

// welcome makes the calls about somebody who has just been created and is to be active, and returns the item after them.
func (s *session) welcome(ctx context.Context, k *kind, it *item, wanted *doc.Node) (*item, error) {
	if len(k.Created) == 0 || !wanted.Get("active").True() {
		return it, nil
	}
	if _, err := s.run(ctx, k, k.Created, s.env(it.ID, it.Name(), it.value)); err != nil {
		return nil, err
	}
	return s.fetch(ctx, k, it.ID, it.Name())
}

// made returns the effect of a create.
func (k *kind) made() trace.Kind {
	if k.name == "group" {
		return trace.GroupCreated
	}
	return trace.Invited
}

// endCreateIntent ends the intent of a create that was refused because there is such a resource: known says whether it is
// known now whose that is. Otherwise the intent stays open.
func (s *session) endCreateIntent(known bool) {
	if s.disputed != nil {
		s.disputed(known)
		s.disputed = nil
	}
}

// begin makes a record that of a resource which the upstream has from now on, and of which nothing else is remembered but
// when a user who waited was created.
func (k *kind) begin(r *ledger.Record, id, upstream string) {
	var created time.Time
	if r.Deferred != nil {
		created = r.Created
	}
	*r = ledger.Record{ID: id, Linked: k.name == "user", Created: created}
	if id != upstream {
		r.Upstream = upstream
	}
}

// create makes the calls that create an item and finds out what came of them.
func (s *session) create(ctx context.Context, k *kind, wanted *doc.Node) (*item, error) {
	env := s.env("", "", doc.Value{})
	env.SCIM = wanted
	var made *item
	var refetch *plan.Call
	stale := false // there were calls after the one that showed the item
	for _, c := range k.Create {
		if !c.Applies(env) {
			continue
		}
		req, planned, err := s.talk.Request(ctx, c, env)
		if err != nil {
			return nil, err
		}
		if planned {
			continue
		}
		at, asked := k.view.Ask()
		defer asked()
		a, err := s.send(ctx, k, c, req, true)
		if err != nil {
			return nil, err
		}
		stale = true
		if s.dry() && env.ID == "" {
			made = s.rehearsal.imagine(k, wanted)
			env.ID, env.Key, env.Cur = made.ID, made.ID, made.value
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
				return nil, s.unclear(k, err)
			}
			if made, err = s.read(k, v); err != nil {
				return nil, s.unclear(k, err)
			}
			env.ID, env.Key, env.Cur, stale = made.ID, made.Name(), v, false
			k.view.Put(made.Entry, at)
		default:
			if env.ID, err = c.NewID(a.Header.Get("Location"), a.Value); err != nil {
				return nil, s.unclear(k, err)
			}
			env.Key = env.ID
		}
	}
	if refetch != nil && env.ID == "" {
		attribute, text, err := refetch.Sought(env)
		if err != nil {
			return nil, err
		}
		if env.ID, env.Key, err = s.findCreated(ctx, k, lookup{Attribute: attribute, Value: text}); err != nil {
			return nil, s.unclear(k, err)
		}
	}
	if made == nil || stale {
		var err error
		if made, err = s.fetch(ctx, k, env.ID, env.Key); err != nil {
			return nil, s.unclear(k, err)
		}
	}
	return made, nil
}

// findCreated returns the id and key of a new item, looked up by what it was created with.
func (s *session) findCreated(ctx context.Context, k *kind, l lookup) (id, key string, err error) {
	k.view.Expire()
	entries, err := s.candidates(ctx, k, l.Attribute, l.Value)
	if err != nil {
		return "", "", err
	}
	for _, e := range entries {
		if l.In(k.rt, e.Resource()) {
			return e.ID, e.Name(), nil
		}
	}
	return "", "", notFound(k)
}

// unclear returns the answer where something was created and cannot be found: a 404 would make the provider believe that
// nothing was.
func (s *session) unclear(k *kind, err error) error {
	k.view.Expire()
	if !api.Gone(err) {
		return err
	}
	return &scim.Error{
		Status: http.StatusBadGateway, Cause: err,
		Detail: "the organization accepted the " + k.name + " but does not show it",
	}
}
