package provision

import (
	"context"
	"net/http"
	"slices"

	"github.com/caddy-scim/gateway/module/guard"
	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/provision/api"
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
func (s *session) update(ctx context.Context, k *kind, sub *subject, after *doc.Node, changed []string) (*subject, error) {
	return s.updateAs(ctx, k, sub, after, changed, nil)
}

// updateAs is update with a change of the resource's record.
func (s *session) updateAs(ctx context.Context, k *kind, sub *subject, after *doc.Node, changed []string, change func(*ledger.Record)) (*subject, error) {
	if disables(k, sub, after, changed) || s.renames(k, sub, after, changed) {
		if err := s.checkProtected(ctx, sub); err != nil {
			kind := renaming(k)
			if disables(k, sub, after, changed) {
				kind = trace.Revoked
			}
			s.held(ctx, kind, sub, trace.HeldByProtect)
			return nil, err
		}
	}
	if disables(k, sub, after, changed) {
		var done *subject
		err := s.guarding(ctx, guard.Disables, sub, func() (err error) {
			done, err = s.updateUnguarded(ctx, k, sub, after, changed, change)
			return err
		})
		return done, err
	}
	return s.updateUnguarded(ctx, k, sub, after, changed, change)
}

// updateUnguarded is updateAs without the guard.
func (s *session) updateUnguarded(ctx context.Context, k *kind, sub *subject, after *doc.Node, changed []string, change func(*ledger.Record)) (*subject, error) {
	e := sub.entry
	env := s.env(e.ID, e.Name(), sub.value)
	env.SCIM = after
	wrote, updated := false, false
	end := func(bool) {}
	if k == s.user && touches(changed, "active") {
		active := after.Get("active").True()
		if !active && k.DisableAs == plan.DisableDelete {
			return s.retire(ctx, sub, after)
		}
		env.Changed = func(path string) bool { return path == "active" }
		if _, err := s.setActive(ctx, k, env, active); err != nil {
			return nil, err
		}
		wrote = true
	}
	rest := slices.DeleteFunc(slices.Clone(changed), func(path string) bool { return path == "active" || !k.Updates(path) })
	if len(rest) > 0 && len(k.Update) > 0 {
		if wrote {
			// A body that begins with the item as it was would undo what was just done.
			it, err := s.fetch(ctx, k, e.ID, e.Name())
			if err != nil {
				return nil, err
			}
			env.Cur = it.value
		}
		env.Changed = func(path string) bool { return patch.Touches(rest, path) }
		var err error
		if end, err = s.intendRename(ctx, k, sub, after); err != nil {
			return nil, err
		}
		if _, err := s.run(ctx, k, k.Update, env); err != nil {
			end(s.talk.Outcome().Refused())
			return nil, err
		}
		wrote, updated = true, true
	}
	if err := s.updates(ctx, k, sub, after, changed); err != nil {
		return nil, err
	}
	item := sub.value
	if wrote {
		it, err := s.fetch(ctx, k, e.ID, e.Name())
		if updated && api.Gone(err) {
			it, err = s.follow(ctx, k, sub, after)
		}
		if err != nil {
			end(false)
			k.view.Expire() // what it shows is from before
			return nil, err
		}
		e, item = it.Entry, it.value
	}
	if wrote && k == s.user {
		// Where the address and the userName are one field, a new address shows as a userName that the provider has not changed.
		changed = append(slices.Clip(changed), k.identity)
	}
	if k == s.user && k.book != nil && !sub.linked() {
		s.linkedBy(ctx, k, sub.id, lookup{}, "the provider's first change")
	}
	moved, date := k.dates && s.moved(k, sub, e, after, changed), s.date(k)
	record, stored := s.keep(ctx, k, sub.id, e, after, changed, func(r *ledger.Record) {
		if e.ID != sub.entry.ID {
			r.Upstream = e.ID
			if e.ID == sub.id {
				r.Upstream = ""
			}
		}
		if r.Linked = k == s.user; moved {
			date(r, false)
		}
		if change != nil {
			change(r)
		}
	})
	end(stored)
	if k == s.user && touches(changed, "active") {
		if err := s.mustShow(e, after.Get("active").True()); err != nil {
			return nil, err
		}
	}
	if wrote {
		s.sayChanged(ctx, k, sub, e, after)
	}
	return s.subject(k, sub.id, e, item, record), nil
}

// sayChanged notes what a change has come to, by what the organization shows after it.
func (s *session) sayChanged(ctx context.Context, k *kind, was *subject, e *view.Entry, after *doc.Node) {
	if k == s.user {
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
	if value.Equal(was.shown().Get(k.identity), e.Resource().Get(k.identity)) {
		what = trace.GroupChanged
	}
	trace.Say(ctx, what, was.id, "")
}

// moved reports whether a resource is another one than it was, now that the upstream shows e: what nobody keeps changes
// nothing.
func (s *session) moved(k *kind, sub *subject, e *view.Entry, after *doc.Node, changed []string) bool {
	record := sub.record.Clone()
	if record == nil {
		record = new(ledger.Record)
	}
	k.remember(record, e.Resource(), after, changed)
	return !value.Equal(s.subject(k, sub.id, e, doc.Value{}, record).res, sub.res)
}

// setActive makes the calls that deactivate or activate a user.
func (s *session) setActive(ctx context.Context, k *kind, env *plan.Env, active bool) (doc.Value, error) {
	calls := k.Disable
	if active {
		calls = k.Enable
	}
	if len(calls) == 0 {
		return doc.Value{}, notSwitchable()
	}
	return s.run(ctx, k, calls, env)
}

func notSwitchable() error {
	return scim.Errorf(http.StatusBadRequest, scim.InvalidValue, "users of this organization cannot be deactivated or activated")
}

// empty returns the error for a name that has to have a value.
func empty(attribute string) error {
	return scim.Errorf(http.StatusBadRequest, scim.InvalidValue, "%s must not be empty", attribute)
}

// touches reports whether an attribute is among those that were changed.
func touches(changed []string, path string) bool { return patch.Touches(changed, path) }
