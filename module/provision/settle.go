package provision

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

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

// What became of calls whose answers were lost is found out before anything is decided about what they were about. As long as
// an intent is open, whoever asks for the resource has the organization asked first ([resources.settleOperation]); and where
// nobody asks, the gateway does so by itself ([shared.settleLater]).

// settleOperation settles the intents that an operation has to do with, by the id or because it asks for everything; those
// that it has to do with by a name are settled with the name's lock. A search waits for whoever is about to give the name to
// somebody: the client of that request may be gone, and would be told by the search that there is nobody. No lock is held.
func (rs *resources) settleOperation(ctx context.Context) error {
	if rs.intents.book() == nil {
		return nil
	}
	rs.shared.settleFirst(rs.engine, rs.caller)
	if !rs.IsUser() && rs.op.Verb != scim.Delete { // members are told by the provider's ids, and a call may have made one under another id
		members := sync.OnceValue(rs.members)
		if err := rs.users.settle(ctx, false, func(in *ledger.Intent) bool { return in.ID != "" && members()(in.ID) }); err != nil {
			return err
		}
	}
	id, asks, all := rs.op.ID, rs.op.Verb == scim.List || rs.op.Verb == scim.Read, false
	var names []string
	if rs.op.Verb == scim.List {
		lookups, some := rs.Lookups(rs.op.Query.Filter)
		for _, l := range lookups {
			names = append(names, schema.Fold(strings.TrimSpace(l.Value)))
		}
		unlock, err := rs.shared.locks.Names(ctx, rs.Name, names)
		if err != nil {
			return err
		}
		unlock()
		all = !some
	}
	err := rs.settle(ctx, asks, func(in *ledger.Intent) bool {
		return all || id != "" && (in.ID == id || in.Found == id) || goesBy(in, names)
	})
	if err != nil || id == "" {
		return err
	}
	return rs.settleUnnamed(ctx)
}

