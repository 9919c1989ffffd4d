package provision

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/caddy-scim/gateway/module/dryrun"
	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/patch"
	"github.com/caddy-scim/gateway/transforms/scim"
	"github.com/caddy-scim/gateway/transforms/value"
)

// lockUser is for whoever changes a user, given by the provider's id: what is written was read before, and two of that at
// once would undo one another, be it that one of them deactivates. Whoever holds it does not wait for a group, since those
// who hold a group wait for users.
func (s *session) lockUser(ctx context.Context, id string) (unlock func(), err error) {
	return locked(s.shared.locks.User(s.lasting(ctx), id))
}

// createUser invites a new user, or does what the configuration says where the organization has such a member or the
// user is not active.
func (s *session) createUser(ctx context.Context) (*scim.Answer, error) {
	k := s.user
	wanted, err := patch.Create(s.op.Body, k.rt)
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
	unlock, err := s.lockNames(ctx, k, k.namesOf(wanted))
	if err != nil {
		return nil, err
	}
	defer unlock()

	sub, made, err := s.findOrAdd(ctx, k, wanted, "", func() (*subject, error) { return s.newUser(ctx, wanted) })
	if err != nil {
		return nil, err
	}
	if slices.Contains(s.adopted, sub.id) {
		if sub, err = s.adoptAgain(ctx, sub, wanted); err != nil {
			return nil, err
		}
		made = true
	}
	if made {
		return s.created(ctx, k, sub)
	}
	return s.existingUser(ctx, sub, wanted)
}

// adoptAgain makes a user whom an earlier request has created what the provider writes now.
func (s *session) adoptAgain(ctx context.Context, sub *subject, wanted *doc.Node) (*subject, error) {
	unlock, err := s.lockUser(ctx, sub.id)
	if err != nil {
		return nil, err
	}
	defer unlock()
	return s.adopt(ctx, s.user, sub.id, sub, wanted)
}

// newUser creates a user whom the organization does not have.
func (s *session) newUser(ctx context.Context, wanted *doc.Node) (*subject, error) {
	k := s.user
	if k.Writable("emails.value") && !k.Writable("userName") && k.Email(wanted) == "" {
		return nil, scim.Errorf(http.StatusBadRequest, scim.InvalidValue, "the user has no e-mail address to be invited at: neither emails nor userName has one where primary_email looks")
	}
	if wanted.Get("active").True() {
		return s.add(ctx, k, "", wanted)
	}
	switch s.config.Inactive {
	case InactiveReject:
		return nil, scim.Errorf(http.StatusBadRequest, scim.InvalidValue, "an inactive user cannot be created in this organization")
	case InactiveDefer:
		if err := s.creatable(k, wanted); err != nil {
			return nil, err
		}
		id := uuid.NewString()
		if s.dry() {
			id = dryrun.NewID()
		}
		sub, err := s.putWaiting(ctx, id, wanted)
		if err == nil {
			s.plans(ctx, trace.Waiting, sub, nil)
		}
		return sub, err
	}
	if len(k.Disable) == 0 {
		return nil, notSwitchable()
	}
	sub, err := s.add(ctx, k, "", wanted)
	if err != nil {
		return nil, err
	}
	if !sub.res.Get("active").True() {
		return sub, nil
	}
	return s.update(ctx, k, sub, wanted, []string{"active"})
}

// creatable tells whether the organization can be asked to create a user at all: when one who waits is activated, it would
// be too late to say what is missing.
func (s *session) creatable(k *kind, wanted *doc.Node) error {
	env := s.env("", "", doc.Value{})
	env.SCIM = wanted.Clone()
	env.SCIM.Set("active", doc.NewBool(true))
	for _, c := range k.Create {
		if c.Applies(env) {
			_, err := c.Request(env) // the next ones are about what this one has made
			return err
		}
	}
	return nil
}

// existingUser answers the creation of a user whom the organization has already.
func (s *session) existingUser(ctx context.Context, sub *subject, wanted *doc.Node) (*scim.Answer, error) {
	k := s.user
	if sub.entry != nil && sub.entry.Protected {
		trace.Say(ctx, trace.Protected, sub.id, "mapping")
		return nil, conflict(k)
	}
	if !s.samePerson(sub, wanted) {
		return nil, s.another(ctx, sub)
	}
	if s.config.Existing == ExistingConflict && !sub.deleted() {
		s.keepUserName(ctx, sub, wanted)
		return nil, conflict(k)
	}
	sub, err := s.linkUser(ctx, sub, wanted)
	if err != nil {
		return nil, err
	}
	if err := s.joinAll(ctx, sub); err != nil {
		return nil, err
	}
	return s.created(ctx, k, sub)
}

