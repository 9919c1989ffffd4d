package provision

import (
	"context"
	"slices"

	"github.com/caddy-scim/gateway/module/dryrun"
	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/provision/api"
	"github.com/caddy-scim/gateway/module/provision/items"
	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// loadMembers reads who the members of a group are.
func (g *groups) loadMembers(ctx context.Context, sub *subject) error {
	if sub.counted {
		return nil
	}
	var ids doc.Strings
	if !dryrun.Imagined(sub.upstreamID()) {
		var err error
		if ids, err = g.upstreamMembers(ctx, sub); err != nil {
			return err
		}
	}
	ids = union(ids, g.imagined.Joined(sub.upstreamID()))
	m, err := g.users.marks(ctx)
	if err != nil {
		return err
	}
	guarded, err := g.users.guarded(ctx, ids)
	if err != nil {
		return err
	}
	group, err := g.record(ctx, sub.id)
	if err != nil {
		return err
	}
	c := membership{counted: true, guarded: guarded, joined: m.IDs(ids.Without(guarded))}
	if group != nil {
		c.joining = group.Waiting
	}
	c.members = union(c.joined, only(c.joining, m.Waits))
	sub.membership = c
	return nil
}

// upstreamMembers returns the upstream's ids of a group's members. Who stands in several lists, or on several pages, is there
// once; one list is as the upstream has it.
func (g *groups) upstreamMembers(ctx context.Context, sub *subject) (none doc.Strings, err error) {
	if g.Embedded {
		if err := g.refresh(ctx, sub); err != nil {
			return none, err
		}
		return g.EmbeddedMembers(sub.value)
	}
	var lists []doc.Strings
	for _, c := range g.Members {
		if c.Uses("cur") {
			if err := g.refresh(ctx, sub); err != nil {
				return none, err
			}
		}
		env := items.Env(sub.entry.ID, sub.entry.Name(), sub.value)
		err := g.items.Pages(ctx, c, env, func(answer doc.Value) error {
			ids, err := c.MemberIDs(env, answer)
			lists = append(lists, ids)
			return err
		})
		if err != nil {
			if !api.Gone(err) {
				return none, err
			}
			if err := g.items.ConfirmGone(ctx, sub.entry.ID, err); !api.Gone(err) {
				return none, err
			}
			g.View.Removed(sub.entry.ID)
			return none, g.NotFound()
		}
	}
	if len(lists) == 1 {
		return lists[0], nil
	}
	var all []string
	for _, ids := range lists {
		all = slices.AppendSeq(all, ids.All())
	}
	return doc.NewStrings(distinct(all)...), nil
}

// refresh reads a subject's item where only the view's entry is known.
func (rs *resources) refresh(ctx context.Context, sub *subject) error {
	if sub.value.Kind() != doc.Invalid {
		return nil
	}
	it, err := rs.items.Fetch(ctx, sub.entry.ID, sub.entry.Name())
	if err == nil {
		sub.entry, sub.value = it.Entry, it.Value
	}
	return err
}

// members returns a group's members as SCIM shows them (RFC 7643 §4.2).
func (g *groups) members(ids doc.Strings) *doc.Node {
	return scim.Members(ids, g.users.Type, g.op.Base)
}

// setMembers adds and removes members, all of them known. The group's lock is held.
func (g *groups) setMembers(ctx context.Context, sub *subject, add, remove []string) error {
	if len(add) == 0 && len(remove) == 0 {
		return nil
	}
	m, err := g.users.marks(ctx)
	if err != nil {
		return err
	}
	later := only(add, m.Waits)
	now := without(add, later)
	leaving := sub.joined.Among(remove)
	left := sub.joined.Without(leaving)
	ticket, err := g.guardMembers(ctx, sub, left.Len(), leaving)
	if err != nil {
		return err
	}
	joined, come := left.With(now...), upstreams(m, now)
	removed, added, err := g.changeMembers(ctx, sub, m.Upstreams(joined).With(sub.guarded...), come, upstreams(m, leaving))
	g.sayMembers(ctx, trace.MemberRemoved, sub.id, leaving[:removed])
	g.sayMembers(ctx, trace.MemberAdded, sub.id, now[:added])
	if ticket.End(err); err != nil {
		return err
	}
	if err := g.joins(ctx, sub, add, come, remove); err != nil {
		return err
	}
	if err := g.await(ctx, sub, later, doc.NewStrings(sub.joining...).Among(slices.Concat(remove, now))); err != nil {
		return err
	}
	g.changedNow(ctx, sub)
	if sub.members.Len() > sub.joined.Len() || len(later) > 0 { // somebody waits
		sub.members = sub.members.Without(remove).With(add...)
	} else {
		sub.members = joined
	}
	sub.joined = joined
	return nil
}

// upstreams returns what the upstream calls a few ids of the provider's.
func upstreams(m ledger.Marks, ids []string) []string {
	return slices.Collect(m.Upstreams(doc.NewStrings(ids...)).All())
}

// sayMembers notes who joined a group, or left it.
func (g *groups) sayMembers(ctx context.Context, what trace.Kind, group string, ids []string) {
	for _, id := range ids {
		trace.From(ctx).Note(trace.Note{Kind: what, ID: id, Group: group})
	}
}

// usesMembers reports whether calls take a list of members at once.
func usesMembers(calls []*plan.Call) bool {
	return slices.ContainsFunc(calls, func(c *plan.Call) bool { return c.Uses("members") })
}
