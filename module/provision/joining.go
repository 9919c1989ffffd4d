package provision

import (
	"context"
	"slices"

	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/provision/api"
	"github.com/caddy-scim/gateway/module/trace"
)

// await lets a group wait for some users, and for others no longer. The group's lock is held.
func (g *groups) await(ctx context.Context, sub *subject, add, remove []string) error {
	if len(add) == 0 && len(remove) == 0 {
		return nil
	}
	book := g.book
	change := func(r *ledger.Record) { r.Waiting = distinct(append(without(r.Waiting, remove), add...)) }
	sub.joining = distinct(append(without(sub.joining, remove), add...))
	if len(add) == 0 {
		book.Keep(ctx, sub.id, change)
		return nil
	}
	if err := book.Put(ctx, sub.id, change); err != nil {
		return unwritable(err)
	}
	g.sayMembers(ctx, trace.Waiting, sub.id, add)
	// A user who was created in the meantime did not find the group waiting.
	m, err := g.users.marks(ctx)
	if err != nil {
		return err
	}
	for _, id := range add {
		if !m.Waits(id) {
			if err := g.join(ctx, sub, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// joinAll puts a user into the groups that were waiting for them. Whoever is to lose access has lost it by then: what
// goes wrong is made good in the background.
func (u *users) joinAll(ctx context.Context, user *subject) error {
	if u.groups == nil || user.entry == nil || u.blind != nil {
		return nil
	}
	err := u.joinGroups(ctx, user.id)
	if err != nil && u.leaves {
		u.shared.settleLater(u.engine, u.caller)
		return nil
	}
	return err
}

func (u *users) joinGroups(ctx context.Context, user string) error {
	m, err := u.groups.marks(ctx)
	if err != nil {
		return err
	}
	for _, group := range m.Groups(user) {
		err := u.groups.in(ctx, group, func(sub *subject) error { return u.groups.join(ctx, sub, user) })
		if err != nil && !api.Gone(err) {
			return err
		}
	}
	return nil
}

// join makes a user whom the organization has a member, where the group still waits for them. The group's lock is held.
func (g *groups) join(ctx context.Context, sub *subject, id string) error {
	sub.counted = false
	if err := g.loadMembers(ctx, sub); err != nil {
		return err
	}
	if !slices.Contains(sub.joining, id) {
		return nil // the provider took them out meanwhile
	}
	if !sub.joined.Has(id) {
		return g.setMembers(ctx, sub, []string{id}, nil)
	}
	return g.await(ctx, sub, nil, []string{id})
}

// leaveAll lets no group wait any longer for a user who is gone for good. Where ids are names, the next one of that name is
// somebody else.
func (rs *resources) leaveAll(ctx context.Context, user string) {
	if rs.groups == nil {
		return
	}
	for _, group := range rs.groups.book.RecallMarks().Groups(user) {
		rs.groups.book.Keep(ctx, group, func(r *ledger.Record) { r.Waiting = without(r.Waiting, []string{user}) })
	}
}
