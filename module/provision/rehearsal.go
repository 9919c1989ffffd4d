package provision

import (
	"context"

	"github.com/caddy-scim/gateway/module/dryrun"
	"github.com/caddy-scim/gateway/module/guard"
	"github.com/caddy-scim/gateway/module/provision/view"
	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/patch"
	"github.com/caddy-scim/gateway/transforms/scim"
	"github.com/caddy-scim/gateway/transforms/value"
)

// dry reports whether the session rehearses.
func (s *session) dry() bool { return s.run != nil }

// plans puts a change of a subject into the plan of a dry run.
func (rs *resources) plans(ctx context.Context, kind trace.Kind, sub *subject, more func(*trace.Step)) {
	if !rs.dry() {
		return
	}
	step := trace.Step{Kind: kind, Resource: rs.Type.Name, ID: sub.id, Name: sub.res.Get(rs.Identity).Text()}
	if more != nil {
		more(&step)
	}
	trace.Plan(ctx, step)
}

// held puts a change into the plan of a dry run that would not be made.
func (rs *resources) held(ctx context.Context, kind trace.Kind, sub *subject, by string) {
	rs.plans(ctx, kind, sub, func(step *trace.Step) { step.Held = by })
}

// removal returns what taking access away is to the plan.
func removal(kind guard.Removal) trace.Kind {
	switch kind {
	case guard.Deletes:
		return trace.Removed
	case guard.GroupDeletes:
		return trace.GroupRemoved
	case guard.MemberRemovals:
		return trace.MemberRemoved
	}
	return trace.Revoked
}

// renaming returns what a new name is to the plan.
func (k *kind) renaming() trace.Kind {
	if !k.IsUser() {
		return trace.GroupRenamed
	}
	return trace.Renamed
}

// updates puts the change of a resource into the plan of a dry run, and makes the item of it be so. Who would lose access
// by it does not.
func (rs *resources) updates(ctx context.Context, sub *subject, after *doc.Node, changed []string) error {
	if !rs.dry() {
		return nil
	}
	if patch.Touches(changed, "active") && after.Get("active").True() {
		rs.plans(ctx, trace.Restored, sub, nil)
	}
	name, to := sub.res.Get(rs.Identity).Text(), after.Get(rs.Identity).Text()
	if patch.Touches(changed, rs.Identity) && name != to {
		rs.plans(ctx, rs.renaming(), sub, func(step *trace.Step) { step.To = to })
	}
	var attributes, others []string
	for _, path := range changed {
		attribute := value.Whole(rs.Type, path)
		if attribute == "active" || rs.Updates(path) && (rs.Readable(path) || rs.Readable(attribute)) {
			attributes = append(attributes, attribute)
		}
		if attribute != "active" && attribute != rs.Identity {
			others = append(others, attribute)
		}
	}
	if others = distinct(others); len(others) > 0 {
		rs.plans(ctx, trace.Changed, sub, func(step *trace.Step) { step.Attributes = others })
	}
	if rs.disables(sub, after, changed) && (rs.op.Verb != scim.Create || !dryrun.Imagined(sub.entry.ID)) {
		return dryrun.NotDone()
	}
	if patch.Touches(attributes, "emails") && rs.IsUser() && rs.NamedByAddress() {
		after = after.Clone()
		after.Set(rs.Identity, doc.NewString(rs.Email(after)))
		attributes = append(attributes, rs.Identity)
	}
	return rs.imagined.Change(rs.items.Kind, sub.entry.ID, after, distinct(attributes))
}

// joins puts a change of memberships into the plan of a dry run, and makes the new members be in the group. Whoever would
// leave does not, and nobody joins then: what is answered is about both.
func (g *groups) joins(ctx context.Context, group *subject, add, now, remove []string) error {
	if !g.dry() {
		return nil
	}
	for kind, ids := range map[trace.Kind][]string{trace.MemberAdded: add, trace.MemberRemoved: remove} {
		g.planMembers(ctx, kind, group, ids, "")
	}
	if len(remove) > 0 {
		return dryrun.NotDone()
	}
	return g.imagined.Join(group.entry.ID, now)
}

func (g *groups) planMembers(ctx context.Context, kind trace.Kind, group *subject, ids []string, held string) {
	if !g.dry() {
		return
	}
	m, _ := g.users.marks(ctx)
	for _, id := range ids {
		step := trace.Step{
			Kind: kind, Resource: g.users.Type.Name, ID: id, Group: group.id, GroupName: group.res.Get(g.Identity).Text(), Held: held,
		}
		g.users.View.Seen(func(t *view.Table) {
			if e := t.Get(m.Upstream(id)); e != nil {
				step.Name = e.Resource().Get(g.users.Identity).Text()
			}
		})
		if it := g.imagined.Item(g.users.items.Kind, m.Upstream(id)); it != nil {
			step.Name = it.Resource().Get(g.users.Identity).Text()
		}
		if r := m.WaitingID(id); r != nil {
			if sub, err := waitingSubject(r); err == nil {
				step.Name = sub.res.Get(g.users.Identity).Text()
			}
		}
		trace.Plan(ctx, step)
	}
}
