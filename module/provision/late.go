package provision

import (
	"context"

	"go.uber.org/zap"

	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/provision/api"
	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
)

// A busy organization may carry out a call long after the gateway has given it up. If the call gives a user access and the
// provider has said since that the user has none, what the provider was told is not so any more. So what the provider says
// meanwhile is noted with the intent of such a call, and access is taken away once more.

// unanswered notes that a call about a user who is there was not answered, if that is so. activates says that it was to give
// access.
func (rs *resources) unanswered(ctx context.Context, id string, activates bool) {
	book := rs.intents.book()
	if book == nil || !rs.talk.Outcome.Lost {
		return
	}
	book.Owe(ctx, "access of "+id, func(r *ledger.Record) {
		intent := ledger.Intent{Resource: rs.user.Type.Name, ID: id, Access: true, Began: rs.now()}
		if r.Intent != nil && !activates { // what was said since an earlier one counts
			intent.Leaves = r.Intent.Leaves
		}
		r.Intent = &intent
	})
	rs.shared.settleLater(rs.engine, rs.caller)
}

// said notes what the provider was told of a user's access. Who waits may be the one whom an unanswered call creates.
func (u *users) said(ctx context.Context, sub *subject, leaves ledger.Leaving) {
	book := u.intents.book()
	if book == nil {
		return
	}
	var names []string
	if sub.entry == nil {
		names = u.NamesOf(sub.res)
	}
	for _, r := range book.RecallMarks().All() {
		in := r.Intent
		switch {
		case in == nil, in.Resource != u.Type.Name, in.ID == sub.id && in.Leaves == leaves:
			continue
		case in.ID != sub.id && (in.ID != "" || !goesBy(in, names)):
			continue
		}
		book.Keep(ctx, r.ID, func(r *ledger.Record) {
			if r.Intent != nil {
				r.Intent.ID, r.Intent.Leaves = sub.id, leaves
			}
		})
	}
}

// leaving returns what a provider says of somebody's access who is answered with a user.
func leaving(sub *subject) ledger.Leaving {
	if active := sub.res.Get("active"); active.Kind() == doc.Bool && !active.True() {
		return ledger.Deactivated
	}
	return ""
}

// takeAgain takes access away from a user who was deactivated or deleted after an unanswered call, if the call has given it
// back. The user is locked.
func (u *users) takeAgain(ctx context.Context, in *ledger.Intent) error {
	m, err := u.marks(ctx)
	if err != nil {
		return err
	}
	record, err := u.record(ctx, in.ID)
	if err != nil {
		return err
	}
	id := m.Upstream(in.ID)
	it, err := u.items.Fetch(ctx, id, u.KeyOf(id))
	if api.Gone(err) {
		err = u.items.ConfirmGone(ctx, id, err)
	}
	if api.Gone(err) {
		return nil
	}
	if err != nil || it.Protected {
		return err
	}
	sub := u.subject(in.ID, it.Entry, it.Value, record)
	if !sub.res.Get("active").True() {
		return nil
	}
	u.tookLate(ctx, in.ID)
	after := sub.res.Clone()
	after.Set("active", doc.NewBool(false))
	_, err = u.update(ctx, sub, after, []string{"active"}, nil)
	return err
}

// takeFound takes a member away again whom a call has created after the provider had said that the user has no access:
// deleted as the provider deletes users, or removed where the organization has no other way.
func (u *users) takeFound(ctx context.Context, found *subject) error {
	u.tookLate(ctx, found.id)
	return u.take(ctx, found)
}

func (u *users) tookLate(ctx context.Context, id string) {
	trace.Say(ctx, trace.Settled, id, "carried out after the user had left")
	u.log.Warn("a call that was not answered was carried out after the user had left: access is taken away again", zap.String("id", id))
}

// switches reports whether users can be deactivated.
func (u *users) switches() bool { return len(u.Disable) > 0 || u.DisableAs == plan.DisableDelete }
