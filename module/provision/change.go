package provision

import (
	"context"
	"net/http"
	"strings"

	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/patch"
	"github.com/caddy-scim/gateway/transforms/quirks"
	"github.com/caddy-scim/gateway/transforms/scim"
	"github.com/caddy-scim/gateway/transforms/value"
)

// change carries out PATCH and PUT.
func (u *users) change(ctx context.Context) (*scim.Answer, error) {
	change, err := u.requestedChange()
	if err != nil {
		return nil, err
	}
	unlock, err := u.lockNames(ctx, u.NamesIn(u.op))
	if err != nil {
		return nil, err
	}
	defer unlock()
	places, err := u.keepPlaces(ctx, change)
	if err != nil {
		u.losePlaces(ctx, places)
		return nil, err
	}
	var sub *subject
	err = u.in(ctx, u.op.ID, func(was *subject) (err error) {
		if sub, err = u.applyChange(ctx, was, change); err == nil && quirks.SpeaksOfActive(u.op.Body) {
			u.said(ctx, sub, leaving(sub))
		}
		return err
	})
	if err != nil {
		u.losePlaces(ctx, places)
		return nil, err
	}
	if err := u.joinAll(ctx, sub); err != nil {
		return nil, err
	}
	return u.answer(ctx, sub, http.StatusOK)
}

// applyChange returns the user as it is after the change. The user is locked.
func (u *users) applyChange(ctx context.Context, sub *subject, change func(*doc.Node) ([]string, error)) (*subject, error) {
	after := sub.res.Clone()
	changed, err := change(after)
	if err != nil {
		return nil, err
	}
	if u.blind != nil {
		return u.lockOut(ctx, sub, after, changed)
	}
	if patch.Touches(changed, "userName") && strings.TrimSpace(after.Get("userName").Text()) == "" {
		return nil, empty("userName")
	}
	if patch.Touches(changed, "active") && after.Get("active").Kind() != doc.Bool {
		// What is neither true nor false must not lock anybody out, or remove where that is how it is done (T4).
		return nil, scim.Errorf(http.StatusBadRequest, scim.InvalidValue, "active cannot be removed: it is true or false")
	}
	switch named, addressed := patch.Touches(changed, "userName"), patch.Touches(changed, "emails"); {
	case u.NamedByAddress() && named && !addressed:
		followUserName(sub, after)
	case u.config.UserNameFollowsEmail && addressed && !named && u.followEmail(sub, after):
		changed = append(changed, "userName")
	}
	switch {
	case len(changed) == 0:
		trace.Say(ctx, trace.Unchanged, sub.id, "")
		return sub, nil
	case sub.entry == nil && after.Get("active").True():
		return u.activate(ctx, sub, after)
	}
	if err := u.checkUnique(ctx, sub.id, after, changed); err != nil {
		return nil, err
	}
	if sub.entry == nil {
		return u.putWaiting(ctx, sub.id, after)
	}
	return u.update(ctx, sub, after, changed, nil)
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
func (k *kind) followEmail(sub *subject, after *doc.Node) bool {
	is := k.Email(after)
	if is == "" || !value.SameText(nil, sub.res.Get("userName").Text(), k.Email(sub.res)) {
		return false
	}
	after.Set("userName", doc.NewString(is))
	return true
}

// requestedChange returns what a PATCH or PUT does to a resource. It is read and checked before anything is asked of the upstream.
func (rs *resources) requestedChange() (func(*doc.Node) ([]string, error), error) {
	if rs.op.Verb == scim.Patch {
		ops, err := patch.Parse(rs.op.Body, rs.Type)
		if err != nil {
			return nil, err
		}
		return func(res *doc.Node) ([]string, error) { return patch.Apply(res, ops, rs.Type) }, nil
	}
	return func(res *doc.Node) ([]string, error) {
		before := res.Clone()
		if _, err := patch.Replace(res, rs.op.Body, rs.Type); err != nil {
			return nil, err
		}
		// The externalId is what the provider finds the resource by. Like active it is changed by a word, not by an omission.
		if _, ok := rs.op.Body.Value().Lookup("externalId"); !ok {
			res.Set("externalId", before.Get("externalId"))
		}
		return patch.Diff(before, res, rs.Type), nil
	}, nil
}
