package provision

import (
	"context"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/provision/api"
	"github.com/caddy-scim/gateway/module/provision/locks"
	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
	"github.com/caddy-scim/gateway/transforms/value"
)

// A call that creates something cannot be repeated blindly, and where its answer is lost, nobody knows the id of what it
// made. So an intent is written down before the call, and goes with the outcome: see [ledger.Intent]. As long as it is
// open, whoever asks for the resource has the organization asked first ([writer.settleOperation]); and where nobody asks, the
// gateway does so by itself ([shared.settleLater]).

// settleAfter is how long the organization may still carry out a call that was not answered: a little more than a call
// may take.
const settleAfter = 70 * time.Second

// intents returns where intents are; nil where nothing is remembered.
func (s *session) intents() *ledger.Book {
	if s.users.book == nil {
		return nil
	}
	return s.shared.ledger.Intents
}

// intend writes an intent down. What is returned ends it: known says whether the outcome is known, and remembered. It is over
// at once then; what a crash would find stays until what was remembered before is on disk too ([ledger.Book.Owe]).
func (s *session) intend(ctx context.Context, key string, in ledger.Intent) (end func(known bool), err error) {
	s.talk.Reset()
	book := s.intents()
	if book == nil {
		return func(bool) {}, nil
	}
	in.Began = s.now()
	var earlier *ledger.Record
	if in.Members { // an earlier list that was not answered may still arrive after this one
		if r, _ := book.Recall(key); r != nil && r.Intent != nil && s.now().Sub(r.Intent.Began) <= settleAfter {
			earlier = r
		}
	}
	over := s.shared.begin(key) // before anybody can see it
	s.over = append(s.over, over)
	if err := book.Put(ctx, key, func(r *ledger.Record) { *r = ledger.Record{Intent: &in} }); err != nil {
		over()
		return nil, unwritable(err)
	}
	return func(known bool) {
		defer over() // only then may somebody else look at it
		switch {
		case known && earlier == nil:
			book.Owe(ctx, key, erase)
			return
		case known:
			book.Owe(ctx, key, func(r *ledger.Record) { r.Intent = earlier.Intent })
		}
		s.shared.settleLater(s.engine, s.caller)
	}, nil
}

// intendCreate writes down that a resource is about to be created; id is what the provider knows it by, if it does.
func (w *writer) intendCreate(ctx context.Context, id string, wanted *doc.Node) (end func(known bool), err error) {
	in, err := w.begins(ctx, wanted)
	if err != nil {
		return nil, err
	}
	in.ID = id
	key := w.Name + " " + id
	if id == "" {
		key = w.Name + " named " + schema.Fold(wanted.Get(w.Identity).Text())
	}
	return w.intend(ctx, key, in)
}

// begins returns the intent of a call that makes the organization have a resource under new names.
func (w *writer) begins(ctx context.Context, wanted *doc.Node) (in ledger.Intent, err error) {
	in = ledger.Intent{Resource: w.Type.Name, Wanted: wanted.AppendTo(nil)}
	for _, l := range w.Names(wanted) {
		in.Lookups = append(in.Lookups, ledger.Lookup{Attribute: l.Attribute, Value: l.Value})
		entries, err := w.entriesWith(ctx, l)
		if err != nil {
			return in, err
		}
		for _, e := range entries {
			in.Had = append(in.Had, e.ID)
		}
	}
	in.Had = distinct(in.Had)
	return in, nil
}

// intendMembers writes down that all members of a group are about to be written.
func (g *groups) intendMembers(ctx context.Context, group string) (end func(known bool), err error) {
	return g.intend(ctx, "members "+group, ledger.Intent{Resource: g.Type.Name, ID: group, Members: true})
}

// settleOperation settles the intents that an operation has to do with, by the id or because it asks for everything; those
// that it has to do with by a name are settled with the name's lock. A search waits for whoever is about to give the name to
// somebody: the client of that request may be gone, and would be told by the search that there is nobody. No lock is held.
func (w *writer) settleOperation(ctx context.Context) error {
	if w.intents() == nil {
		return nil
	}
	w.shared.settleFirst(w.engine, w.caller)
	id, asks, all := w.op.ID, w.op.Verb == scim.List || w.op.Verb == scim.Read, false
	var names []string
	if w.op.Verb == scim.List {
		lookups, some := w.Lookups(w.op.Query.Filter)
		for _, l := range lookups {
			names = append(names, schema.Fold(strings.TrimSpace(l.Value)))
		}
		unlock, err := w.shared.locks.Names(ctx, w.Name, names)
		if err != nil {
			return err
		}
		unlock()
		all = !some
	}
	err := w.settle(ctx, asks, func(in *ledger.Intent) bool {
		return all || id != "" && (in.ID == id || in.Found == id) || goesBy(in, names)
	})
	if err != nil || id == "" {
		return err
	}
	return w.settleUnnamed(ctx)
}

// settleUnnamed settles the intents whose calls may have made the resource that an operation is about. The provider was told
// its id, and what was to be remembered of it is lost: a crash came between the answer and the write.
func (w *writer) settleUnnamed(ctx context.Context) error {
	err := w.settle(ctx, false, func(in *ledger.Intent) bool { return in.ID == "" && in.Found == "" && !w.remembered(ctx, w.op.ID) })
	if w.leaves {
		return nil // it needs nothing of what is remembered
	}
	return err
}

// remembered reports whether something is remembered of a resource by which it is the provider's.
func (rs *resources) remembered(ctx context.Context, id string) bool {
	r, err := rs.record(ctx, id)
	return err != nil || r != nil && (!rs.IsUser() || r.Linked || r.Special())
}

