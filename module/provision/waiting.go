package provision

import (
	"context"
	"slices"

	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/provision/items"
	"github.com/caddy-scim/gateway/module/provision/link"
	"github.com/caddy-scim/gateway/module/provision/resource"
	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/patch"
	"github.com/caddy-scim/gateway/transforms/value"
)

// deferred returns what is written down of a user who waits to be created: what the organization will be sent then, and
// what the ledger will keep.
func (rs *resources) deferred(wanted *doc.Node) []byte {
	kept := wanted.Clone()
	for _, attribute := range value.Attributes(wanted) {
		if resource.Never(attribute) || attribute != "emails" && !rs.Writable(attribute) && !rs.Remembers(attribute) {
			value.Set(rs.Type, kept, attribute, nil)
		}
	}
	return kept.AppendTo(nil)
}

// putWaiting writes down a user who waits to be created. It has to be on disk, since nobody else knows of the user.
func (rs *resources) putWaiting(ctx context.Context, id string, wanted *doc.Node) (*subject, error) {
	text, date := rs.deferred(wanted), rs.date()
	err := rs.book.Put(ctx, id, func(r *ledger.Record) {
		date(r, r.Deferred == nil)
		r.Deferred = text
	})
	if err != nil {
		e := unwritable(err)
		e.NoAccess = true
		return nil, e
	}
	trace.Say(ctx, trace.Waiting, id, "")
	return rs.waits(id, text)
}

// waits returns a user whom the ledger has just been told to keep.
func (rs *resources) waits(id string, deferred []byte) (*subject, error) {
	if r, _ := rs.book.Recall(id); r != nil && r.Deferred != nil {
		return waitingSubject(r)
	}
	return waitingSubject(&ledger.Record{ID: id, Deferred: deferred})
}

// activate creates a user who waited for it; the id stays what the provider knows. The user is locked. The groups that
// waited for the user still have to be joined.
func (u *users) activate(ctx context.Context, sub *subject, wanted *doc.Node) (*subject, error) {
	wanted = wanted.Clone()
	wanted.Delete("id")
	found, made, err := u.findOrAdd(ctx, wanted, sub.id, func() (*subject, error) { return u.add(ctx, sub.id, wanted) })
	if err != nil || made {
		return found, err
	}
	// Somebody invited the person by hand. To refuse would be final, since the provider knows the user by the id of the one
	// who waits.
	if found.entry == nil || found.entry.Protected || found.linked() {
		u.intents.endDisputed(true)
		return nil, u.conflict()
	}
	if verdict := u.links.Judge(found.member(), wanted); verdict != link.Same {
		u.intents.endDisputed(true)
		return nil, u.another(ctx, found, verdict)
	}
	adopted, err := u.adopt(ctx, sub.id, found, wanted)
	u.intents.endDisputed(err == nil)
	if err == nil {
		u.linkedBy(ctx, sub.id, found.found, "inactive defer")
	}
	return adopted, err
}

// adopt makes a resource that the organization has the one that the provider calls id, with all that the provider wrote of
// it: that is its last word. What it never spoke of stays.
func (rs *resources) adopt(ctx context.Context, id string, found *subject, wanted *doc.Node) (sub *subject, err error) {
	said, date := value.Attributes(wanted), rs.date()
	change := func(r *ledger.Record) {
		rs.begin(r, id, found.entry.ID)
		date(r, false)
	}
	if found.id != id {
		defer func() {
			if err == nil {
				rs.book.Keep(ctx, found.id, erase) // the record of the same item
			}
		}()
	}
	if rs.leaves || !rs.IsUser() { // what matters is whose it is
		record := rs.keep(ctx, id, found.entry, wanted, said, change)
		return rs.subject(id, found.entry, found.value, record), nil
	}
	it, err := rs.welcome(ctx, &items.Item{Entry: found.entry, Value: found.value}, wanted)
	if err != nil {
		return nil, err
	}
	found.entry, found.value = it.Entry, it.Value
	record := new(ledger.Record)
	change(record)
	sub = rs.subject(id, found.entry, found.value, record)
	changed := slices.DeleteFunc(patch.Diff(sub.res, wanted, rs.Type), func(path string) bool {
		return !slices.Contains(said, value.Whole(rs.Type, path))
	})
	// Only now does the user wait no longer: had the update failed, the next attempt would begin anew.
	return rs.update(ctx, sub, wanted, changed, change)
}
