package provision

import (
	"context"
	"slices"

	"github.com/caddy-scim/gateway/module/dryrun"
	"github.com/caddy-scim/gateway/module/provision/api"
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
	ids = union(ids, s.rehearsal.joined(sub.upstreamID()))
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
	c := membership{counted: true, guarded: guarded, joined: m.IDs(without(ids, guarded))}
	if group != nil {
		c.joining = group.Waiting
	}
	c.members = union(c.joined, only(c.joining, m.Waits))
	sub.membership = c
	return nil
}

// upstreamMembers returns the upstream's ids of a group's members, each once.
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
			if !api.Gone(err) {
				return nil, err
			}
			if err := s.confirmGone(ctx, k, sub.entry.ID, err); !api.Gone(err) {
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

// members returns a group's members as SCIM shows them (RFC 7643 §4.2).
func (s *session) members(ids []string) *doc.Node { return scim.Members(ids, s.user.rt, s.op.Base) }

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
	current, leaving := slices.Concat(m.Upstreams(sub.joined), sub.guarded), among(remove, sub.joined)
	ticket, err := s.guardMembers(ctx, sub, len(sub.joined)-len(leaving), leaving)
	if err != nil {
		return err
	}
	removed, added, err := s.changeMembers(ctx, sub, current, m.Upstreams(now), m.Upstreams(leaving))
	s.sayMembers(ctx, trace.MemberRemoved, sub.id, leaving[:removed])
	s.sayMembers(ctx, trace.MemberAdded, sub.id, now[:added])
	if ticket.End(err); err != nil {
		return err
	}
	if err := s.joins(ctx, sub, add, m.Upstreams(now), remove); err != nil {
		return err
	}
	if err := s.await(ctx, sub, later, among(slices.Concat(remove, now), sub.joining)); err != nil {
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

// usesMembers reports whether calls take a list of members at once.
func usesMembers(calls []*plan.Call) bool {
	return slices.ContainsFunc(calls, func(c *plan.Call) bool { return c.Uses("members") })
}
