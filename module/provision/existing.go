package provision

import (
	"context"
	"crypto/rand"
	"iter"
	"slices"

	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/provision/api"
	"github.com/caddy-scim/gateway/module/provision/view"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/value"
)

// existing returns the resource, other than the one with the id except, that stands in the way of a new one: the same userName,
// externalId, e-mail or displayName. A stale view is no reason to refuse: what it says is read again. Of several, it is the
// one that is meant; a user who only has the same externalId stands in the way unless the provider has deleted them.
//
// Where the upstream can search but nothing is known of it, only what the mapping calls unique is looked up: such an
// upstream refuses the rest itself, which is found out then (thorough).
func (s *session) existing(ctx context.Context, k *kind, wanted *doc.Node, except string, thorough bool) (*subject, error) {
	var other *subject
	for _, l := range k.rivalLookups(wanted, thorough) {
		for sub, err := range s.holders(ctx, k, l, except) {
			switch {
			case err != nil:
				return nil, err
			case k != s.user || s.samePerson(sub, wanted):
				sub.found = l
				return sub, nil
			case other == nil && !sub.deleted():
				other = sub
			}
		}
	}
	return other, nil
}

// rivalLookups returns the lookups that find who stands in the way of a new resource.
func (k *kind) rivalLookups(wanted *doc.Node, thorough bool) (looked []lookup) {
	try := func(attribute, text string, must bool) {
		if text != "" && (thorough || must || k.Find[attribute] == nil || k.view.Known(func(*view.Table) {})) {
			looked = append(looked, lookup{Attribute: attribute, Value: text})
		}
	}
	for _, attribute := range k.unique {
		for _, text := range value.Texts(k.rt, wanted, attribute) {
			try(attribute, text, slices.Contains(k.Unique, attribute))
		}
	}
	if k.name == "user" {
		address := k.Email(wanted)
		try("userName", address, false)
		try("emails.value", address, false)
	}
	return looked
}

// holders returns the resources, other than the one with the id except, that have a value; read just now.
func (s *session) holders(ctx context.Context, k *kind, l lookup, except string) iter.Seq2[*subject, error] {
	return func(yield func(*subject, error) bool) {
		m, err := s.marks(ctx, k)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, record := range waitingFor(m, []lookup{l}) {
			if sub, err := waitingSubject(record); err == nil && record.ID != except && l.In(k.rt, sub.res) && !yield(sub, nil) {
				return
			}
		}
		entries, err := s.entriesWith(ctx, k, l)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, e := range entries {
			if m.ID(e.ID) == except && !m.Waits(except) { // who waits has no item; one of the same id is another's
				continue
			}
			sub, err := s.readEntry(ctx, k, m, e)
			if api.Gone(err) {
				continue
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if (l.In(k.rt, sub.res) || l.In(k.rt, sub.shown())) && !yield(sub, nil) {
				return
			}
		}
	}
}

// readEntry returns the resource of an entry, read now.
func (s *session) readEntry(ctx context.Context, k *kind, m ledger.Marks, e *view.Entry) (*subject, error) {
	it, err := s.fetch(ctx, k, e.ID, e.Name())
	if err != nil {
		return nil, err
	}
	id := m.ID(it.ID)
	record, err := s.record(ctx, k, id)
	if err != nil {
		return nil, err
	}
	return s.subject(k, id, it.Entry, it.value, record), nil
}

// checkUnique returns an error where a changed resource takes a value that another one has.
func (s *session) checkUnique(ctx context.Context, k *kind, id string, res *doc.Node, changed []string) error {
	for _, attribute := range k.unique {
		if !touches(changed, attribute) {
			continue
		}
		for _, text := range value.Texts(k.rt, res, attribute) {
			for sub, err := range s.holders(ctx, k, lookup{Attribute: attribute, Value: text}, id) {
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

// spelledOtherwise returns the group that stands in the way of a new one because the organization writes its name differently,
// without spaces for example. Under which name the provider knows it is remembered: it looks for that next, and would be
// refused and find nothing for ever. A group that has such a name already is another one.
func (s *session) spelledOtherwise(ctx context.Context, wanted *doc.Node) (*subject, error) {
	k := s.group
	name, ok := k.writtenName(wanted)
	if !ok {
		return nil, nil
	}
	for sub, err := range s.holders(ctx, k, lookup{Attribute: k.identity, Value: name}, "") {
		if err != nil {
			return nil, err
		}
		if sub.record != nil {
			if _, named := sub.record.Kept[k.identity]; named {
				continue
			}
		}
		if sub.entry.Protected {
			continue
		}
		date := s.date(k)
		record, _ := s.keep(ctx, k, sub.id, sub.entry, wanted, []string{k.identity}, func(r *ledger.Record) { date(r, false) })
		found := s.subject(k, sub.id, sub.entry, sub.value, record)
		found.found = lookup{Attribute: k.identity, Value: name}
		return found, nil
	}
	return nil, nil
}

// writtenName returns the name of a resource as a create writes it into the item.
func (k *kind) writtenName(wanted *doc.Node) (string, bool) {
	for _, c := range k.Create {
		env := &plan.Env{SCIM: wanted, Random: rand.Text}
		if !c.Applies(env) {
			continue
		}
		body, err := c.Document(env)
		if err != nil || c.Body != plan.JSONBody {
			continue
		}
		if name, ok := k.Value(body, k.identity); ok {
			return name, true
		}
	}
	return "", false
}
