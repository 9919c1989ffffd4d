package provision

import (
	"context"
	"net/http"

	"github.com/caddy-scim/gateway/module/dryrun"
	"github.com/caddy-scim/gateway/module/guard"
	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/provision/api"
	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// deleteUser removes the member, or does what the configuration says.
func (s *session) deleteUser(ctx context.Context) (*scim.Answer, error) {
	k := s.user
	if s.config.Delete == DeleteRefuse {
		return nil, scim.Errorf(http.StatusForbidden, "", "users of this organization are not deleted through SCIM; deactivate them")
	}
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
	if sub.entry == nil {
		return s.deleted(ctx, k, sub, false)
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
	if err := s.guarding(ctx, guard.Deletes, sub, func() error { return s.remove(ctx, k, sub) }); err != nil {
		return nil, err
	}
	trace.Say(ctx, trace.Removed, sub.id, "")
	return s.deleted(ctx, k, sub, s.config.Ledger.SoftDelete)
}

// remove makes the calls that remove an item, and has it shown that it is gone. That it was gone before is what was asked
// for.
func (s *session) remove(ctx context.Context, k *kind, sub *subject) error {
	env := s.env(sub.entry.ID, sub.entry.Name(), sub.value)
	env.SCIM = sub.res
	_, err := s.run(ctx, k, k.Delete, env)
	if err == nil && s.dry() {
		return dryrun.NotDone()
	}
	if err == nil {
		err = s.mustBeGone(ctx, k, sub.entry.ID, sub.entry.Name())
	}
	if err != nil && !api.Gone(err) {
		return err
	}
	k.view.Removed(sub.entry.ID)
	return nil
}

// deleted forgets a resource; one that the upstream goes on showing has to be remembered as deleted.
func (s *session) deleted(ctx context.Context, k *kind, sub *subject, shown bool) (*scim.Answer, error) {
	if s.dry() {
		s.plans(ctx, trace.Removed, sub, nil)
		return nil, dryrun.NotDone()
	}
	change := erase
	if shown {
		change = func(r *ledger.Record) { r.Deleted = true }
	}
	k.book.Keep(ctx, sub.id, change)
	if k == s.user {
		s.leaveAll(ctx, sub.id)
	}
	return &scim.Answer{Status: http.StatusNoContent}, nil
}
