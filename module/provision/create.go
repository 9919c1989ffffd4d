package provision

import (
	"context"
	"time"

	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/provision/api"
	"github.com/caddy-scim/gateway/module/provision/items"
	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/value"
)

// findOrAdd returns the resource that the organization has already, or makes one by the call add; made reports which of the
// two.
// except is the provider's id of a user who waits to become it. The names of the resource are locked.
func (rs *resources) findOrAdd(ctx context.Context, wanted *doc.Node, except string, add func() (*subject, error)) (sub *subject, made bool, err error) {
	if sub, err = rs.existing(ctx, wanted, except, except != "" || rs.dry()); err != nil || sub != nil {
		return sub, false, err
	}
	if sub, err = add(); !api.Taken(err) {
		return sub, true, err
	}
	// The upstream knows better than the view. Who is it?
	rs.View.Expire()
	found, lookupErr := rs.existing(ctx, wanted, except, true)
	if lookupErr == nil && found == nil && !rs.IsUser() {
		found, lookupErr = rs.groups.spelledOtherwise(ctx, wanted)
	}
	if except == "" || lookupErr != nil || found == nil { // else it ends with the adoption
		rs.intents.endDisputed(lookupErr == nil && found != nil)
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
func (rs *resources) add(ctx context.Context, id string, wanted *doc.Node) (*subject, error) {
	end, err := rs.intendCreate(ctx, id, wanted)
	if err != nil {
		return nil, err
	}
	it, err := rs.items.Create(ctx, wanted)
	if err != nil {
		if api.Taken(err) { // by whom is to be found out; the call itself may have been delivered twice
			rs.intents.disputed = end
		} else {
			end(rs.talk.Outcome().Refused())
		}
		return nil, err
	}
	if it, err = rs.welcome(ctx, it, wanted); err != nil {
		end(false) // whoever asks next finds what there is
		return nil, err
	}
	remember := rs.owe
	if id == "" {
		id = it.ID
	} else { // whose the organization's id is, the ledger alone knows
		remember = rs.keep
	}
	date := rs.date()
	record := remember(ctx, id, it.Entry, wanted, value.Attributes(wanted), func(r *ledger.Record) {
		rs.begin(r, id, it.ID)
		date(r, r.Created.IsZero())
	})
	end(true)
	trace.Say(ctx, rs.made(), id, "")
	sub := rs.subject(id, it.Entry, it.Value, record)
	rs.plans(ctx, rs.made(), sub, nil)
	return sub, nil
}

// welcome makes the calls about somebody who has just been created and is to be active, and returns the item after them.
func (rs *resources) welcome(ctx context.Context, it *items.Item, wanted *doc.Node) (*items.Item, error) {
	if len(rs.Created) == 0 || !wanted.Get("active").True() {
		return it, nil
	}
	if _, err := rs.items.Run(ctx, rs.Created, items.Env(it.ID, it.Name(), it.Value)); err != nil {
		return nil, err
	}
	return rs.items.Fetch(ctx, it.ID, it.Name())
}

// made returns the effect of a create.
func (k *kind) made() trace.Kind {
	if !k.IsUser() {
		return trace.GroupCreated
	}
	return trace.Invited
}

// begin makes a record that of a resource which the upstream has from now on, and of which nothing else is remembered but
// when a user who waited was created.
func (k *kind) begin(r *ledger.Record, id, upstream string) {
	var created time.Time
	if r.Deferred != nil {
		created = r.Created
	}
	*r = ledger.Record{ID: id, Linked: k.IsUser(), Created: created}
	if id != upstream {
		r.Upstream = upstream
	}
}