// settleNames settles the intents that have to do with names, which are locked.
func (w *writer) settleNames(ctx context.Context, names []string) error {
	return w.settle(ctx, false, func(in *ledger.Intent) bool { return goesBy(in, names) })
}

// goesBy reports whether an intent is about somebody or something that has one of some names.
func goesBy(in *ledger.Intent, names []string) bool {
	return slices.ContainsFunc(in.Lookups, func(l ledger.Lookup) bool {
		return slices.Contains(names, schema.Fold(strings.TrimSpace(l.Value)))
	})
}

// settle settles intents about resources of a kind. wait says whether the calls that are under way are waited for.
func (w *writer) settle(ctx context.Context, wait bool, concerned func(*ledger.Intent) bool) error {
	intents, err := w.allIntents(ctx)
	if err != nil {
		return err
	}
	for _, r := range intents {
		ended := w.shared.underWay(r.ID)
		if ended == nil && r.Intent.Found == "" {
			w.shared.settleLater(w.engine, w.caller)
		}
		if r.Intent.Resource != w.Type.Name || !concerned(r.Intent) {
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
		if err := w.settleLocked(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// settleLocked settles an intent under the lock of the user whom it is about.
func (w *writer) settleLocked(ctx context.Context, r *ledger.Record) error {
	if !w.IsUser() || r.Intent.ID == "" {
		return w.settleOne(ctx, r.ID)
	}
	unlock, err := w.users.lock(ctx, r.Intent.ID)
	if err != nil {
		return err
	}
	defer unlock()
	return w.settleOne(ctx, r.ID)
}

// settleUser settles the intent about a user, who is locked: it may have been written down while the lock was waited for.
func (u *users) settleUser(ctx context.Context, id string) error {
	return u.settleOne(ctx, u.Name+" "+id)
}

// allIntents returns the intents, those whose calls are under way too.
func (s *session) allIntents(ctx context.Context) ([]*ledger.Record, error) {
	book := s.intents()
	if book == nil {
		return nil, nil
	}
	m := book.RecallMarks()
	if s.blind == nil {
		var err error
		if m, err = asked(ctx, s, book.Marks); err != nil && s.leaves {
			s.blind = err
		} else if err != nil {
			return nil, unreadable(err)
		}
	}
	return slices.DeleteFunc(m.All(), func(r *ledger.Record) bool { return r.Intent == nil }), nil
}

// settleOne finds out what became of the call of an intent, and ends the intent where that is known: what the organization
// has now and had not before is the resource that the provider wrote.
func (w *writer) settleOne(ctx context.Context, key string) error {
	book := w.intents()
	if book == nil {
		return nil
	}
	r := book.RecallMarks().Record(key)
	if r == nil || r.Intent == nil || w.shared.underWay(key) != nil {
		return nil
	}
	in, late := r.Intent, w.now().Sub(r.Intent.Began) > settleAfter
	switch {
	case in.Found != "" && w.background:
		return nil
	case in.Found != "": // the provider asks for it now
		book.Owe(ctx, key, erase)
		return nil
	case in.Members:
		// Members are read before each change; what is known of the group else is read again.
		if w.View.Expire(); late {
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
	w.View.Expire()
	found, known, err := w.carriedOut(ctx, in, wanted)
	if err != nil {
		return err
	}
	if found != nil {
		id := in.ID
		if id == "" {
			id = found.entry.ID
		}
		sub, err := w.adopt(ctx, id, found, wanted)
		if err != nil {
			return err
		}
		w.adopted = append(w.adopted, id)
		trace.Say(ctx, w.made(), id, "")
		trace.Say(ctx, trace.Adopted, id, "a call whose answer was lost")
		w.log.Warn("a call whose answer was lost had been carried out: what it made is the provider's now",
			zap.String("resource", w.Name), zap.String("id", id), zap.Bool("asked_for", !w.background))
		if upstream := sub.upstreamID(); in.ID == "" && !w.asksFor(upstream) {
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
func (rs *resources) asksFor(id string) bool {
	return !rs.background && (rs.op.ID == "" || rs.op.ID == id)
}

// carriedOut returns what the call of an intent has made; nil where the organization has nothing such. known reports
// whether the gateway knew it already, so that there is nothing to settle.
func (w *writer) carriedOut(ctx context.Context, in *ledger.Intent, wanted *doc.Node) (found *subject, known bool, err error) {
	switch {
	case in.Renames:
		marks, err := w.marks(ctx)
		if err != nil {
			return nil, false, err
		}
		if _, err := w.items.Fetch(ctx, marks.Upstream(in.ID), ""); !api.Gone(err) {
			return nil, err == nil, err
		}
	case in.ID != "":
		record, err := w.record(ctx, in.ID)
		if err != nil || record == nil || record.Deferred == nil {
			return nil, err == nil, err
		}
	}
	except := in.ID
	if in.Renames {
		except = "" // the new id may be one that it had before
	}
	for _, l := range in.Lookups {
		for sub, err := range w.holders(ctx, value.Lookup(l), except) {
			switch {
			case err != nil:
				return nil, false, err
			case in.Renames && sub.id == in.ID && sub.entry != nil:
				return sub, false, nil
			case sub.entry == nil, sub.entry.Protected, slices.Contains(in.Had, sub.entry.ID), w.IsUser() && !w.users.alike(sub, wanted, usualLinks, false):
			case sub.linked():
				known = true
			default:
				return sub, false, nil
			}
		}
	}
	return nil, known, nil
}
