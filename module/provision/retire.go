package provision

import (
	"context"
	"slices"

	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/provision/api"
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
// a user waits for no group; in a group that waits for somebody who is there, nothing is different. It returns the groups
// that did not wait for the user before.
func (s *session) keepPlaces(ctx context.Context, change func(*doc.Node) ([]string, error)) (places []string, err error) {
	k := s.user
	if k.DisableAs != plan.DisableDelete || k.book == nil || s.group == nil {
		return nil, nil
	}
	sub, err := s.load(ctx, k, s.op.ID)
	if err != nil {
		return nil, err
	}
	after := sub.res.Clone()
	changed, err := change(after)
	if err != nil || sub.entry == nil || !touches(changed, "active") || after.Get("active").True() {
		return nil, err
	}
	var groups []*view.Entry
	if err := s.known(ctx, s.group, func(t *view.Table) { groups = t.All() }); err != nil {
		return nil, err
	}
	for _, e := range groups {
		if e.Protected {
			continue
		}
		err := s.inGroup(ctx, e.ID, func(group *subject) error {
			if err := s.loadMembers(ctx, group); err != nil || !slices.Contains(group.joined, sub.id) {
				return err
			}
			if !slices.Contains(group.joining, sub.id) {
				places = append(places, group.id)
			}
			s.group.book.Keep(ctx, group.id, func(r *ledger.Record) { r.Waiting = distinct(append(r.Waiting, sub.id)) })
			return nil
		})
		if err != nil && !api.Gone(err) {
			return places, err
		}
	}
	return places, nil
}

// losePlaces lets groups wait no longer for a user who was not retired. Where nobody knows whether that was done, it is
// found out in the background.
func (s *session) losePlaces(ctx context.Context, places []string) {
	if s.talk.Begun() && len(places) > 0 {
		s.shared.settleLater(s.engine, s.caller)
		return
	}
	for _, group := range places {
		unlock, err := s.lockGroup(ctx, group)
		if err != nil {
			return
		}
		s.group.book.Keep(ctx, group, func(r *ledger.Record) { r.Waiting = without(r.Waiting, []string{s.op.ID}) })
		unlock()
	}
}