// linkUser makes a user whom the organization has already the one that the provider creates, under the user's lock.
func (s *session) linkUser(ctx context.Context, sub *subject, wanted *doc.Node) (*subject, error) {
	k := s.user
	unlock, err := s.lockUser(ctx, sub.id)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := s.settleUser(ctx, sub.id); err != nil {
		return nil, err
	}
	found := sub.found
	if sub, err = s.linkable(ctx, sub); err != nil {
		return nil, err
	}
	// Whom the provider knows already under another name is somebody else to it, whatever address or externalId the two
	// share: linked, one of them would act as the other.
	known := sub.entry == nil || sub.linked()
	if known && !(lookup{Attribute: "userName", Value: strings.TrimSpace(wanted.Get("userName").Text())}).In(k.rt, sub.res) {
		return nil, conflict(k)
	}
	active := wanted.Get("active")
	if sub.entry == nil {
		if active.True() {
			return s.activate(ctx, sub, wanted)
		}
		return sub, nil
	}
	// The link itself rewrites nothing: what the upstream has a place for stays what it is, and the provider corrects it
	// with its next request if it wants to.
	var missing []string
	for _, attribute := range value.Attributes(wanted) {
		if attribute == "userName" || !k.Readable(attribute) {
			missing = append(missing, attribute)
		}
	}
	date := s.date(k)
	record, _ := s.keep(ctx, k, sub.id, sub.entry, wanted, missing, func(r *ledger.Record) {
		r.Deleted, r.Linked = false, true
		date(r, false)
	})
	s.linkedBy(ctx, k, sub.id, found, "existing link")
	sub = s.subject(k, sub.id, sub.entry, sub.value, record)
	s.plans(ctx, trace.Linked, sub, nil)
	if value.Equal(active, sub.res.Get("active")) {
		return sub, nil
	}
	after := sub.res.Clone()
	after.Set("active", active)
	return s.update(ctx, k, sub, after, []string{"active"})
}

// linkable returns a user, read a moment ago, as the ledger knows it now. The user is locked.
func (s *session) linkable(ctx context.Context, sub *subject) (*subject, error) {
	k := s.user
	record, err := s.record(ctx, k, sub.id)
	switch {
	case err != nil:
		return nil, err
	case record != nil && record.Deferred != nil:
		return waitingSubject(record)
	case sub.entry == nil: // created in the meantime
		return s.load(ctx, k, sub.id)
	}
	return s.subject(k, sub.id, sub.entry, sub.value, record), nil
}

// keepUserName remembers under which name the provider knows a member that it was refused to create. It looks for the user by
// that name next, as Entra does after a 409, and finds the member; without it, a member whose address is not the
// provider's userName would be refused and not found for ever. A member whom the provider has taken into its hands
// already is somebody else to it.
func (s *session) keepUserName(ctx context.Context, sub *subject, wanted *doc.Node) {
	if sub.entry == nil || sub.record != nil && sub.record.Linked {
		return
	}
	date := s.date(s.user)
	s.keep(ctx, s.user, sub.id, sub.entry, wanted, []string{"userName"}, func(r *ledger.Record) {
		r.Linked = true
		date(r, false)
	})
	s.linkedBy(ctx, s.user, sub.id, sub.found, "existing conflict")
}

// changeUser carries out PATCH and PUT.
func (s *session) changeUser(ctx context.Context) (*scim.Answer, error) {
	change, err := s.requestedChange(s.user)
	if err != nil {
		return nil, err
	}
	unlock, err := s.lockNames(ctx, s.user, s.user.namesIn(s.op))
	if err != nil {
		return nil, err
	}
	defer unlock()
	places, err := s.keepPlaces(ctx, change)
	if err != nil {
		s.losePlaces(ctx, places)
		return nil, err
	}
	sub, err := s.applyChange(ctx, change)
	if err != nil {
		s.losePlaces(ctx, places)
		return nil, err
	}
	if err := s.joinAll(ctx, sub); err != nil {
		return nil, err
	}
	return s.answer(ctx, s.user, sub, http.StatusOK)
}

