package provision

import (
	"context"
	"strings"

	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/scim"
	"github.com/caddy-scim/gateway/transforms/value"
)

// existingUser answers the creation of a user whom the organization has already.
func (u *users) existingUser(ctx context.Context, sub *subject, wanted *doc.Node) (*scim.Answer, error) {
	if sub.entry != nil && sub.entry.Protected {
		trace.Say(ctx, trace.Protected, sub.id, "mapping")
		return nil, u.conflict()
	}
	if !u.samePerson(sub, wanted) {
		return nil, u.another(ctx, sub)
	}
	if u.config.Existing == ExistingConflict && !sub.deleted() {
		u.keepUserName(ctx, sub, wanted)
		return nil, u.conflict()
	}
	err := u.locked(ctx, sub.id, func() (err error) {
		if sub, err = u.link(ctx, sub, wanted); err == nil {
			u.said(ctx, sub, leaving(sub))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := u.joinAll(ctx, sub); err != nil {
		return nil, err
	}
	return u.created(ctx, sub)
}

// link makes a user whom the organization has already the one that the provider creates. The user is locked.
func (u *users) link(ctx context.Context, sub *subject, wanted *doc.Node) (*subject, error) {
	found := sub.found
	sub, err := u.linkable(ctx, sub)
	if err != nil {
		return nil, err
	}
	// Whom the provider knows already under another name is somebody else to it, whatever address or externalId the two
	// share: linked, one of them would act as the other.
	known := sub.entry == nil || sub.linked()
	if known && !(value.Lookup{Attribute: "userName", Value: strings.TrimSpace(wanted.Get("userName").Text())}).In(u.Type, sub.res) {
		return nil, u.conflict()
	}
	active := wanted.Get("active")
	if sub.entry == nil {
		if active.True() {
			return u.activate(ctx, sub, wanted)
		}
		return sub, nil
	}
	// The link itself rewrites nothing: what the upstream has a place for stays what it is, and the provider corrects it
	// with its next request if it wants to.
	var missing []string
	for _, attribute := range value.Attributes(wanted) {
		if attribute == "userName" || !u.Readable(attribute) {
			missing = append(missing, attribute)
		}
	}
	date := u.date()
	record := u.keep(ctx, sub.id, sub.entry, wanted, missing, func(r *ledger.Record) {
		r.Deleted, r.Linked = false, true
		date(r, false)
	})
	u.linkedBy(ctx, sub.id, found, "existing link")
	sub = u.subject(sub.id, sub.entry, sub.value, record)
	u.plans(ctx, trace.Linked, sub, nil)
	if value.Equal(active, sub.res.Get("active")) {
		return sub, nil
	}
	after := sub.res.Clone()
	after.Set("active", active)
	return u.update(ctx, sub, after, []string{"active"}, nil)
}

// linkable returns a user, read a moment ago, as the ledger knows it now. The user is locked.
func (u *users) linkable(ctx context.Context, sub *subject) (*subject, error) {
	record, err := u.record(ctx, sub.id)
	switch {
	case err != nil:
		return nil, err
	case record != nil && record.Deferred != nil:
		return waitingSubject(record)
	case sub.entry == nil: // created in the meantime
		return u.load(ctx, sub.id)
	}
	return u.subject(sub.id, sub.entry, sub.value, record), nil
}

// keepUserName remembers under which name the provider knows a member that it was refused to create. It looks for the user by
// that name next, as Entra does after a 409, and finds the member; without it, a member whose address is not the
// provider's userName would be refused and not found for ever. A member whom the provider has taken into its hands
// already is somebody else to it.
func (u *users) keepUserName(ctx context.Context, sub *subject, wanted *doc.Node) {
	if sub.entry == nil || sub.record != nil && sub.record.Linked {
		return
	}
	date := u.date()
	u.keep(ctx, sub.id, sub.entry, wanted, []string{"userName"}, func(r *ledger.Record) {
		r.Linked = true
		date(r, false)
	})
	u.linkedBy(ctx, sub.id, sub.found, "existing conflict")
}
