package provision

import (
	"context"
	"slices"

	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/provision/api"
	"github.com/caddy-scim/gateway/module/trace"
)

// await lets a group wait for some users, and for others no longer. The group's lock is held.
func (s *session) await(ctx context.Context, sub *subject, add, remove []string) error {
	if len(add) == 0 && len(remove) == 0 {
		return nil
	}
	book := s.group.book
	change := func(r *ledger.Record) { r.Waiting = distinct(append(without(r.Waiting, remove), add...)) }
	sub.joining = distinct(append(without(sub.joining, remove), add...))
	if len(add) == 0 {
		book.Keep(ctx, sub.id, change)
		return nil
	}
	if err := book.Put(ctx, sub.id, change); err != nil {
		return unwritable(err)
	}
	s.sayMembers(ctx, trace.Waiting, sub.id, add)
	// A user who was created in the meantime did not find the group waiting.
	m, err := s.marks(ctx, s.user)
	if err != nil {
		return err
	}
	for _, id := range add {
		if !m.Waits(id) {
			if err := s.join(ctx, sub, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// joinAll puts a user into the groups that were waiting for them. Whoever is to lose access has lost it by then: what
// goes wrong is made good in the background.
func (s *session) joinAll(ctx context.Context, user *subject) error {
	if s.group == nil || user.entry == nil || s.blind != nil {
		return nil
	}
	err := s.joinGroups(ctx, user.id)
	if err != nil && s.leaves {
		s.shared.settleLater(s.engine, s.caller)
		return nil
	}
	return err
}

func (s *session) joinGroups(ctx context.Context, user string) error {
	m, err := s.marks(ctx, s.group)
	if err != nil {
		return err
	}
	for _, group := range m.Groups(user) {
		err := s.inGroup(ctx, group, func(sub *subject) error { return s.join(ctx, sub, user) })
		if err != nil && !api.Gone(err) {
			return err
		}
	}
	return nil
}

// inGroup loads a group, given by the provider's id, under its lock.
func (s *session) inGroup(ctx context.Context, id string, f func(*subject) error) error {
	unlock, err := s.lockGroup(ctx, id)
	if err != nil {
		return err
	}
	defer unlock()
	sub, err := s.load(ctx, s.group, id)
	if err != nil {
		return err
	}
	return f(sub)
}

// join makes a user whom the organization has a member, where the group still waits for them. The group's lock is held.
func (s *session) join(ctx context.Context, sub *subject, id string) error {
	sub.counted = false
	if err := s.loadMembers(ctx, sub); err != nil {
		return err
	}
	if !slices.Contains(sub.joining, id) {
		return nil // the provider took them out meanwhile
	}
	if !slices.Contains(sub.joined, id) {
		return s.setMembers(ctx, sub, []string{id}, nil)
	}
	return s.await(ctx, sub, nil, []string{id})
}

// leaveAll lets no group wait any longer for a user who is gone for good. Where ids are names, the next one of that name is
// somebody else.
func (s *session) leaveAll(ctx context.Context, user string) {
	if s.group == nil {
		return
	}
	for _, group := range s.group.book.RecallMarks().Groups(user) {
		s.group.book.Keep(ctx, group, func(r *ledger.Record) { r.Waiting = without(r.Waiting, []string{user}) })
	}
}
