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

// update makes the upstream hold what a resource has become: deactivation or activation first, because it is what
// matters most if the rest fails, then everything else that the upstream has a place for. What it has none for is
// remembered or dropped. The result is what the upstream holds afterwards.
func (w *writer) update(ctx context.Context, sub *subject, after *doc.Node, changed []string) (*subject, error) {
	return w.updateAs(ctx, sub, after, changed, nil)
}

// updateAs is update with a change of the resource's record.
func (w *writer) updateAs(ctx context.Context, sub *subject, after *doc.Node, changed []string, change func(*ledger.Record)) (*subject, error) {
	if w.disables(sub, after, changed) || w.renames(sub, after, changed) {
		if err := w.checkProtected(ctx, sub); err != nil {
			kind := w.renaming()
			if w.disables(sub, after, changed) {
				kind = trace.Revoked
			}
			w.held(ctx, kind, sub, trace.HeldByProtect)
			return nil, err
		}
	}
	if w.disables(sub, after, changed) {
		var done *subject
		err := w.guarding(ctx, guard.Disables, sub, func() (err error) {
			done, err = w.updateUnguarded(ctx, sub, after, changed, change)
			return err
		})
		return done, err
	}
	return w.updateUnguarded(ctx, sub, after, changed, change)
}

// updateUnguarded is updateAs without the guard.
func (w *writer) updateUnguarded(ctx context.Context, sub *subject, after *doc.Node, changed []string, change func(*ledger.Record)) (*subject, error) {
	if w.IsUser() && touches(changed, "active") && !after.Get("active").True() && w.DisableAs == plan.DisableDelete {
		return w.users.retire(ctx, sub, after)
	}
	now, end, err := w.write(ctx, sub, after, changed)
	if err != nil {
		return nil, err
	}
	wrote := now != nil
	if !wrote {
		now = &items.Item{Entry: sub.entry, Value: sub.value}
	}
	if wrote && w.IsUser() {
		// Where the address and the userName are one field, a new address shows as a userName that the provider has not changed.
		changed = append(slices.Clip(changed), w.Identity)
	}
	if w.IsUser() && w.book != nil && !sub.linked() {
		w.linkedBy(ctx, sub.id, value.Lookup{}, "the provider's first change")
	}
	moved, date := w.Dates && w.moved(sub, now.Entry, after, changed), w.date()
	record := w.keep(ctx, sub.id, now.Entry, after, changed, func(r *ledger.Record) {
		if now.ID != sub.entry.ID {
			r.Upstream = now.ID
			if now.ID == sub.id {
				r.Upstream = ""
			}
		}
		if r.Linked = w.IsUser(); moved {
			date(r, false)
		}
		if change != nil {
			change(r)
		}
	})
	end(true)
	if w.IsUser() && touches(changed, "active") {
		if err := w.users.mustShow(now.Entry, after.Get("active").True()); err != nil {
			return nil, err
		}
	}
	if wrote {
		w.sayChanged(ctx, sub, now.Entry, after)
	}
	return w.subject(sub.id, now.Entry, now.Value, record), nil
}

// write makes the calls that change an item, and returns it as it is read after them; nil where there was none to make. end
// says that what became of a new name is remembered, see [writer.intendRename].
func (w *writer) write(ctx context.Context, sub *subject, after *doc.Node, changed []string) (now *items.Item, end func(known bool), err error) {
	e := sub.entry
	env := items.Env(e.ID, e.Name(), sub.value)
	env.SCIM = after
	wrote, updated := false, false
	end = func(bool) {}
	if w.IsUser() && touches(changed, "active") {
		env.Changed = func(path string) bool { return path == "active" }
		if err := w.users.setActive(ctx, env, after.Get("active").True()); err != nil {
			return nil, nil, err
		}
		wrote = true
	}
	rest := slices.DeleteFunc(slices.Clone(changed), func(path string) bool { return path == "active" || !w.Updates(path) })
	if len(rest) > 0 && len(w.Update) > 0 {
		if wrote {
			// A body that begins with the item as it was would undo what was just done.
			it, err := w.items.Fetch(ctx, e.ID, e.Name())
			if err != nil {
				return nil, nil, err
			}
			env.Cur = it.Value
		}
		env.Changed = func(path string) bool { return patch.Touches(rest, path) }
		if end, err = w.intendRename(ctx, sub, after); err != nil {
			return nil, nil, err
		}
		if _, err := w.items.Run(ctx, w.Update, env); err != nil {
			end(w.talk.Outcome().Refused())
			return nil, nil, err
		}
		wrote, updated = true, true
	}
	if err := w.updates(ctx, sub, after, changed); err != nil || !wrote {
		return nil, end, err
	}
	now, err = w.items.Fetch(ctx, e.ID, e.Name())
	if updated && api.Gone(err) {
		now, err = w.follow(ctx, sub, after)
	}
	if err != nil {
		end(false)
		w.View.Expire() // what it shows is from before
	}
	return now, end, err
}

// sayChanged notes what a change has come to, by what the organization shows after it.
func (w *writer) sayChanged(ctx context.Context, was *subject, e *view.Entry, after *doc.Node) {
	if w.IsUser() {
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
	if value.Equal(was.shown().Get(w.Identity), e.Resource().Get(w.Identity)) {
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

// touches reports whether an attribute is among those that were changed.
func touches(changed []string, path string) bool { return patch.Touches(changed, path) }
