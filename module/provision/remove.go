package provision

import (
	"context"
	"net/http"

	"github.com/caddy-scim/gateway/module/dryrun"
	"github.com/caddy-scim/gateway/module/guard"
	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/provision/api"
	"github.com/caddy-scim/gateway/module/provision/items"
	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// delete removes the member, or does what the configuration says.
func (u *users) delete(ctx context.Context) (*scim.Answer, error) {
	if u.config.Delete == DeleteRefuse {
		return nil, scim.Errorf(http.StatusForbidden, "", "users of this organization are not deleted through SCIM; deactivate them")
	}
	if err := u.in(ctx, u.op.ID, func(sub *subject) error {
		err := u.take(ctx, sub)
		if err == nil {
			u.said(ctx, sub, ledger.Deleted)
		}
		return err
	}); err != nil {
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
			if sub, err = u.update(ctx, sub, after, []string{"active"}); err != nil {
				return err
			}
		}
		return u.deleted(ctx, sub, true)
	}
	if err := u.guarding(ctx, guard.Deletes, sub, func() error { return u.remove(ctx, sub) }); err != nil {
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
		rs.users.leaveAll(ctx, sub.id)
	}
	return nil
}
