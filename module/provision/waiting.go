package provision

import (
	"context"

	"go.uber.org/zap"

	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// put remembers a user who waits to be created.
func (s *session) put(ctx context.Context, record *ledger.Record, wanted *doc.Node) (*subject, error) {
	kept := wanted.Clone()
	for _, name := range []string{"password", "id", "meta", "groups"} {
		kept.Delete(name)
	}
	record.Deferred = kept.AppendTo(nil)
	if err := s.write(ctx, s.user, record); err != nil {
		return nil, unreadable(err) // nobody else knows of the user
	}
	return s.waiting(record)
}

func (s *session) linkWaiting(ctx context.Context, sub *subject, wanted *doc.Node) (*scim.Answer, error) {
	var err error
	if wanted.Get("active").True() {
		sub, err = s.activate(ctx, sub, wanted)
	}
	if err != nil {
		return nil, err
	}
	return s.created(ctx, s.user, sub)
}

// activate creates a user who waited for it; the id stays what the provider knows.
func (s *session) activate(ctx context.Context, sub *subject, wanted *doc.Node) (*subject, error) {
	k := s.user
	wanted = wanted.Clone()
	wanted.Delete("id")
	made, err := s.existingOther(ctx, wanted, sub.id)
	if err != nil {
		return nil, err
	}
	if made != nil {
		made, err = s.adopt(ctx, sub, made, wanted)
	} else {
		made, err = s.add(ctx, k, sub.id, wanted)
	}
	if err != nil {
		return nil, err
	}
	return made, s.joinAll(ctx, sub.id)
}

// adopt makes a member whom the organization has by now the one that a waiting user becomes: somebody invited the person
// by hand, or the ledger could not be written when the gateway did. To refuse would be final, since the provider knows
// the user by the id of the one who waits.
func (s *session) adopt(ctx context.Context, sub, found *subject, wanted *doc.Node) (*subject, error) {
	k := s.user
	if found.entry == nil || found.entry.protected || found.record != nil && found.record.Linked && !found.record.Deleted {
		return nil, conflict(k)
	}
	if err := s.forget(ctx, k, found.id); err != nil {
		return nil, unreadable(err)
	}
	record := &ledger.Record{ID: sub.id, Upstream: found.entry.id, Linked: true}
	s.keep(ctx, k, record, found.entry, wanted, attributesOf(wanted))
	s.log.Info("a member who was there is linked to a user who waited for activation", zap.String("id", sub.id))
	made := s.subject(k, sub.id, found.entry, found.value, record)
	if made.res.Get("active").True() {
		return made, nil
	}
	return s.update(ctx, k, made, wanted, []string{"active"})
}

// existingOther is who stands in the way of a user that waits, other than the user.
func (s *session) existingOther(ctx context.Context, wanted *doc.Node, id string) (*subject, error) {
	for _, l := range []lookup{
		{"userName", wanted.Get("userName").Text()}, {"externalId", wanted.Get("externalId").Text()},
		{"userName", s.user.Email(wanted)},
	} {
		if l.value == "" {
			continue
		}
		if sub, err := s.holder(ctx, s.user, l, id); err != nil || sub != nil {
			return sub, err
		}
	}
	return nil, nil
}
