package provision

import (
	"context"
	"slices"
	"time"

	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/provision/api"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// A call that creates something cannot be repeated blindly, and where its answer is lost, nobody knows the id of what it
// made. So an intent is written down before the call, and goes with the outcome: see [ledger.Intent] and settle.go.

// settleAfter returns how long the organization may still carry out a call that was not answered: a little more than a
// call may take.
func (e *engine) settleAfter() time.Duration { return e.timeout + e.timeout/6 }

// intents are those that one operation writes down, and what it knows of those of others.
type intents struct {
	s        *session
	over     []func()         // end what keeps others from looking at the intents of this operation
	disputed func(known bool) // ends the intent of a create that was refused because there is such a resource
}

// book returns where intents are; nil where nothing is remembered.
func (in *intents) book() *ledger.Book {
	if in.s.user.book == nil {
		return nil
	}
	return in.s.shared.ledger.Intents
}

// begin writes an intent down. What is returned ends it: known says whether the outcome is known, and remembered. It is over
// at once then; what a crash would find stays until what was remembered before is on disk too ([ledger.Book.Owe]).
func (in *intents) begin(ctx context.Context, key string, intent ledger.Intent) (end func(known bool), err error) {
	s, book := in.s, in.book()
	s.talk.Outcome = api.Outcome{}
	if book == nil {
		return func(bool) {}, nil
	}
	intent.Began = s.now()
	var earlier *ledger.Record
	if intent.Members || intent.Resource == s.user.Type.Name && !intent.Renames { // an earlier call that was not answered may still arrive after this one
		if r, _ := book.Recall(key); r != nil && r.Intent != nil && s.now().Sub(r.Intent.Began) <= s.settleAfter() {
			earlier = r
		}
	}
	over := s.shared.begin(key) // before anybody can see it
	in.over = append(in.over, over)
	if err := book.Put(ctx, key, func(r *ledger.Record) { *r = ledger.Record{Intent: &intent} }); err != nil {
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

// close lets others look at the intents of this operation: whatever has happened, nobody waits for ever.
func (in *intents) close() {
	for _, over := range in.over {
		over()
	}
}

// all returns the intents of all operations, those whose calls are under way too.
func (in *intents) all(ctx context.Context) ([]*ledger.Record, error) {
	book := in.book()
	if book == nil {
		return nil, nil
	}
	m, err := asked(ctx, in.s, book.Marks, book.RecallMarks)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(m.All(), func(r *ledger.Record) bool { return r.Intent == nil }), nil
}

// endDisputed ends the intent of a create that was refused because there is such a resource: known says whether it is known
// now whose that is. Otherwise the intent stays open.
func (in *intents) endDisputed(known bool) {
	if in.disputed != nil {
		in.disputed(known)
		in.disputed = nil
	}
}

// intendCreate writes down that a resource is about to be created; id is what the provider knows it by, if it does.
func (rs *resources) intendCreate(ctx context.Context, id string, wanted *doc.Node) (end func(known bool), err error) {
	in, err := rs.begins(ctx, wanted)
	if err != nil {
		return nil, err
	}
	in.ID = id
	key := rs.Name + " " + id
	if id == "" {
		key = rs.Name + " named " + schema.Fold(wanted.Get(rs.Identity).Text())
	}
	return rs.intents.begin(ctx, key, in)
}

// begins returns the intent of a call that makes the organization have a resource under new names.
func (rs *resources) begins(ctx context.Context, wanted *doc.Node) (in ledger.Intent, err error) {
	in = ledger.Intent{Resource: rs.Type.Name, Wanted: wanted.AppendTo(nil)}
	for _, l := range rs.Names(wanted) {
		in.Lookups = append(in.Lookups, ledger.Lookup{Attribute: l.Attribute, Value: l.Value})
		entries, err := rs.entriesWith(ctx, l)
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
	return g.intents.begin(ctx, "members "+group, ledger.Intent{Resource: g.Type.Name, ID: group, Members: true})
}
