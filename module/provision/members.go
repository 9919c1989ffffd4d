package provision

import (
	"context"
	"net/http"
	"slices"

	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/provision/view"
	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// loadMembers reads who the members of a group are.
func (s *session) loadMembers(ctx context.Context, sub *subject) error {
	if sub.counted {
		return nil
	}
	ids, err := s.upstreamMembers(ctx, sub)
	if err != nil {
		return err
	}
	m, err := s.marks(ctx, s.user)
	if err != nil {
		return err
	}
	guarded, err := s.guarded(ctx, ids)
	if err != nil {
		return err
	}
	group, err := s.record(ctx, s.group, sub.id)
	if err != nil {
		return err
	}
	c := membership{counted: true, guarded: only(ids, func(id string) bool { return guarded[id] })}
	c.joined = make([]string, 0, len(ids))
	for _, id := range without(ids, c.guarded) {
		if id = m.ID(id); !m.Hidden(id) {
			c.joined = append(c.joined, id)
		}
	}
	if group != nil {
		c.joining = group.Waiting
	}
	c.members = distinct(slices.Concat(c.joined, only(c.joining, m.Waits)))
	sub.membership = c
	return nil
}

// upstreamMembers are the upstream's ids of a group's members, each once.
func (s *session) upstreamMembers(ctx context.Context, sub *subject) ([]string, error) {
	k := s.group
	if k.Embedded {
		if err := s.refresh(ctx, k, sub); err != nil {
			return nil, err
		}
		ids, err := k.EmbeddedMembers(sub.value)
		return distinct(ids), err
	}
	var all []string
	for _, c := range k.Members {
		if c.Uses("cur") {
			if err := s.refresh(ctx, k, sub); err != nil {
				return nil, err
			}
		}
		env := s.env(sub.entry.ID, sub.entry.Name(), sub.value)
		err := s.pages(ctx, k, c, env, func(answer doc.Value) error {
			ids, err := c.MemberIDs(env, answer)
			all = append(all, ids...)
			return err
		})
		if err != nil {
			if !gone(err) {
				return nil, err
			}
			if err := s.confirmGone(ctx, k, sub.entry.ID, err); !gone(err) {
				return nil, err
			}
			k.view.Removed(sub.entry.ID)
			return nil, notFound(k)
		}
	}
	return distinct(all), nil
}

// refresh reads a subject's item where only the view's entry is known.
func (s *session) refresh(ctx context.Context, k *kind, sub *subject) error {
	if sub.value.Kind() != doc.Invalid {
		return nil
	}
	it, err := s.fetch(ctx, k, sub.entry.ID, sub.entry.Name())
	if err == nil {
		sub.entry, sub.value = it.Entry, it.value
	}
	return err
}

// members are a group's members as SCIM shows them (RFC 7643 §4.2).
func (s *session) members(ids []string) *doc.Node {
	list := make([]*doc.Node, len(ids))
	for i, id := range ids {
		n := doc.NewObject()
		n.Set("value", doc.NewString(id))
		n.Set("$ref", doc.NewString(scim.Location(s.op.Base, s.user.rt, id)))
		n.Set("type", doc.NewString("User"))
		list[i] = n
	}
	return doc.NewArray(list...)
}

// fewMembers is how many members are looked up one by one rather than by listing the organization.
const fewMembers = 5

// mustExist refuses members whom the organization does not have: most upstreams drop them without a word, and the
// provider would believe that they are in the group.
func (s *session) mustExist(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	k := s.user
	m, err := s.marks(ctx, k)
	if err != nil {
		return err
	}
	var unknown []string
	look := func(t *view.Table) {
		unknown = only(ids, func(id string) bool {
			e := t.Get(m.Upstream(id))
			return (e == nil || e.Protected) && !m.Waits(id)
		})
	}
	switch {
	case slices.ContainsFunc(ids, func(id string) bool { return m.Hidden(id) || m.ID(m.Upstream(id)) != id }):
		return noMember()
	case k.view.Known(look):
	case len(ids) <= fewMembers && len(k.Get) > 0:
		unknown = only(ids, func(id string) bool { return !m.Waits(id) })
	default:
		if err := s.known(ctx, k, look); err != nil {
			return err
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	// The view is not the last word: they may have been created elsewhere since.
	if len(unknown) <= fewMembers && len(k.Get) > 0 {
		for _, id := range unknown {
			it, err := s.fetch(ctx, k, m.Upstream(id), "")
			if gone(err) || err == nil && it.Protected {
				return noMember()
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	k.view.Expire()
	if err := s.known(ctx, k, look); err != nil {
		return err
	}
	if len(unknown) > 0 {
		return noMember()
	}
	return nil
}

func noMember() error {
	return scim.Errorf(http.StatusBadRequest, scim.InvalidValue, "members names a user that the organization does not have; nothing was changed")
}

// setMembers adds and removes members, all of them known. The group's lock is held.
func (s *session) setMembers(ctx context.Context, sub *subject, add, remove []string) error {
	if len(add) == 0 && len(remove) == 0 {
		return nil
	}
	m, err := s.marks(ctx, s.user)
	if err != nil {
		return err
	}
	later := only(add, m.Waits)
	now := without(add, later)
	upstream := func(ids []string) []string {
		list := make([]string, len(ids))
		for i, id := range ids {
			list[i] = m.Upstream(id)
		}
		return list
	}
	is := func(list []string) func(string) bool {
		set := make(map[string]bool, len(list))
		for _, id := range list {
			set[id] = true
		}
		return func(id string) bool { return set[id] }
	}
	current, leaving := slices.Concat(upstream(sub.joined), sub.guarded), only(remove, is(sub.joined))
	ticket, err := s.guardMembers(ctx, sub, len(sub.joined)-len(leaving), leaving)
	if err != nil {
		return err
	}
	removed, added, err := s.changeMembers(ctx, sub, current, upstream(now), upstream(leaving))
	s.sayMembers(ctx, trace.MemberRemoved, sub.id, leaving[:removed])
	s.sayMembers(ctx, trace.MemberAdded, sub.id, now[:added])
	if ticket.End(err); err != nil {
		return err
	}
	named := is(sub.joining)
	if err := s.await(ctx, sub, later, only(slices.Concat(remove, now), named)); err != nil {
		return err
	}
	s.changedNow(ctx, s.group, sub)
	sub.joined = append(without(sub.joined, remove), now...)
	sub.members = append(without(sub.members, remove), add...)
	return nil
}

// sayMembers notes who joined a group, or left it.
func (s *session) sayMembers(ctx context.Context, what trace.Kind, group string, ids []string) {
	for _, id := range ids {
		trace.From(ctx).Note(trace.Note{Kind: what, ID: id, Group: group})
	}
}

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

// joinAll puts a user into the groups that were waiting for them.
func (s *session) joinAll(ctx context.Context, user *subject) error {
	if s.group == nil || user.entry == nil || s.leaves {
		return nil
	}
	m, err := s.marks(ctx, s.group)
	if err != nil {
		return err
	}
	for _, group := range m.Groups(user.id) {
		err := s.inGroup(ctx, group, func(sub *subject) error { return s.join(ctx, sub, user.id) })
		if err != nil && !gone(err) {
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

// usesMembers tells whether calls take a list of members at once.
func usesMembers(calls []*plan.Call) bool {
	return slices.ContainsFunc(calls, func(c *plan.Call) bool { return c.Uses("members") })
}

func distinct(ids []string) []string {
	seen := make(map[string]bool, len(ids))
	return only(ids, func(id string) bool {
		first := !seen[id]
		seen[id] = true
		return first
	})
}

func only(ids []string, keep func(string) bool) []string {
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !keep(id) })
}

func without(ids, remove []string) []string {
	gone := make(map[string]bool, len(remove))
	for _, id := range remove {
		gone[id] = true
	}
	return only(ids, func(id string) bool { return !gone[id] })
}
