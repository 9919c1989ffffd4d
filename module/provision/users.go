package provision

import (
	"context"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping"
	"github.com/caddy-scim/gateway/transforms/patch"
	"github.com/caddy-scim/gateway/transforms/scim"
)

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
		return nil, scim.Errorf(http.StatusBadRequest, scim.InvalidValue, "userName must not be empty")
	}
	if wanted.Get("active") == nil {
		wanted.Set("active", doc.NewBool(true)) // nobody is created to be locked out
	}
	// Entra repeats a request whose answer was late: the second one must find what the first one made.
	unlock, err := s.shared.locks.lock(ctx, "create user "+strings.ToLower(name), false)
	if err != nil {
		return nil, err
	}
	defer unlock()

	sub, err := s.existing(ctx, k, wanted, false)
	if err != nil {
		return nil, err
	}
	if sub == nil {
		sub, err = s.newUser(ctx, wanted)
		if err == nil {
			return s.created(ctx, k, sub)
		}
		if !taken(err) {
			return nil, err
		}
		// The upstream knows better than the view: who is it?
		k.view.expire()
		found, lookupErr := s.existing(ctx, k, wanted, true)
		if lookupErr != nil {
			return nil, lookupErr
		}
		if found == nil {
			return nil, err
		}
		sub = found
	}
	return s.existingUser(ctx, sub, wanted)
}

