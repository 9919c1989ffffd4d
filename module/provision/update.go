package provision

import (
	"context"
	"net/http"
	"slices"

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
	"github.com/caddy-scim/gateway/transforms/value"
)

// update makes the upstream hold what a resource has become, if who is protected keeps name and access and the guard does
// not hold it. also changes the resource's record with it; nil where nothing more is to be remembered. The result is what the
// upstream holds afterwards.
func (rs *resources) update(ctx context.Context, sub *subject, after *doc.Node, changed []string, also func(*ledger.Record)) (done *subject, err error) {
	var ticket *guard.Ticket
	switch {
	case rs.disables(sub, after, changed):
		ticket, err = rs.permit(ctx, guard.Disables, sub)
	case rs.renames(sub, after, changed):
		if err = rs.checkProtected(ctx, sub); err != nil {
			rs.held(ctx, rs.renaming(), sub, trace.HeldByProtect)
		}
	}
	if err != nil {
		return nil, err
	}
	done, err = rs.write(ctx, sub, after, changed, also)
	ticket.End(err)
	return done, err
}

// write is update once it is permitted: deactivation or activation first, because it is what matters most if the rest fails,
// then everything else that the upstream has a place for. What it has none for is remembered or dropped.
func (rs *resources) write(ctx context.Context, sub *subject, after *doc.Node, changed []string, also func(*ledger.Record)) (*subject, error) {
	if rs.IsUser() && patch.Touches(changed, "active") && !after.Get("active").True() && rs.DisableAs == plan.DisableDelete {
		return rs.retire(ctx, sub, after)
	}
	now, end, err := rs.send(ctx, sub, after, changed)
	if err != nil {
		if rs.IsUser() {
			rs.unanswered(ctx, sub.id, patch.Touches(changed, "active") && after.Get("active").True())
		}
		return nil, err
	}
	wrote := now != nil
	switch {
	case !wrote:
		now = &items.Item{Entry: sub.entry, Value: sub.value}
	case rs.IsUser():
		// Where the address and the userName are one field, a new address shows as a userName that the provider has not changed.
		changed = append(slices.Clip(changed), rs.Identity)
	}
	record := rs.keepChange(ctx, sub, now, after, changed, also)
	end(true)
	if rs.IsUser() && patch.Touches(changed, "active") {
		if err := rs.mustShow(now.Entry, after.Get("active").True()); err != nil {
			return nil, err
		}
	}
	if wrote {
		rs.sayChanged(ctx, sub, now.Entry, after)
	}
	return rs.subject(sub.id, now.Entry, now.Value, record), nil
}

// keepChange remembers a resource that the provider has changed, so that it is the provider's, whoever it was before.
func (rs *resources) keepChange(ctx context.Context, sub *subject, now *items.Item, after *doc.Node, changed []string, also func(*ledger.Record)) *ledger.Record {
	if rs.IsUser() && rs.book != nil && !sub.linked() {
		rs.linkedBy(ctx, sub.id, value.Lookup{}, "the provider's first change")
	}
	moved, date := rs.Dates && rs.moved(sub, now.Entry, after, changed), rs.date()
	return rs.keep(ctx, sub.id, now.Entry, after, changed, func(r *ledger.Record) {
		if now.ID != sub.entry.ID {
			r.Upstream = now.ID
			if now.ID == sub.id {
				r.Upstream = ""
			}
		}
		if r.Linked = rs.IsUser(); moved {
			date(r, false)
		}
		if also != nil {
			also(r)
		}
	})
}

// send makes the calls that change an item, and returns it as it is read after them; nil where there was none to make. end
// says that what became of a new name is remembered, see [resources.intendRename].
func (rs *resources) send(ctx context.Context, sub *subject, after *doc.Node, changed []string) (now *items.Item, end func(known bool), err error) {
	e := sub.entry
	env := items.Env(e.ID, e.Name(), sub.value)
	env.SCIM = after
	wrote, updated := false, false
	end = func(bool) {}
	if rs.IsUser() && patch.Touches(changed, "active") {
		env.Changed = func(path string) bool { return path == "active" }
		if err := rs.setActive(ctx, env, after.Get("active").True()); err != nil {
			return nil, nil, err
		}
		wrote = true
	}
	rest := slices.DeleteFunc(slices.Clone(changed), func(path string) bool { return path == "active" || !rs.Updates(path) })
	if len(rest) > 0 && len(rs.Update) > 0 {
		if wrote {
			// A body that begins with the item as it was would undo what was just done.
			it, err := rs.items.Fetch(ctx, e.ID, e.Name())
			if err != nil {
				return nil, nil, err
			}
			env.Cur = it.Value
		}
		env.Changed = func(path string) bool { return patch.Touches(rest, path) }
		if end, err = rs.intendRename(ctx, sub, after); err != nil {
			return nil, nil, err
		}
		if _, err := rs.items.Run(ctx, rs.Update, env); err != nil {
			end(rs.talk.Outcome.Refused())
			return nil, nil, err
		}
		wrote, updated = true, true
	}
	if err := rs.updates(ctx, sub, after, changed); err != nil || !wrote {
		return nil, end, err
	}
	now, err = rs.items.Fetch(ctx, e.ID, e.Name())
	if updated && api.Gone(err) {
		now, err = rs.follow(ctx, sub, after)
	}
	if err != nil {
		end(false)
		rs.View.Expire() // what it shows is from before
	}
	return now, end, err
}

// sayChanged notes what a change has come to, by what the organization shows after it.
func (rs *resources) sayChanged(ctx context.Context, was *subject, e *view.Entry, after *doc.Node) {
	if rs.IsUser() {
		switch active := after.Get("active").True(); {
		case active == was.res.Get("active").True():
		case active:
			trace.Say(ctx, trace.Restored, was.id, "")
		default:
			trace.Say(ctx, trace.Revoked, was.id, "")
		}
		return
	}
	what := trace.GroupRenamed
	if value.Equal(was.shown().Get(rs.Identity), e.Resource().Get(rs.Identity)) {
		what = trace.GroupChanged
	}
	trace.Say(ctx, what, was.id, "")
}

// moved reports whether a resource is another one than it was, now that the upstream shows e: what nobody keeps changes
// nothing.
func (k *kind) moved(sub *subject, e *view.Entry, after *doc.Node, changed []string) bool {
	record := sub.record.Clone()
	if record == nil {
		record = new(ledger.Record)
	}
	k.Remember(record, e.Resource(), after, changed)
	return !value.Equal(k.subject(sub.id, e, doc.Value{}, record).res, sub.res)
}

// empty returns the error for a name that has to have a value.
func empty(attribute string) error {
	return scim.Errorf(http.StatusBadRequest, scim.InvalidValue, "%s must not be empty", attribute)
}
