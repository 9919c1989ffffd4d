package provision

import (
	"context"
	"time"

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

// said notes what the provider was told of a user's access. The user may be the one whom an unanswered call creates.
func (u *users) said(ctx context.Context, sub *subject, leaves ledger.Leaving) {
	book := u.intents.book()
	if book == nil {
		return
	}
	names := u.NamesOf(sub.res)
	for _, r := range book.RecallMarks().All() {
		in := r.Intent
		switch {
		case in == nil, in.Resource != u.Type.Name, in.Found != "", in.ID == sub.id && in.Leaves == leaves:
			continue
		case in.ID != sub.id && (in.ID != "" || u.shared.underWay(r.ID) != nil || !goesBy(in, names)):
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

// ends ends an intent of which it is known what became of its call: the provider knows the user as id. One that may still be
// carried out, once more or another of its calls, stays for as long as that is so.
func (rs *resources) ends(ctx context.Context, key, id string, again, over bool) {
	change := erase
	if rs.IsUser() && !over && (again || len(rs.Create)+len(rs.Created) > 1) {
		change = func(r *ledger.Record) {
			if r.Intent != nil && !r.Intent.Renames {
				r.Intent.ID, r.Intent.Access = id, true
			} else {
				erase(r)
			}
		}
	}
	rs.intents.book().Owe(ctx, key, change)
}

// settleAccess takes access away from a user who was deactivated or deleted after an unanswered call, if the call has given
// it back, to that user or to one whom it has made anew. The user is locked.
func (u *users) settleAccess(ctx context.Context, key string, in *ledger.Intent, late func(time.Time) bool, look func() time.Time) error {
	over := late(u.now())
	if in.Leaves != "" && (over || u.background) {
		if err := u.takeAgain(ctx, in.ID); err != nil {
			return err
		}
		if d, err := doc.Scan(in.Wanted); err == nil && len(in.Lookups) > 0 {
			over = late(look())
			switch found, _, err := u.carriedOut(ctx, in, doc.Tree(d.Value())); {
			case err != nil:
				return err
			case found != nil:
				if err := u.takeFound(ctx, found); err != nil {
					return err
				}
			}
		}
	}
	if over {
		u.intents.book().Owe(ctx, key, erase)
	}
	return nil
}

// takeAgain takes access away from a user who was to have none.
func (u *users) takeAgain(ctx context.Context, user string) error {
	m, err := u.marks(ctx)
	if err != nil {
		return err
	}
	record, err := u.record(ctx, user)
	if err != nil || record != nil && record.Deferred != nil {
		return err
	}
	id := m.Upstream(user)
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
	sub := u.subject(user, it.Entry, it.Value, record)
	if !sub.res.Get("active").True() {
		return nil
	}
	u.tookLate(ctx, user)
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
