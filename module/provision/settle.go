package provision

import (
	"context"
	"slices"
	"strings"
	"sync"

	"go.uber.org/zap"

	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/provision/api"
	"github.com/caddy-scim/gateway/module/provision/locks"
	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/patch"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
	"github.com/caddy-scim/gateway/transforms/value"
)

// settler finds out what became of calls whose answers were lost, before anything is decided about what they were about. As
// long as an intent is open, whoever asks for the resource has the organization asked first ([settler.settleOperation]); and
// where nobody asks, the gateway does so by itself ([shared.settleLater]).
type settler struct {
	*writer
	adopted []string // the provider's ids of what such calls had made
}

// settleOperation settles the intents that an operation has to do with, by the id or because it asks for everything; those
// that it has to do with by a name are settled with the name's lock. A search waits for whoever is about to give the name to
// somebody: the client of that request may be gone, and would be told by the search that there is nobody. No lock is held.
func (st *settler) settleOperation(ctx context.Context) error {
	if st.intents.book() == nil {
		return nil
	}
	st.shared.settleFirst(st.engine, st.caller)
	if !st.IsUser() && st.op.Verb != scim.Delete { // members are told by the provider's ids, and a call may have made one under another id
		members := sync.OnceValue(st.members)
		if err := st.users.settle(ctx, false, func(in *ledger.Intent) bool { return in.ID != "" && members()(in.ID) }); err != nil {
			return err
		}
	}
	id, asks, all := st.op.ID, st.op.Verb == scim.List || st.op.Verb == scim.Read, false
	var names []string
	if st.op.Verb == scim.List {
		lookups, some := st.Lookups(st.op.Query.Filter)
		for _, l := range lookups {
			names = append(names, schema.Fold(strings.TrimSpace(l.Value)))
		}
		unlock, err := st.shared.locks.Names(ctx, st.Name, names)
		if err != nil {
			return err
		}
		unlock()
		all = !some
	}
	err := st.settle(ctx, asks, func(in *ledger.Intent) bool {
		return all || id != "" && (in.ID == id || in.Found == id) || goesBy(in, names)
	})
	if err != nil || id == "" {
		return err
	}
	return st.settleUnnamed(ctx)
}

// members returns which users an operation on groups has to do with: those whom a PATCH adds and removes by their ids, so that
// nobody else keeps them from leaving; otherwise all.
func (st *settler) members() func(id string) bool {
	if st.op.Verb == scim.Patch {
		ops, err := patch.Parse(st.op.Body, st.Type)
		if err != nil {
			return func(string) bool { return false } // it is refused
		}
		m, err := patch.Members(ops, st.Type)
		if err != nil {
			return func(string) bool { return false }
		}
		if !m.Open && !m.Whole {
			return func(id string) bool { return slices.Contains(m.Add, id) || slices.Contains(m.Remove, id) }
		}
	}
	return func(string) bool { return true }
}

// settleUnnamed settles the intents whose calls may have made the resource that an operation is about. The provider was told
// its id, and what was to be remembered of it is lost: a crash came between the answer and the write.
func (st *settler) settleUnnamed(ctx context.Context) error {
	err := st.settle(ctx, false, func(in *ledger.Intent) bool { return in.ID == "" && in.Found == "" && !st.remembered(ctx, st.op.ID) })
	if st.leaves {
		return nil // it needs nothing of what is remembered
	}
	return err
}

// remembered reports whether something is remembered of a resource by which it is the provider's.
func (st *settler) remembered(ctx context.Context, id string) bool {
	r, err := st.record(ctx, id)
	return err != nil || r != nil && (!st.IsUser() || r.Linked || r.Special())
}

// settleNames settles the intents that have to do with names, which are locked.
func (st *settler) settleNames(ctx context.Context, names []string) error {
	return st.settle(ctx, false, func(in *ledger.Intent) bool { return goesBy(in, names) })
}

// goesBy reports whether an intent is about somebody or something that has one of some names.
func goesBy(in *ledger.Intent, names []string) bool {
	return slices.ContainsFunc(in.Lookups, func(l ledger.Lookup) bool {
		return slices.Contains(names, schema.Fold(strings.TrimSpace(l.Value)))
	})
}

