package provision

import (
	"context"
	"iter"

	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/provision/api"
	"github.com/caddy-scim/gateway/module/provision/link"
	"github.com/caddy-scim/gateway/module/provision/view"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/patch"
	"github.com/caddy-scim/gateway/transforms/value"
)

// existing returns the resource, other than the one with the id except, that stands in the way of a new one: the same userName,
// externalId, e-mail or displayName. A stale view is no reason to refuse: what it says is read again. Of several, it is the
// one that is meant; a user who only has the same externalId stands in the way unless the provider has deleted them.
//
// Where the upstream can search but nothing is known of it, only what the mapping calls unique is looked up: such an
// upstream refuses the rest itself, which is found out then (thorough).
func (rs *resources) existing(ctx context.Context, wanted *doc.Node, except string, thorough bool) (*subject, error) {
	var other *subject
	for _, l := range rs.Rivals(wanted, thorough) {
		for sub, err := range rs.holders(ctx, l, except) {
			switch {
			case err != nil:
				return nil, err
			case !rs.IsUser() || rs.links.Judge(sub.member(), wanted) == link.Same:
				sub.found = l
				return sub, nil
			case other == nil && !sub.deleted():
				other = sub
			}
		}
	}
	return other, nil
}

// holders returns the resources, other than the one with the id except, that have a value; read just now.
func (rs *resources) holders(ctx context.Context, l value.Lookup, except string) iter.Seq2[*subject, error] {
	return func(yield func(*subject, error) bool) {
		m, err := rs.marks(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, sub := range waiting(m, []value.Lookup{l}) {
			if sub.id != except && l.In(rs.Type, sub.res) && !yield(sub, nil) {
				return
			}
		}
		entries, err := rs.entriesWith(ctx, l)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, e := range entries {
			if m.ID(e.ID) == except && !m.Waits(except) { // who waits has no item; one of the same id is another's
				continue
			}
			sub, err := rs.readEntry(ctx, m, e)
			if api.Gone(err) {
				continue
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if (l.In(rs.Type, sub.res) || l.In(rs.Type, sub.shown())) && !yield(sub, nil) {
				return
			}
		}
	}
}

// readEntry returns the resource of an entry, read now.
func (rs *resources) readEntry(ctx context.Context, m ledger.Marks, e *view.Entry) (*subject, error) {
	it, err := rs.items.Fetch(ctx, e.ID, e.Name())
	if err != nil {
		return nil, err
	}
	id := m.ID(it.ID)
	record, err := rs.record(ctx, id)
	if err != nil {
		return nil, err
	}
	return rs.subject(id, it.Entry, it.Value, record), nil
}

// checkUnique returns an error where a changed resource takes a value that another one has.
func (rs *resources) checkUnique(ctx context.Context, id string, res *doc.Node, changed []string) error {
	for _, attribute := range rs.Exclusive {
		if !patch.Touches(changed, attribute) {
			continue
		}
		for _, text := range value.Texts(rs.Type, res, attribute) {
			for sub, err := range rs.holders(ctx, value.Lookup{Attribute: attribute, Value: text}, id) {
				if err != nil {
					return err
				}
				if !sub.deleted() {
					return rs.conflict()
				}
			}
		}
	}
	return nil
}

// spelledOtherwise returns the group that stands in the way of a new one because the organization writes its name differently,
// without spaces for example. Under which name the provider knows it is remembered: it looks for that next, and would be
// refused and find nothing for ever. A group that has such a name already is another one.
func (rs *resources) spelledOtherwise(ctx context.Context, wanted *doc.Node) (*subject, error) {
	name, ok := rs.WrittenName(wanted)
	if !ok {
		return nil, nil
	}
	for sub, err := range rs.holders(ctx, value.Lookup{Attribute: rs.Identity, Value: name}, "") {
		if err != nil {
			return nil, err
		}
		if sub.entry.Protected || sub.record != nil && sub.record.Kept[rs.Identity].Value != nil { // named by the provider
			continue
		}
		date := rs.date()
		record := rs.keep(ctx, sub.id, sub.entry, wanted, []string{rs.Identity}, func(r *ledger.Record) { date(r, false) })
		found := rs.subject(sub.id, sub.entry, sub.value, record)
		found.found = value.Lookup{Attribute: rs.Identity, Value: name}
		return found, nil
	}
	return nil, nil
}
