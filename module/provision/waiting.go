package provision

import (
	"context"
	"slices"

	"go.uber.org/zap"

	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/patch"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// put remembers a user who waits to be created: what the organization will be sent then, and what the ledger will keep.
func (s *session) put(ctx context.Context, record *ledger.Record, wanted *doc.Node) (*subject, error) {
	k := s.user
	kept := wanted.Clone()
	for _, attribute := range attributesOf(wanted) {
		forbidden := slices.ContainsFunc(never, func(name string) bool { return doc.FoldEqual(name, attribute) })
		if forbidden || attribute != "emails" && !k.Writable(attribute) && !k.remembers(attribute) {
			setAttribute(k.rt, kept, attribute, nil)
		}
	}
	record.Deferred = kept.AppendTo(nil)
	if err := s.write(ctx, s.user, record); err != nil {
		return nil, unreadable(err) // nobody else knows of the user
	}
	return waiting(record)
}

func (s *session) linkWaiting(ctx context.Context, sub *subject, wanted *doc.Node) (*scim.Answer, error) {
	var err error
	if wanted.Get("active").True() {
		if sub, err = s.activate(ctx, sub, wanted); err == nil {
			err = s.joinAll(ctx, sub.id)
		}
	}
	if err != nil {
		return nil, err
	}
	return s.created(ctx, s.user, sub)
}

// activate creates a user who waited for it; the id stays what the provider knows. The groups that waited for the user
// still have to be joined.
func (s *session) activate(ctx context.Context, sub *subject, wanted *doc.Node) (*subject, error) {
	k := s.user
	wanted = wanted.Clone()
	wanted.Delete("id")
	made, err := s.existing(ctx, k, wanted, sub.id, true)
	if err != nil {
		return nil, err
	}
	if made == nil {
		if made, err = s.add(ctx, k, sub.id, wanted); !taken(err) {
			return made, err
		}
		// The upstream knows better than the view: who is it?
		k.view.Expire()
		found, lookupErr := s.existing(ctx, k, wanted, sub.id, true)
		if lookupErr != nil {
			return nil, lookupErr
		}
		if found == nil {
			return nil, err
		}
		made = found
	}
	return s.adopt(ctx, sub, made, wanted)
}

// adopt makes a member whom the organization has by now the one that a waiting user becomes: somebody invited the person
// by hand, or the ledger could not be written when the gateway did. To refuse would be final, since the provider knows
// the user by the id of the one who waits.
func (s *session) adopt(ctx context.Context, sub, found *subject, wanted *doc.Node) (*subject, error) {
	k := s.user
	if found.entry == nil || found.entry.Protected || !s.samePerson(found, wanted) ||
		found.record != nil && found.record.Linked && !found.record.Deleted {
		return nil, conflict(k)
	}
	record := &ledger.Record{ID: sub.id, Upstream: found.entry.ID, Linked: true}
	made := s.subject(k, sub.id, found.entry, found.value, record)
	// What the provider wrote while the user waited is its last word. What it never spoke of stays.
	said := attributesOf(wanted)
	changed := slices.DeleteFunc(patch.Diff(made.res, wanted, k.rt), func(path string) bool {
		return !slices.Contains(said, wholeOf(k.rt, path))
	})
	made, err := s.update(ctx, k, made, wanted, changed)
	if err != nil {
		return nil, err
	}
	// Only now does the user wait no longer: had something failed, the next attempt would have begun anew.
	if err := s.forget(ctx, k, found.id); err != nil {
		return nil, unreadable(err)
	}
	if err := s.write(ctx, k, record); err != nil {
		return nil, unreadable(err)
	}
	s.log.Info("a member who was there is linked to a user who waited for activation", zap.String("id", sub.id))
	return made, nil
}
