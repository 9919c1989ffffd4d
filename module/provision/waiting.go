package provision

import (
	"context"
	"slices"

	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/patch"
	"github.com/caddy-scim/gateway/transforms/value"
)

// deferred returns what is written down of a user who waits to be created: what the organization will be sent then, and
// what the ledger will keep.
func (s *session) deferred(wanted *doc.Node) []byte {
	k := s.user
	kept := wanted.Clone()
	for _, attribute := range value.Attributes(wanted) {
		forbidden := slices.ContainsFunc(never, func(name string) bool { return doc.FoldEqual(name, attribute) })
		if forbidden || attribute != "emails" && !k.Writable(attribute) && !k.remembers(attribute) {
			value.Set(k.rt, kept, attribute, nil)
		}
	}
	return kept.AppendTo(nil)
}

// putWaiting writes down a user who waits to be created. It has to be on disk, since nobody else knows of the user.
func (s *session) putWaiting(ctx context.Context, id string, wanted *doc.Node) (*subject, error) {
	text, date := s.deferred(wanted), s.date(s.user)
	err := s.user.book.Put(ctx, id, func(r *ledger.Record) {
		date(r, r.Deferred == nil)
		r.Deferred = text
	})
	if err != nil {
		e := unwritable(err)
		e.NoAccess = true
		return nil, e
	}
	trace.Say(ctx, trace.Waiting, id, "")
	return s.waits(id, text)
}

// waits returns a user whom the ledger has just been told to keep.
func (s *session) waits(id string, deferred []byte) (*subject, error) {
	if r, _ := s.user.book.Recall(id); r != nil && r.Deferred != nil {
		return waitingSubject(r)
	}
	return waitingSubject(&ledger.Record{ID: id, Deferred: deferred})
}

// activate creates a user who waited for it; the id stays what the provider knows. The user is locked. The groups that
// waited for the user still have to be joined.
func (s *session) activate(ctx context.Context, sub *subject, wanted *doc.Node) (*subject, error) {
	k := s.user
	wanted = wanted.Clone()
	wanted.Delete("id")
	found, made, err := s.findOrAdd(ctx, k, wanted, sub.id, func() (*subject, error) { return s.add(ctx, k, sub.id, wanted) })
	if err != nil || made {
		return found, err
	}
	// Somebody invited the person by hand. To refuse would be final, since the provider knows the user by the id of the one
	// who waits.
	if found.entry == nil || found.entry.Protected || found.linked() {
		s.endCreateIntent(true)
		return nil, conflict(k)
	}
	if !s.samePerson(found, wanted) {
		s.endCreateIntent(true)
		return nil, s.another(ctx, found)
	}
	adopted, err := s.adopt(ctx, k, sub.id, found, wanted)
	s.endCreateIntent(err == nil)
	if err == nil {
		s.linkedBy(ctx, k, sub.id, found.found, "inactive defer")
	}
	return adopted, err
}

// adopt makes a resource that the organization has the one that the provider calls id, with all that the provider wrote of
// it: that is its last word. What it never spoke of stays.
func (s *session) adopt(ctx context.Context, k *kind, id string, found *subject, wanted *doc.Node) (*subject, error) {
	sub, err := s.adoptAs(ctx, k, id, found, wanted)
	if err == nil && found.id != id {
		k.book.Keep(ctx, found.id, erase) // the record of the same item
	}
	return sub, err
}

func (s *session) adoptAs(ctx context.Context, k *kind, id string, found *subject, wanted *doc.Node) (*subject, error) {
	said, date := value.Attributes(wanted), s.date(k)
	change := func(r *ledger.Record) {
		k.begin(r, id, found.entry.ID)
		date(r, false)
	}
	if s.leaves || k == s.group { // what matters is whose it is
		record, _ := s.keep(ctx, k, id, found.entry, wanted, said, change)
		return s.subject(k, id, found.entry, found.value, record), nil
	}
	it, err := s.welcome(ctx, k, &item{found.entry, found.value}, wanted)
	if err != nil {
		return nil, err
	}
	found.entry, found.value = it.Entry, it.value
	record := new(ledger.Record)
	change(record)
	sub := s.subject(k, id, found.entry, found.value, record)
	changed := slices.DeleteFunc(patch.Diff(sub.res, wanted, k.rt), func(path string) bool {
		return !slices.Contains(said, value.Whole(k.rt, path))
	})
	// Only now does the user wait no longer: had the update failed, the next attempt would begin anew.
	return s.updateAs(ctx, k, sub, wanted, changed, change)
}
