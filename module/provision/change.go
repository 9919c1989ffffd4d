package provision

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/patch"
	"github.com/caddy-scim/gateway/transforms/scim"
	"github.com/caddy-scim/gateway/transforms/value"
)

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