// settle settles intents about resources of a kind. wait says whether the calls that are under way are waited for.
func (st *settler) settle(ctx context.Context, wait bool, concerned func(*ledger.Intent) bool) error {
	intents, err := st.intents.all(ctx)
	if err != nil {
		return err
	}
	for _, r := range intents {
		ended := st.shared.underWay(r.ID)
		if ended == nil && r.Intent.Found == "" {
			st.shared.settleLater(st.engine, st.caller)
		}
		if r.Intent.Resource != st.Type.Name || !concerned(r.Intent) {
			continue
		}
		if ended != nil {
			if !wait {
				continue
			}
			select {
			case <-ended:
			case <-ctx.Done():
				return locks.Busy(ctx.Err())
			}
		}
		if err := st.settleLocked(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// settleLocked settles an intent under the lock of the user whom it is about.
func (st *settler) settleLocked(ctx context.Context, r *ledger.Record) error {
	if !st.IsUser() || r.Intent.ID == "" {
		return st.settleOne(ctx, r.ID)
	}
	unlock, err := st.users.lock(ctx, r.Intent.ID)
	if err != nil {
		return err
	}
	defer unlock()
	return st.settleOne(ctx, r.ID)
}

// settleUser settles the intent about a user, who is locked: it may have been written down while the lock was waited for.
func (u *users) settleUser(ctx context.Context, id string) error {
	return u.settleOne(ctx, u.Name+" "+id)
}

// settleOne finds out what became of the call of an intent, and ends the intent where that is known: what the organization
// has now and had not before is the resource that the provider wrote.
func (st *settler) settleOne(ctx context.Context, key string) error {
	book := st.intents.book()
	if book == nil {
		return nil
	}
	r := book.RecallMarks().Record(key)
	if r == nil || r.Intent == nil || st.shared.underWay(key) != nil {
		return nil
	}
	in, late := r.Intent, st.now().Sub(r.Intent.Began) > settleAfter
	switch {
	case in.Found != "" && st.background:
		return nil
	case in.Found != "": // the provider asks for it now
		book.Owe(ctx, key, erase)
		return nil
	case in.Members:
		// Members are read before each change; what is known of the group else is read again.
		if st.View.Expire(); late {
			trace.Say(ctx, trace.Settled, in.ID, "members are read anew")
			book.Owe(ctx, key, erase)
		}
		return nil
	}
	d, err := doc.Scan(in.Wanted)
	if err != nil {
		book.Owe(ctx, key, erase) // a damaged record is a lost record
		return nil
	}
	wanted := doc.Tree(d.Value())
	st.View.Expire()
	found, known, err := st.carriedOut(ctx, in, wanted)
	if err != nil {
		return err
	}
	if found != nil {
		id := in.ID
		if id == "" {
			id = found.entry.ID
		}
		if active := found.res.Get("active"); active.Kind() == doc.Bool && !active.True() {
			wanted.Set("active", active) // who has lost access since does not get it back by this
		}
		sub, err := st.adopt(ctx, id, found, wanted)
		if err != nil {
			return err
		}
		st.adopted = append(st.adopted, id)
		trace.Say(ctx, st.made(), id, "")
		trace.Say(ctx, trace.Adopted, id, "a call whose answer was lost")
		st.log.Warn("a call whose answer was lost had been carried out: what it made is the provider's now",
			zap.String("resource", st.Name), zap.String("id", id), zap.Bool("asked_for", !st.background))
		if upstream := sub.upstreamID(); in.ID == "" && !st.asksFor(upstream) {
			book.Owe(ctx, key, func(r *ledger.Record) {
				if r.Intent != nil {
					r.Intent.Found = upstream
				}
			})
			return nil
		}
	}
	if found == nil && (known || late) {
		trace.Say(ctx, trace.Settled, in.ID, "nothing was made")
	}
	if found != nil || known || late {
		book.Owe(ctx, key, erase)
	}
	return nil
}

// asksFor reports whether the provider asks for what a call without an id has made: by its id, or by what it is found by.
func (st *settler) asksFor(id string) bool {
	return !st.background && (st.op.ID == "" || st.op.ID == id)
}

// carriedOut returns what the call of an intent has made; nil where the organization has nothing such. known reports
// whether the gateway knew it already, so that there is nothing to settle.
func (st *settler) carriedOut(ctx context.Context, in *ledger.Intent, wanted *doc.Node) (found *subject, known bool, err error) {
	switch {
	case in.Renames:
		marks, err := st.marks(ctx)
		if err != nil {
			return nil, false, err
		}
		if _, err := st.items.Fetch(ctx, marks.Upstream(in.ID), ""); !api.Gone(err) {
			return nil, err == nil, err
		}
	case in.ID != "":
		record, err := st.record(ctx, in.ID)
		if err != nil || record == nil || record.Deferred == nil {
			return nil, err == nil, err
		}
	}
	except := in.ID
	if in.Renames {
		except = "" // the new id may be one that it had before
	}
	for _, l := range in.Lookups {
		for sub, err := range st.holders(ctx, value.Lookup(l), except) {
			switch {
			case err != nil:
				return nil, false, err
			case in.Renames && sub.id == in.ID && sub.entry != nil:
				return sub, false, nil
			case sub.entry == nil, sub.entry.Protected, slices.Contains(in.Had, sub.entry.ID), st.IsUser() && !st.users.alike(sub, wanted, usualLinks, false):
			case sub.linked(), sub.deleted(): // which came after the call
				known = true
			default:
				return sub, false, nil
			}
		}
	}
	return nil, known, nil
}