// newUser creates a user whom the organization does not have.
func (s *session) newUser(ctx context.Context, wanted *doc.Node) (*subject, error) {
	k := s.user
	if k.Writable("emails.value") && !k.Writable("userName") && k.Email(wanted) == "" {
		return nil, scim.Errorf(http.StatusBadRequest, scim.InvalidValue, "the user has no e-mail address to be invited at: emails is empty, and userName is no address")
	}
	if wanted.Get("active").True() {
		return s.add(ctx, k, "", wanted)
	}
	switch s.config.Inactive {
	case InactiveReject:
		return nil, scim.Errorf(http.StatusBadRequest, scim.InvalidValue, "an inactive user cannot be created in this organization")
	case InactiveDefer:
		return s.put(ctx, &ledger.Record{ID: uuid.NewString()}, wanted)
	}
	if len(k.Disable) == 0 {
		return nil, scim.Errorf(http.StatusBadRequest, scim.InvalidValue, "users of this organization cannot be deactivated")
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

// put remembers a user who waits to be created.
func (s *session) put(ctx context.Context, record *ledger.Record, wanted *doc.Node) (*subject, error) {
	kept := wanted.Clone()
	for _, name := range []string{"password", "id", "meta", "groups"} {
		kept.Delete(name)
	}
	record.Deferred = kept.AppendTo(nil)
	if err := s.write(ctx, s.user, record); err != nil {
		return nil, unreadable(err) // nobody else knows of the user
	}
	return s.waiting(s.user, record)
}

// existingUser answers the creation of a user whom the organization has already.
func (s *session) existingUser(ctx context.Context, sub *subject, wanted *doc.Node) (*scim.Answer, error) {
	k := s.user
	if sub.entry != nil && sub.entry.protected {
		return nil, conflict(k)
	}
	deleted := sub.record != nil && sub.record.Deleted
	if s.config.Existing == ExistingConflict && !deleted {
		return nil, conflict(k)
	}
	if sub.entry == nil {
		return s.linkWaiting(ctx, sub, wanted)
	}
	record := sub.record
	if record == nil {
		record = &ledger.Record{ID: sub.id}
	}
	record.Deleted = false
	// The link itself rewrites nothing: what the upstream has a place for stays what it is, and the provider corrects it
	// with its next request if it wants to.
	var missing []string
	for _, attribute := range attributesOf(k.rt, wanted) {
		if attribute == "userName" || !k.Readable(attribute) {
			missing = append(missing, attribute)
		}
	}
	s.keep(ctx, k, record, sub.entry, wanted, missing)
	sub = s.subject(k, sub.id, sub.entry, sub.value, record)
	if active := wanted.Get("active"); !equal(active, sub.res.Get("active")) {
		after := sub.res.Clone()
		after.Set("active", active)
		var err error
		if sub, err = s.update(ctx, k, sub, after, []string{"active"}); err != nil {
			return nil, err
		}
	}
	return s.created(ctx, k, sub)
}

func (s *session) linkWaiting(ctx context.Context, sub *subject, wanted *doc.Node) (*scim.Answer, error) {
	var err error
	if wanted.Get("active").True() {
		sub, err = s.activate(ctx, sub, wanted)
	}
	if err != nil {
		return nil, err
	}
	return s.created(ctx, s.user, sub)
}

// changeUser carries out PATCH and PUT.
func (s *session) changeUser(ctx context.Context) (*scim.Answer, error) {
	k := s.user
	change, err := s.change(k)
	if err != nil {
		return nil, err
	}
	unlock, err := s.shared.locks.lock(ctx, "user "+s.op.ID, false)
	if err != nil {
		return nil, err
	}
	defer unlock()
	sub, err := s.load(ctx, k, s.op.ID)
	if err != nil {
		return nil, err
	}
	after := sub.res.Clone()
	changed, err := change(after)
	if err != nil {
		return nil, err
	}
	if touches(changed, "userName") && strings.TrimSpace(after.Get("userName").Text()) == "" {
		return nil, scim.Errorf(http.StatusBadRequest, scim.InvalidValue, "userName must not be empty")
	}
	switch {
	case len(changed) == 0:
	case sub.entry == nil && after.Get("active").True():
		sub, err = s.activate(ctx, sub, after)
	case sub.entry == nil:
		if err = s.free(ctx, k, sub.id, after, changed); err == nil {
			sub, err = s.put(ctx, sub.record, after)
		}
	default:
		if err = s.free(ctx, k, sub.id, after, changed); err == nil {
			sub, err = s.update(ctx, k, sub, after, changed)
		}
	}
	if err != nil {
		return nil, err
	}
	return s.answer(ctx, k, sub, http.StatusOK)
}

// change is what a PATCH or PUT does to a resource. It is read and checked before anything is asked of the upstream.
func (s *session) change(k *kind) (func(*doc.Node) ([]string, error), error) {
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

// activate creates a user who waited for it; the id stays what the provider knows.
func (s *session) activate(ctx context.Context, sub *subject, wanted *doc.Node) (*subject, error) {
	k := s.user
	wanted = wanted.Clone()
	wanted.Delete("id")
	made, err := s.existingOther(ctx, wanted, sub.id)
	if err != nil {
		return nil, err
	}
	if made != nil {
		made, err = s.adopt(ctx, sub, made, wanted)
	} else {
		made, err = s.add(ctx, k, sub.id, wanted)
	}
	if err != nil {
		return nil, err
	}
	return made, s.joinAll(ctx, sub.id)
}

// adopt makes a member whom the organization has by now the one that a waiting user becomes: somebody invited the person
// by hand, or the ledger could not be written when the gateway did. To refuse would be final, since the provider knows
// the user by the id of the one who waits.
func (s *session) adopt(ctx context.Context, sub, found *subject, wanted *doc.Node) (*subject, error) {
	k := s.user
	if found.entry == nil || found.entry.protected || found.record != nil && !found.record.Deleted {
		return nil, conflict(k)
	}
	if err := k.book.Delete(ctx, found.id); err != nil {
		return nil, unreadable(err)
	}
	record := &ledger.Record{ID: sub.id, Upstream: found.entry.id}
	s.keep(ctx, k, record, found.entry, wanted, attributesOf(k.rt, wanted))
	made := s.subject(k, sub.id, found.entry, found.value, record)
	if made.res.Get("active").True() {
		return made, nil
	}
	return s.update(ctx, k, made, wanted, []string{"active"})
}

// existingOther is who stands in the way of a user that waits, other than the user.
func (s *session) existingOther(ctx context.Context, wanted *doc.Node, id string) (*subject, error) {
	for _, l := range []lookup{
		{"userName", wanted.Get("userName").Text()}, {"externalId", wanted.Get("externalId").Text()},
		{"userName", s.user.Email(wanted)},
	} {
		if l.value == "" {
			continue
		}
		if sub, err := s.holder(ctx, s.user, l, id); err != nil || sub != nil {
			return sub, err
		}
	}
	return nil, nil
}

// deleteUser removes the member, or does what the configuration says.
func (s *session) deleteUser(ctx context.Context) (*scim.Answer, error) {
	k := s.user
	if s.config.Delete == DeleteRefuse {
		return nil, scim.Errorf(http.StatusForbidden, "", "users of this organization are not deleted through SCIM; deactivate them")
	}
	unlock, err := s.shared.locks.lock(ctx, "user "+s.op.ID, false)
	if err != nil {
		return nil, err
	}
	defer unlock()
	sub, err := s.load(ctx, k, s.op.ID)
	if err != nil {
		return nil, err
	}
	if sub.entry == nil {
		if err := k.book.Delete(ctx, sub.id); err != nil {
			return nil, unreadable(err)
		}
		k.marks.expire()
		return &scim.Answer{Status: http.StatusNoContent}, nil
	}
	if s.config.Delete == DeleteRevoke {
		if sub.res.Get("active").True() {
			after := sub.res.Clone()
			after.Set("active", doc.NewBool(false))
			if sub, err = s.update(ctx, k, sub, after, []string{"active"}); err != nil {
				return nil, err
			}
		}
		return s.deleted(ctx, k, sub, true)
	}
	if err := s.remove(ctx, k, sub); err != nil {
		return nil, err
	}
	return s.deleted(ctx, k, sub, s.config.Ledger.SoftDelete)
}

// remove makes the calls that remove an item. That it is gone by now is what was asked for.
func (s *session) remove(ctx context.Context, k *kind, sub *subject) error {
	env := s.env(sub.entry.id, sub.entry.name(), sub.value)
	env.SCIM = sub.res
	_, err := s.run(ctx, k, k.Delete, env)
	if err != nil && !gone(err) {
		return err
	}
	k.view.drop(sub.entry.id)
	return nil
}

// deleted forgets a resource; one that the upstream goes on showing has to be remembered as deleted.
func (s *session) deleted(ctx context.Context, k *kind, sub *subject, shown bool) (*scim.Answer, error) {
	var err error
	switch {
	case k.book == nil:
	case shown:
		record := sub.record
		if record == nil {
			record = &ledger.Record{ID: sub.id}
		}
		record.Deleted = true
		err = s.write(ctx, k, record)
	case sub.record != nil:
		err = k.book.Delete(context.WithoutCancel(ctx), sub.id)
		k.marks.expire()
	}
	if err != nil {
		s.logLedger(err)
	}
	return &scim.Answer{Status: http.StatusNoContent}, nil
}

// setActive makes the calls that deactivate or activate a user.
func (s *session) setActive(ctx context.Context, k *kind, sub *subject, env *mapping.Env, active bool) (doc.Value, error) {
	calls := k.Disable
	if active {
		calls = k.Enable
	}
	if len(calls) == 0 {
		return doc.Value{}, scim.Errorf(http.StatusBadRequest, scim.InvalidValue, "users of this organization cannot be deactivated or activated")
	}
	return s.run(ctx, k, calls, env)
}