// members returns which users an operation on groups has to do with: those whom a PATCH adds and removes by their ids, so that
// nobody else keeps them from leaving; otherwise all.
func (rs *resources) members() func(id string) bool {
	if rs.op.Verb == scim.Patch {
		ops, err := patch.Parse(rs.op.Body, rs.Type)
		if err != nil {
			return func(string) bool { return false } // it is refused
		}
		m, err := patch.Members(ops, rs.Type)
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
func (rs *resources) settleUnnamed(ctx context.Context) error {
	err := rs.settle(ctx, false, func(in *ledger.Intent) bool { return in.ID == "" && in.Found == "" && !rs.remembered(ctx, rs.op.ID) })
	if rs.leaves {
		return nil // it needs nothing of what is remembered
	}
	return err
}

// remembered reports whether something is remembered of a resource by which it is the provider's.
func (rs *resources) remembered(ctx context.Context, id string) bool {
	r, err := rs.record(ctx, id)
	return err != nil || r != nil && (!rs.IsUser() || r.Linked || r.Special())
}

// goesBy reports whether an intent is about somebody or something that has one of some names.
func goesBy(in *ledger.Intent, names []string) bool {
	return slices.ContainsFunc(in.Lookups, func(l ledger.Lookup) bool {
		return slices.Contains(names, schema.Fold(strings.TrimSpace(l.Value)))
	})
}

// settle settles intents about resources of a kind. wait says whether the calls that are under way are waited for.
func (rs *resources) settle(ctx context.Context, wait bool, concerned func(*ledger.Intent) bool) error {
	intents, err := rs.intents.all(ctx)
	if err != nil {
		return err
	}
	look := rs.looking()
	for _, r := range intents {
		ended := rs.shared.underWay(r.ID)
		if ended == nil && r.Intent.Found == "" {
			rs.shared.settleLater(rs.engine, rs.caller)
		}
		if r.Intent.Resource != rs.Type.Name || !concerned(r.Intent) {
			continue
		}
		if ended != nil {
			if !wait {
				continue
			}
			select {
			case <-ended:
				look = rs.looking()
			case <-ctx.Done():
				return locks.Busy(ctx.Err())
			}
		}
		if err := rs.settleLocked(ctx, r, look); err != nil {
			return err
		}
	}
	return nil
}

// looking returns what makes the organization be asked anew, and says when that was: once for all intents that are settled
// one after the other, since it may take a list of everybody.
func (rs *resources) looking() (look func() time.Time) {
	return sync.OnceValue(func() time.Time {
		rs.View.Expire()
		return rs.now()
	})
}

// settleLocked settles an intent under the lock of the user whom it is about.
func (rs *resources) settleLocked(ctx context.Context, r *ledger.Record, look func() time.Time) error {
	if !rs.IsUser() || r.Intent.ID == "" {
		return rs.settleOne(ctx, r.ID, look)
	}
	unlock, err := rs.users.lock(ctx, r.Intent.ID)
	if err != nil {
		return err
	}
	defer unlock()
	return rs.settleOne(ctx, r.ID, look)
}

// settleOne finds out what became of the call of an intent, and ends the intent where that is known: what the organization
// has now and had not before is the resource that the provider wrote.
func (rs *resources) settleOne(ctx context.Context, key string, look func() time.Time) error {
	book := rs.intents.book()
	if book == nil {
		return nil
	}
	r := book.RecallMarks().Record(key)
	if r == nil || r.Intent == nil || rs.shared.underWay(key) != nil {
		return nil
	}
	in := r.Intent
	late := func(at time.Time) bool { return at.Sub(in.Began) > rs.settleAfter() }
	switch {
	case in.Found != "" && rs.background:
		return nil
	case in.Found != "": // the provider asks for it now
		book.Owe(ctx, key, erase)
		return nil
	case in.Access:
		return rs.users.settleAccess(ctx, key, in, late, look)
	case in.Members:
		// Members are read before each change; what is known of the group else is read again.
		if late(look()) {
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
	over := late(look())
	found, known, err := rs.carriedOut(ctx, in, wanted)
	if err != nil {
		return err
	}
	id := cmp.Or(in.ID, known)
	if found != nil {
		id = cmp.Or(in.ID, found.entry.ID)
		switch {
		case in.Leaves == ledger.Deleted, in.Leaves != "" && !rs.users.switches() && len(rs.Delete) > 0:
			if err := rs.users.takeFound(ctx, found); err != nil {
				return err
			}
			rs.ends(ctx, key, id, true, over)
			return nil
		case in.Leaves != "":
			rs.users.tookLate(ctx, id)
			wanted.Set("active", doc.NewBool(!rs.users.switches()))
		}
		if active := found.res.Get("active"); active.Kind() == doc.Bool && !active.True() {
			wanted.Set("active", active) // who has lost access since does not get it back by this
		}
		sub, err := rs.adopt(ctx, id, found, wanted)
		if err != nil {
			return err
		}
		rs.adopted = append(rs.adopted, id)
		trace.Say(ctx, rs.made(), id, "")
		trace.Say(ctx, trace.Adopted, id, "a call whose answer was lost")
		rs.log.Warn("a call whose answer was lost had been carried out: what it made is the provider's now",
			zap.String("resource", rs.Name), zap.String("id", id), zap.Bool("asked_for", !rs.background))
		if upstream := sub.upstreamID(); in.ID == "" && !rs.asksFor(upstream) {
			book.Owe(ctx, key, func(r *ledger.Record) {
				if r.Intent != nil {
					r.Intent.Found = upstream
				}
			})
			return nil
		}
	}
	if found == nil && known == "" && !over {
		return nil // it may still be carried out
	}
	if found == nil {
		trace.Say(ctx, trace.Settled, in.ID, "nothing was made")
	}
	rs.ends(ctx, key, id, found == nil, over)
	return nil
}

// asksFor reports whether the provider asks for what a call without an id has made: by its id, or by what it is found by.
func (rs *resources) asksFor(id string) bool {
	return !rs.background && (rs.op.ID == "" || rs.op.ID == id)
}

// carriedOut returns what the call of an intent has made; nil where the organization has nothing such. known is the
// provider's id of what the gateway knew already, so that there is nothing to settle.
func (rs *resources) carriedOut(ctx context.Context, in *ledger.Intent, wanted *doc.Node) (found *subject, known string, err error) {
	except := in.ID
	switch {
	case in.Renames:
		marks, err := rs.marks(ctx)
		if err != nil {
			return nil, "", err
		}
		if _, err := rs.items.Fetch(ctx, marks.Upstream(in.ID), ""); !api.Gone(err) {
			return nil, in.ID, err
		}
		except = "" // the new id may be one that it had before
	case in.ID != "" && !in.Access && in.Leaves != ledger.Deleted:
		record, err := rs.record(ctx, in.ID)
		if err != nil || record == nil || record.Deferred == nil {
			return nil, in.ID, err
		}
	}
	for _, l := range in.Lookups {
		for sub, err := range rs.holders(ctx, value.Lookup(l), except) {
			switch {
			case err != nil:
				return nil, "", err
			case in.Renames && sub.id == in.ID && sub.entry != nil:
				return sub, "", nil
			case sub.entry == nil, sub.entry.Protected, slices.Contains(in.Had, sub.entry.ID), rs.IsUser() && !rs.links.Made(sub.member(), wanted):
			case sub.linked(), sub.deleted(): // which came after the call
				known = sub.id
			default:
				return sub, "", nil
			}
		}
	}
	return nil, known, nil
}
