package provision

import (
	"context"
	"slices"

	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/provision/view"
	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
)

// retire removes a user whom the upstream cannot deactivate. The ledger keeps the user, so that the next activation
// creates the member anew under the same id.
func (s *session) retire(ctx context.Context, sub *subject, after *doc.Node) (*subject, error) {
	k := s.user
	if err := s.remove(ctx, k, sub); err != nil {
		return nil, err
	}
	trace.Say(ctx, trace.Revoked, sub.id, "")
	if k.book == nil {
		res := after.Clone()
		return &subject{id: sub.id, res: res, merged: true}, nil
	}
	text, date := s.deferred(after), s.date(k)
	k.book.Keep(ctx, sub.id, func(r *ledger.Record) {
		*r = ledger.Record{Deferred: text, Created: r.Created}
		date(r, false)
	})
	return s.waits(sub.id, text)
}

// keepPlaces lets the groups of a user who is about to retire wait for them: the organization forgets who was a member
// where, and the provider, which told it once, will not do so again. It comes before the user's lock, because whoever holds
// a user waits for no group; in a group that waits for somebody who is there, nothing is different.
func (s *session) keepPlaces(ctx context.Context, change func(*doc.Node) ([]string, error)) error {
	k := s.user
	if k.DisableAs != plan.DisableDelete || k.book == nil || s.group == nil {
		return nil
	}
	sub, err := s.load(ctx, k, s.op.ID)
	if err != nil {
		return err
	}
	after := sub.res.Clone()
	changed, err := change(after)
	if err != nil || sub.entry == nil || !touches(changed, "active") || after.Get("active").True() {
		return err
	}
	var groups []*view.Entry
	if err := s.known(ctx, s.group, func(t *view.Table) { groups = t.All() }); err != nil {
		return err
	}
	for _, e := range groups {
		if e.Protected {
			continue
		}
		err := s.inGroup(ctx, e.ID, func(group *subject) error { return s.keepPlace(ctx, group, sub.id) })
		if err != nil && !gone(err) {
			return err
		}
	}
	return nil
}

// keepPlace lets a group wait for one of its members. The group's lock is held.
func (s *session) keepPlace(ctx context.Context, group *subject, id string) error {
	if err := s.loadMembers(ctx, group); err != nil || !slices.Contains(group.joined, id) {
		return err
	}
	s.group.book.Keep(ctx, group.id, func(r *ledger.Record) { r.Waiting = distinct(append(r.Waiting, id)) })
	return nil
}