// applyChange returns the user as it is after the change, under the user's lock.
func (s *session) applyChange(ctx context.Context, change func(*doc.Node) ([]string, error)) (*subject, error) {
	k := s.user
	unlock, err := s.lockUser(ctx, s.op.ID)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := s.settleUser(ctx, s.op.ID); err != nil {
		return nil, err
	}
	sub, err := s.load(ctx, k, s.op.ID)
	if err != nil {
		return nil, err
	}
	after := sub.res.Clone()
	changed, err := change(after)
	if err != nil {
		return nil, err
	}
	if s.blind != nil {
		return s.lockOut(ctx, sub, after, changed)
	}
	if touches(changed, "userName") && strings.TrimSpace(after.Get("userName").Text()) == "" {
		return nil, empty("userName")
	}
	if touches(changed, "active") && after.Get("active").Kind() != doc.Bool {
		// What is neither true nor false must not lock anybody out, or remove where that is how it is done (T4).
		return nil, scim.Errorf(http.StatusBadRequest, scim.InvalidValue, "active cannot be removed: it is true or false")
	}
	switch named, addressed := touches(changed, "userName"), touches(changed, "emails"); {
	case k.NamedByAddress() && named && !addressed:
		followUserName(sub, after)
	case s.config.UserNameFollowsEmail && addressed && !named && followEmail(k, sub, after):
		changed = append(changed, "userName")
	}
	switch {
	case len(changed) == 0:
		trace.Say(ctx, trace.Unchanged, sub.id, "")
		return sub, nil
	case sub.entry == nil && after.Get("active").True():
		return s.activate(ctx, sub, after)
	}
	if err := s.checkUnique(ctx, k, sub.id, after, changed); err != nil {
		return nil, err
	}
	if sub.entry == nil {
		return s.putWaiting(ctx, sub.id, after)
	}
	return s.update(ctx, k, sub, after, changed)
}

// lockOut deactivates a user while the ledger cannot be read. Nothing else is changed: what the ledger holds may have a say
// in it, and the provider repeats what is refused.
func (s *session) lockOut(ctx context.Context, sub *subject, after *doc.Node, changed []string) (*subject, error) {
	if sub.entry == nil || after.Get("active").Kind() != doc.Bool || after.Get("active").True() {
		e := unreadable(s.blind)
		e.NoAccess = sub.entry == nil
		return nil, e
	}
	only := sub.res.Clone()
	only.Set("active", doc.NewBool(false))
	if touches(changed, "active") {
		var err error
		if sub, err = s.update(ctx, s.user, sub, only, []string{"active"}); err != nil {
			return nil, err
		}
	}
	if slices.ContainsFunc(changed, func(path string) bool { return path != "active" }) {
		e := unreadable(s.blind)
		e.NoAccess = true
		return nil, e
	}
	return sub, nil
}

// followUserName changes the address with the userName where they were the same: what the upstream is sent is chosen among
// the addresses first, and would be the old one.
func followUserName(sub *subject, after *doc.Node) {
	was, is := sub.res.Get("userName").Text(), after.Get("userName").Text()
	if sub.entry == nil || !strings.Contains(is, "@") {
		return
	}
	for _, email := range after.Get("emails").Items() {
		if value.SameText(nil, email.Get("value").Text(), was) {
			email.Set("value", doc.NewString(is))
		}
	}
}

// followEmail changes the userName with the address where it was the address.
func followEmail(k *kind, sub *subject, after *doc.Node) bool {
	is := k.Email(after)
	if is == "" || !value.SameText(nil, sub.res.Get("userName").Text(), k.Email(sub.res)) {
		return false
	}
	after.Set("userName", doc.NewString(is))
	return true
}

// requestedChange returns what a PATCH or PUT does to a resource. It is read and checked before anything is asked of the upstream.
func (s *session) requestedChange(k *kind) (func(*doc.Node) ([]string, error), error) {
	if s.op.Verb == scim.Patch {
		ops, err := patch.Parse(s.op.Body, k.rt)
		if err != nil {
			return nil, err
		}
		return func(res *doc.Node) ([]string, error) { return patch.Apply(res, ops, k.rt) }, nil
	}
	return func(res *doc.Node) ([]string, error) {
		before := res.Clone()
		if _, err := patch.Replace(res, s.op.Body, k.rt); err != nil {
			return nil, err
		}
		// The externalId is what the provider finds the resource by. Like active it is changed by a word, not by an omission.
		if _, ok := s.op.Body.Value().Lookup("externalId"); !ok {
			res.Set("externalId", before.Get("externalId"))
		}
		return patch.Diff(before, res, k.rt), nil
	}, nil
}
