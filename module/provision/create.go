package provision

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-scim/gateway/module/dryrun"
	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/provision/api"
	"github.com/caddy-scim/gateway/module/provision/items"
	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/patch"
	"github.com/caddy-scim/gateway/transforms/scim"
	"github.com/caddy-scim/gateway/transforms/value"
)

// create invites a new user, or does what the configuration says where the organization has such a member or the
// user is not active.
func (u *users) create(ctx context.Context) (*scim.Answer, error) {
	wanted, err := patch.Create(u.op.Body, u.Type)
	if err != nil {
		return nil, err
	}
	name := strings.TrimSpace(wanted.Get("userName").Text())
	if name == "" {
		return nil, empty("userName")
	}
	if wanted.Get("active") == nil {
		wanted.Set("active", doc.NewBool(true)) // nobody is created to be locked out
	}
	// Entra repeats a request whose answer was late: the second one must find what the first one made.
	unlock, err := u.lockNames(ctx, u.NamesOf(wanted))
	if err != nil {
		return nil, err
	}
	defer unlock()

	sub, made, err := u.findOrAdd(ctx, wanted, "", func() (*subject, error) { return u.newUser(ctx, wanted) })
	if err != nil {
		return nil, err
	}
	if slices.Contains(u.adopted, sub.id) { // an earlier request has created the user, who becomes what the provider writes now
		made = true
		err := u.locked(ctx, sub.id, func() (err error) {
			sub, err = u.adopt(ctx, sub.id, sub, wanted)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if made {
		u.said(ctx, sub, leaving(sub))
		return u.created(ctx, sub)
	}
	return u.existingUser(ctx, sub, wanted)
}

// newUser creates a user whom the organization does not have.
func (u *users) newUser(ctx context.Context, wanted *doc.Node) (*subject, error) {
	if u.Writable("emails.value") && !u.Writable("userName") && u.Email(wanted) == "" {
		return nil, scim.Errorf(http.StatusBadRequest, scim.InvalidValue, "the user has no e-mail address to be invited at: neither emails nor userName has one where primary_email looks")
	}
	if wanted.Get("active").True() {
		return u.add(ctx, "", wanted)
	}
	switch u.config.Inactive {
	case InactiveReject:
		return nil, scim.Errorf(http.StatusBadRequest, scim.InvalidValue, "an inactive user cannot be created in this organization")
	case InactiveDefer:
		if err := u.creatable(wanted); err != nil {
			return nil, err
		}
		id := uuid.NewString()
		if u.dry() {
			id = dryrun.NewID()
		}
		sub, err := u.putWaiting(ctx, id, wanted)
		if err == nil {
			u.plans(ctx, trace.Waiting, sub, nil)
		}
		return sub, err
	}
	if len(u.Disable) == 0 {
		return nil, notSwitchable()
	}
	sub, err := u.add(ctx, "", wanted)
	if err != nil {
		return nil, err
	}
	if !sub.res.Get("active").True() {
		return sub, nil
	}
	return u.update(ctx, sub, wanted, []string{"active"}, nil)
}

// creatable returns an error where the organization cannot be asked to create a user: when one who waits is activated, it
// would be too late to say what is missing.
func (u *users) creatable(wanted *doc.Node) error {
	env := items.Env("", "", doc.Value{})
	env.SCIM = wanted.Clone()
	env.SCIM.Set("active", doc.NewBool(true))
	for _, c := range u.Create {
		if c.Applies(env) {
			_, err := c.Request(env) // the next ones are about what this one has made
			return err
		}
	}
	return nil
}

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
		found, lookupErr = rs.spelledOtherwise(ctx, wanted)
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
			end(rs.talk.Outcome.Refused())
		}
		return nil, err
	}
	if it, err = rs.welcome(ctx, it, wanted); err != nil {
		end(false) // whoever asks next finds what there is
		return nil, err
	}
	keep := rs.book.Owe
	if id == "" {
		id = it.ID
	} else { // whose the organization's id is, the ledger alone knows
		keep = rs.book.Keep
	}
	date := rs.date()
	record := rs.keepBy(ctx, keep, id, it.Entry, wanted, value.Attributes(wanted), func(r *ledger.Record) {
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
