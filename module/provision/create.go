package provision

import (
	"context"
	"iter"
	"net/http"
	"slices"
	"strings"

	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// addUnlessThere adds a resource that the organization does not have; made is false where it has one already.
func (s *session) addUnlessThere(ctx context.Context, k *kind, wanted *doc.Node, add func() (*subject, error)) (sub *subject, made bool, err error) {
	if sub, err = s.existing(ctx, k, wanted, "", false); err != nil || sub != nil {
		return sub, false, err
	}
	if sub, err = add(); !taken(err) {
		return sub, true, err
	}
	// The upstream knows better than the view. Who is it?
	k.view.expire()
	found, lookupErr := s.existing(ctx, k, wanted, "", true)
	switch {
	case lookupErr != nil:
		return nil, false, lookupErr
	case found == nil:
		return nil, false, err
	}
	return found, false, nil
}

// add makes the upstream create a resource, and remembers what it has no place for. That it exists already is a 409, of
// which the caller makes what the configuration says.
func (s *session) add(ctx context.Context, k *kind, id string, wanted *doc.Node) (*subject, error) {
	it, err := s.create(ctx, k, wanted)
	if err != nil {
		return nil, err
	}
	record := &ledger.Record{ID: it.id, Linked: k == s.user}
	if id != "" && id != it.id {
		record.ID, record.Upstream = id, it.id
	}
	s.keep(ctx, k, record, it.entry, wanted, attributesOf(wanted))
	return s.subject(k, record.ID, it.entry, it.value, record), nil
}

// keep remembers what the provider wrote and the upstream does not hold. That the ledger cannot be written is no reason
// to tell the provider that nothing was done: what it is told then is what the upstream holds.
func (s *session) keep(ctx context.Context, k *kind, record *ledger.Record, e *entry, wanted *doc.Node, changed []string) {
	k.remember(record, e.resource(), wanted, changed)
	if err := s.write(ctx, k, record); err != nil {
		record.Kept = nil
		s.logLedger(err)
	}
}

// create makes the calls that create an item and finds out what came of them.
func (s *session) create(ctx context.Context, k *kind, wanted *doc.Node) (*item, error) {
	env := s.env("", "", doc.Value{})
	env.SCIM = wanted
	var made *item
	var refetch *mapping.Call
	stale := false // there were calls after the one that showed the item
	for _, c := range k.Create {
		if !c.Applies(env) {
			continue
		}
		req, err := c.Request(env)
		if err != nil {
			return nil, err
		}
		a, err := s.send(ctx, k, c, req, true)
		if err != nil {
			return nil, err
		}
		stale = true
		if a.Outcome == mapping.Done {
			continue
		}
		if err := c.Save(env, a.Value); err != nil {
			return nil, err
		}
		switch c.Result {
		case mapping.NoResult:
		case mapping.ResultRefetch:
			refetch = c
		case mapping.ResultBody:
			v, err := c.Item(a.Value)
			if err != nil {
				return nil, s.unclear(k, err)
			}
			if made, err = s.read(k, v); err != nil {
				return nil, s.unclear(k, err)
			}
			env.ID, env.Key, env.Cur, stale = made.id, made.name(), v, false
		default:
			if env.ID, err = c.NewID(a.header.Get("Location"), a.Value); err != nil {
				return nil, s.unclear(k, err)
			}
			env.Key = env.ID
		}
	}
	if refetch != nil && env.ID == "" {
		attribute, value, err := refetch.Sought(env)
		if err != nil {
			return nil, err
		}
		if env.ID, env.Key, err = s.sought(ctx, k, attribute, value); err != nil {
			return nil, s.unclear(k, err)
		}
	}
	if made == nil || stale {
		var err error
		if made, err = s.fetch(ctx, k, env.ID, env.Key); err != nil {
			return nil, s.unclear(k, err)
		}
	}
	k.view.put(made.entry)
	return made, nil
}

// sought is the id and key of a new item, looked up by what it was created with.
func (s *session) sought(ctx context.Context, k *kind, attribute, value string) (id, key string, err error) {
	k.view.expire()
	entries, err := s.candidates(ctx, k, attribute, value)
	if err != nil {
		return "", "", err
	}
	attr := k.rt.Attribute("", attribute, "")
	for _, e := range entries {
		for _, text := range values(e.resource(), attribute) {
			if same(text, value, attr != nil && attr.CaseExact) {
				return e.id, e.name(), nil
			}
		}
	}
	return "", "", notFound(k)
}

// unclear is the answer where something was created and cannot be found: a 404 would make the provider believe that
// nothing was.
func (s *session) unclear(k *kind, err error) error {
	k.view.expire()
	if !gone(err) {
		return err
	}
	return &scim.Error{
		Status: http.StatusBadGateway, Cause: err,
		Detail: "the organization accepted the " + k.name + " but does not show it",
	}
}

// existing is the resource, other than the one with the id except, that stands in the way of a new one: the same userName,
// externalId, e-mail or displayName. A stale view is no reason to refuse: what it says is read again. Of several, it is the
// one that is meant; a user who only has the same externalId stands in the way unless the provider has deleted them.
//
// Where the upstream can search but nothing is known of it, only what the mapping calls unique is looked up: such an
// upstream refuses the rest itself, which is found out then (thorough).
func (s *session) existing(ctx context.Context, k *kind, wanted *doc.Node, except string, thorough bool) (*subject, error) {
	var other *subject
	for _, l := range k.standing(wanted, thorough) {
		for sub, err := range s.holders(ctx, k, l, except) {
			switch {
			case err != nil:
				return nil, err
			case k != s.user || s.samePerson(sub, wanted):
				return sub, nil
			case other == nil && !sub.deleted():
				other = sub
			}
		}
	}
	return other, nil
}

// standing are the lookups that find who stands in the way of a new resource.
func (k *kind) standing(wanted *doc.Node, thorough bool) (looked []lookup) {
	try := func(attribute, value string, must bool) {
		if value != "" && (thorough || must || k.Find[attribute] == nil || k.view.known(func(*table) {})) {
			looked = append(looked, lookup{attribute, value})
		}
	}
	for _, attribute := range k.unique {
		for _, value := range values(wanted, attribute) {
			try(attribute, value, slices.Contains(k.Unique, attribute))
		}
	}
	if k.name == "user" {
		address := k.Email(wanted)
		try("userName", address, false)
		try("emails.value", address, false)
	}
	return looked
}

// holders are the resources, other than the one with the id except, that have a value; read just now.
func (s *session) holders(ctx context.Context, k *kind, l lookup, except string) iter.Seq2[*subject, error] {
	return func(yield func(*subject, error) bool) {
		m, err := s.marks(ctx, k)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, record := range m.who([]lookup{l}) {
			if sub, err := waiting(record); err == nil && record.ID != except && k.has(sub.res, l) && !yield(sub, nil) {
				return
			}
		}
		entries, err := s.found(ctx, k, l)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, e := range entries {
			if m.id(e.id) == except {
				continue
			}
			sub, err := s.current(ctx, k, m, e)
			if gone(err) {
				continue
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if (k.has(sub.res, l) || k.has(sub.shown(), l)) && !yield(sub, nil) {
				return
			}
		}
	}
}

// current is the resource of an entry, read now.
func (s *session) current(ctx context.Context, k *kind, m *marks, e *entry) (*subject, error) {
	it, err := s.fetch(ctx, k, e.id, e.name())
	if err != nil {
		return nil, err
	}
	id := m.id(it.id)
	record, err := remembered(k.book.Get(ctx, id))
	if err != nil {
		return nil, err
	}
	return s.subject(k, id, it.entry, it.value, record), nil
}

// has tells whether a resource has a value, by the rules of the attribute.
func (k *kind) has(res *doc.Node, l lookup) bool {
	uri, rest, _ := k.rt.SplitURN(l.attribute)
	name, sub, _ := strings.Cut(rest, ".")
	attr := k.rt.Attribute(uri, name, sub)
	for _, text := range values(res, l.attribute) {
		if same(text, l.value, attr != nil && attr.CaseExact) {
			return true
		}
	}
	return false
}

func conflict(k *kind) error {
	detail := "a user with this userName, e-mail address or externalId exists already"
	if k.name == "group" {
		detail = "a group with this displayName or externalId exists already"
	}
	return scim.Errorf(http.StatusConflict, scim.Uniqueness, "%s", detail)
}

// free tells whether a changed resource takes a value that another one has.
func (s *session) free(ctx context.Context, k *kind, id string, res *doc.Node, changed []string) error {
	for _, attribute := range k.unique {
		if !touches(changed, attribute) {
			continue
		}
		for _, value := range values(res, attribute) {
			for sub, err := range s.holders(ctx, k, lookup{attribute, value}, id) {
				if err != nil {
					return err
				}
				if !sub.deleted() {
					return conflict(k)
				}
			}
		}
	}
	return nil
}
