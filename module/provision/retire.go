package provision

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/provision/api"
	"github.com/caddy-scim/gateway/module/provision/view"
	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/patch"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// retire removes a user whom the upstream cannot deactivate. The ledger keeps the user, so that the next activation
// creates the member anew under the same id.
func (rs *resources) retire(ctx context.Context, sub *subject, after *doc.Node) (*subject, error) {
	if err := rs.remove(ctx, sub); err != nil {
		return nil, err
	}
	trace.Say(ctx, trace.Revoked, sub.id, "")
	if rs.book == nil {
		res := after.Clone()
		return &subject{id: sub.id, res: res, merged: true}, nil
	}
	text, date := rs.deferred(after), rs.date()
	rs.book.Keep(ctx, sub.id, func(r *ledger.Record) {
		*r = ledger.Record{Deferred: text, Created: r.Created}
		date(r, false)
	})
	return rs.waits(sub.id, text)
}

// placesPatience is how long the removal of a leaver waits, at most, until it is known in which groups they are.
const placesPatience = 30 * time.Second

// keepPlaces lets the groups of a user who is about to retire wait for them: the organization forgets who was a member
// where, and the provider, which told it once, will not do so again. It comes before the user's lock, because whoever holds
// a user waits for no group; in a group that waits for somebody who is there, nothing is different. It returns the groups
// that did not wait for the user before.
//
// Access comes first: a group that cannot be read in time keeps nobody in. The user is not put back into it, which is told.
func (u *users) keepPlaces(ctx context.Context, change func(*doc.Node) ([]string, error)) (places []string, err error) {
	if u.DisableAs != plan.DisableDelete || u.book == nil || u.groups == nil {
		return nil, nil
	}
	sub, err := u.load(ctx, u.op.ID)
	if err != nil {
		return nil, err
	}
	after := sub.res.Clone()
	changed, err := change(after)
	if err != nil || sub.entry == nil || !patch.Touches(changed, "active") || after.Get("active").True() {
		return nil, err
	}
	within, cancel := context.WithTimeout(ctx, placesPatience)
	defer cancel()
	var unread []string
	var why error
	groups, err := u.groups.ids(within)
	if err != nil {
		unread, why = append(unread, ""), err
	}
	for _, id := range groups {
		err := patiently(within, func() error {
			return u.groups.in(within, id, func(group *subject) error {
				if err := u.groups.loadMembers(within, group); err != nil || !group.joined.Has(sub.id) {
					return err
				}
				if !slices.Contains(group.joining, sub.id) {
					places = append(places, group.id)
				}
				u.groups.book.Keep(ctx, group.id, func(r *ledger.Record) { r.Waiting = distinct(append(r.Waiting, sub.id)) })
				return nil
			})
		})
		if err != nil && !api.Gone(err) {
			unread, why = append(unread, id), err
		}
	}
	if len(unread) == 0 {
		return places, nil
	}
	for _, group := range unread {
		trace.From(ctx).Note(trace.Note{Kind: trace.Unread, ID: sub.id, Group: group})
	}
	u.log.Warn("a user is removed to take access away, and groups could not be read before: if the user was in them, they are not put back into them",
		zap.String("id", sub.id), zap.Strings("groups", unread), zap.Error(why))
	return places, nil
}

// ids returns the provider's ids of all groups but those that are none of its; beside an error, of those that were
// there when they were last listed.
func (g *groups) ids(ctx context.Context) (ids []string, err error) {
	m, err := g.marks(ctx)
	if err != nil {
		return nil, err
	}
	all := func(t *view.Table) {
		for _, e := range t.All() {
			if !e.Protected {
				ids = append(ids, m.ID(e.ID))
			}
		}
	}
	if err = patiently(ctx, func() error { return g.items.Known(ctx, all) }); err != nil {
		g.View.Seen(all)
	}
	return ids, err
}

// patiently makes calls once more after the pause that the organization asks for, where that ends in time.
func patiently(ctx context.Context, calls func() error) error {
	for {
		err := calls()
		e, ok := errors.AsType[*scim.Error](err)
		if !ok || e.Status != http.StatusTooManyRequests {
			return err
		}
		if end, ok := ctx.Deadline(); ok && time.Until(end) < e.RetryAfter {
			return err
		}
		select {
		case <-time.After(e.RetryAfter):
		case <-ctx.Done():
			return err
		}
	}
}

// losePlaces lets groups wait no longer for a user who was not retired. Where nobody knows whether that was done, it is
// found out in the background.
func (u *users) losePlaces(ctx context.Context, places []string) {
	if u.talk.Begun && len(places) > 0 {
		u.shared.settleLater(u.engine, u.caller)
		return
	}
	for _, group := range places {
		unlock, err := u.groups.lock(ctx, group)
		if err != nil {
			return
		}
		u.groups.book.Keep(ctx, group, func(r *ledger.Record) { r.Waiting = without(r.Waiting, []string{u.op.ID}) })
		unlock()
	}
}
