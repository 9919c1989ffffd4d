package provision

import (
	"context"
	"slices"

	"github.com/caddy-scim/gateway/module/dryrun"
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
	var ids []string
	if !dryrun.Imagined(sub.upstreamID()) {
		var err error
		if ids, err = s.upstreamMembers(ctx, sub); err != nil {
			return err
		}
	}
	ids = distinct(append(ids, s.rehearsal.joined(sub.upstreamID())...))
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
	if err := s.joins(ctx, sub, add, upstream(now), remove); err != nil {
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

// usesMembers tells whether calls take a list of members at once.
func usesMembers(calls []*plan.Call) bool {
	return slices.ContainsFunc(calls, func(c *plan.Call) bool { return c.Uses("members") })
}
