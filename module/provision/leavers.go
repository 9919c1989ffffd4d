package provision

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-scim/gateway/module/dryrun"
	"github.com/caddy-scim/gateway/module/guard"
	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/provision/api"
	"github.com/caddy-scim/gateway/module/provision/items"
	"github.com/caddy-scim/gateway/module/provision/view"
	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/patch"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// How access is taken away. A PATCH or PUT that deactivates is a change like others ([users.change]); what is different is
// that it comes first ([resources.update]), that the guard is asked ([resources.permit]), and that it counts when it shows. Where
// the organization cannot deactivate, users are removed instead ([resources.retire]). A DELETE takes a user away whole.

// disables reports whether a change of a user takes access away.
func (k *kind) disables(sub *subject, after *doc.Node, changed []string) bool {
	return patch.Touches(changed, "active") && !after.Get("active").True() && sub.entry != nil && sub.res.Get("active").True() &&
		(len(k.Disable) > 0 || k.DisableAs == plan.DisableDelete)
}

// setActive makes the calls that deactivate or activate a user.
func (rs *resources) setActive(ctx context.Context, env *plan.Env, active bool) error {
	calls := rs.Disable
	if active {
		calls = rs.Enable
	}
	if len(calls) == 0 {
		return notSwitchable()
	}
	_, err := rs.items.Run(ctx, calls, env)
	return err
}

func notSwitchable() error {
	return scim.Errorf(http.StatusBadRequest, scim.InvalidValue, "users of this organization cannot be deactivated or activated")
}

// mustShow returns an error unless a user is, by what was read after the change, active or not as was asked for.
func (rs *resources) mustShow(it *view.Entry, active bool) error {
	is := it.Resource().Get("active")
	if is == nil || is.True() == active {
		return nil
	}
	detail := "the organization answered that the user is revoked, and goes on showing an active user"
	if active {
		detail = "the organization answered that the user is active again, and goes on showing a revoked user"
	}
	return scim.Errorf(http.StatusBadGateway, "", "%s", detail)
}

// lockOut deactivates a user while the ledger cannot be read. Nothing else is changed: what the ledger holds may have a say
// in it, and the provider repeats what is refused.
func (u *users) lockOut(ctx context.Context, sub *subject, after *doc.Node, changed []string) (*subject, error) {
	if sub.entry == nil || after.Get("active").Kind() != doc.Bool || after.Get("active").True() {
		e := unreadable(u.blind)
		e.NoAccess = sub.entry == nil
		return nil, e
	}
	only := sub.res.Clone()
	only.Set("active", doc.NewBool(false))
	if patch.Touches(changed, "active") {
		var err error
		if sub, err = u.update(ctx, sub, only, []string{"active"}, nil); err != nil {
			return nil, err
		}
	}
	if slices.ContainsFunc(changed, func(path string) bool { return path != "active" }) {
		e := unreadable(u.blind)
		e.NoAccess = true
		return nil, e
	}
	return sub, nil
}

// delete removes the member, or does what the configuration says.
func (u *users) delete(ctx context.Context) (*scim.Answer, error) {
	if u.config.Delete == DeleteRefuse {
		return nil, scim.Errorf(http.StatusForbidden, "", "users of this organization are not deleted through SCIM; deactivate them")
	}
	err := u.in(ctx, u.op.ID, func(sub *subject) error {
		err := u.take(ctx, sub)
		if err == nil {
			u.said(ctx, sub, ledger.Deleted)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &scim.Answer{Status: http.StatusNoContent}, nil
}

// take takes a user whom the provider deletes from the organization, or only the access. The user is locked.
func (u *users) take(ctx context.Context, sub *subject) (err error) {
	if sub.entry == nil {
		return u.deleted(ctx, sub, false)
	}
	if u.config.Delete == DeleteRevoke {
		if sub.res.Get("active").True() {
			after := sub.res.Clone()
			after.Set("active", doc.NewBool(false))
			if sub, err = u.update(ctx, sub, after, []string{"active"}, nil); err != nil {
				return err
			}
		}
		return u.deleted(ctx, sub, true)
	}
	ticket, err := u.permit(ctx, guard.Deletes, sub)
	if err == nil {
		err = u.remove(ctx, sub)
		ticket.End(err)
	}
	if err != nil {
		return err
	}
	trace.Say(ctx, trace.Removed, sub.id, "")
	return u.deleted(ctx, sub, u.config.Ledger.SoftDelete)
}

// remove makes the calls that remove an item, and has it shown that it is gone. That it was gone before is what was asked
// for.
func (rs *resources) remove(ctx context.Context, sub *subject) error {
	env := items.Env(sub.entry.ID, sub.entry.Name(), sub.value)
	env.SCIM = sub.res
	_, err := rs.items.Run(ctx, rs.Delete, env)
	if err == nil && rs.dry() {
		return dryrun.NotDone()
	}
	if err == nil {
		err = rs.items.MustBeGone(ctx, sub.entry.ID, sub.entry.Name())
	}
	if err != nil && !api.Gone(err) {
		return err
	}
	rs.View.Removed(sub.entry.ID)
	return nil
}

// deleted forgets a resource; one that the upstream goes on showing has to be remembered as deleted.
func (rs *resources) deleted(ctx context.Context, sub *subject, shown bool) error {
	if rs.dry() {
		rs.plans(ctx, trace.Removed, sub, nil)
		return dryrun.NotDone()
	}
	change := erase
	if shown {
		change = func(r *ledger.Record) { r.Deleted = true }
	}
	rs.book.Keep(ctx, sub.id, change)
	if rs.IsUser() {
		rs.leaveAll(ctx, sub.id)
	}
	return nil
}

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
