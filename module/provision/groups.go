package provision

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/caddy-scim/gateway/module/guard"
	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/provision/view"
	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/patch"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// create creates a group and then gives it its members.
func (g *groups) create(ctx context.Context) (*scim.Answer, error) {
	wanted, err := patch.Create(g.op.Body, g.Type)
	if err != nil {
		return nil, err
	}
	name := strings.TrimSpace(wanted.Get("displayName").Text())
	if name == "" {
		return nil, empty("displayName")
	}
	members := memberValues(wanted)
	wanted.Delete("members")
	if err := g.users.mustExist(ctx, members); err != nil {
		return nil, err
	}
	unlock, err := g.lockNames(ctx, g.NamesOf(wanted))
	if err != nil {
		return nil, err
	}
	defer unlock()

	// Organizations take a second group of the same name without a word, and another gateway, or somebody by hand, may have
	// made the first one since the view was read.
	g.View.Expire()
	sub, made, err := g.findOrAdd(ctx, wanted, "", func() (*subject, error) { return g.add(ctx, "", wanted) })
	if err != nil {
		return nil, err
	}
	if made || slices.Contains(g.adopted, sub.id) {
		g.note(ctx, sub.id, func(s *ledger.Synced) { *s = ledger.Synced{Name: name, Counted: true} })
		sub.counted = !usesMembers(g.Create) // a new group is empty
		return g.link(ctx, sub, members)
	}
	if sub.entry.Protected {
		trace.Say(ctx, trace.Protected, sub.id, "mapping")
		return nil, g.conflict()
	}
	if g.config.Existing == ExistingConflict && !sub.deleted() {
		return nil, g.conflict()
	}
	g.linkedBy(ctx, sub.id, sub.found, "existing link")
	g.noteName(ctx, sub.id, name)
	if sub.deleted() {
		g.book.Keep(ctx, sub.id, func(r *ledger.Record) { r.Deleted = false })
	}
	return g.link(ctx, sub, members)
}

// link gives a group that is there now the members that it was created with.
func (g *groups) link(ctx context.Context, sub *subject, members []string) (*scim.Answer, error) {
	if len(members) > 0 {
		unlock, err := g.lock(ctx, sub.id)
		if err != nil {
			return nil, err
		}
		defer unlock()
		if err := g.loadMembers(ctx, sub); err != nil {
			return nil, err
		}
		g.noteMembers(ctx, sub, members)
		add, _ := (&patch.Membership{Add: members}).Against(sub.members)
		if err := g.setMembers(ctx, sub, add, nil); err != nil {
			return nil, err
		}
	}
	return g.created(ctx, sub)
}

// groupChange is what a PATCH or PUT does to a group: to its members, and to everything else.
type groupChange struct {
	members *patch.Membership
	apply   func(*doc.Node) ([]string, error)
}

func (g *groups) requested() (*groupChange, error) {
	if g.op.Verb == scim.Patch {
		ops, err := patch.Parse(g.op.Body, g.Type)
		if err != nil {
			return nil, err
		}
		m, err := patch.Members(ops, g.Type)
		if err != nil {
			return nil, err
		}
		if err := g.Selects(ops); err != nil {
			return nil, err
		}
		return &groupChange{m, func(res *doc.Node) ([]string, error) { return patch.Apply(res, m.Others, g.Type) }}, nil
	}
	replace, err := g.requestedChange()
	if err != nil {
		return nil, err
	}
	// Read now, so that a body that is none is refused before anything is asked of the upstream.
	wanted, err := patch.Create(g.op.Body, g.Type)
	if err != nil {
		return nil, err
	}
	m := &patch.Membership{}
	if list, ok := g.op.Body.Value().Lookup("members"); ok && list.Kind() != doc.Null {
		m.Touched, m.Whole, m.Set = true, true, memberValues(wanted)
	}
	return &groupChange{m, func(res *doc.Node) ([]string, error) {
		before := res.Clone()
		if _, err := replace(res); err != nil {
			return nil, err
		}
		res.Delete("members")
		return patch.Diff(before, res, g.Type), nil
	}}, nil
}

// change carries out PATCH and PUT, under the group's lock: Entra sends several requests for one group at once, and
// most organizations only take the whole list of members.
func (g *groups) change(ctx context.Context) (*scim.Answer, error) {
	change, err := g.requested()
	if err != nil {
		return nil, err
	}
	release, err := g.lockNames(ctx, g.NamesIn(g.op))
	if err != nil {
		return nil, err
	}
	defer release()
	unlock, err := g.lock(ctx, g.op.ID)
	if err != nil {
		return nil, err
	}
	defer unlock()
	sub, err := g.loadFor(ctx, g.op.ID, change.members)
	if err != nil {
		return nil, err
	}
	after := sub.res.Clone()
	changed, err := change.apply(after)
	if err != nil {
		return nil, err
	}
	if patch.Touches(changed, "displayName") && strings.TrimSpace(after.Get("displayName").Text()) == "" {
		return nil, empty("displayName")
	}
	if err := g.checkUnique(ctx, sub.id, after, changed); err != nil {
		return nil, err
	}
	add, remove, err := g.membership(ctx, sub, change.members)
	if err != nil {
		return nil, err
	}
	if len(changed)+len(add)+len(remove) == 0 {
		trace.Say(ctx, trace.Unchanged, sub.id, "")
	}
	heard := g.hear(ctx, sub, change.members, add, remove)
	if len(changed) > 0 {
		was := sub
		if sub, err = g.update(ctx, sub, after, changed, nil); err != nil {
			return nil, err
		}
		sub.membership = was.membership
	}
	if err := g.setMembers(ctx, sub, add, remove); err != nil {
		return nil, err
	}
	heard(after.Get("displayName").Text())
	if g.quirks.NoContent(g.op, g.caller.Account()) {
		return &scim.Answer{Status: http.StatusNoContent}, nil
	}
	return g.answer(ctx, sub, http.StatusOK)
}

// loadFor reads a group. Where only its members change, what the view says of the rest is enough, and reading the
// members will tell whether the group is still there.
func (g *groups) loadFor(ctx context.Context, id string, m *patch.Membership) (*subject, error) {
	if g.op.Verb != scim.Patch || len(m.Others) > 0 || !m.Touched || g.Embedded {
		return g.load(ctx, id)
	}
	marks, err := g.marks(ctx)
	if err != nil {
		return nil, err
	}
	var e *view.Entry
	g.View.Known(func(t *view.Table) { e = t.Get(marks.Upstream(id)) })
	switch {
	case e == nil:
		return g.load(ctx, id)
	case marks.Hidden(id) || marks.ID(e.ID) != id:
		return nil, g.NotFound()
	case e.Protected:
		return nil, g.protectedError(ctx, id)
	}
	return g.withLedger(ctx, &subject{id: id, entry: e})
}

// membership returns what has to be added to and removed from a group. Everything that can be wrong with it is found here,
// before the first call that changes something.
func (g *groups) membership(ctx context.Context, sub *subject, m *patch.Membership) (add, remove []string, err error) {
	if !m.Touched {
		return nil, nil, nil
	}
	if err := g.loadMembers(ctx, sub); err != nil {
		return nil, nil, err
	}
	// Who waits to join is to leave as well as who is there, and who is not there yet is to be added.
	all := union(sub.members, sub.joining)
	if m.Open {
		if add, _, err = m.Resolve(g.members(sub.members)); err == nil {
			_, remove, err = m.Resolve(g.members(all))
		}
	} else if add, remove = m.Against(sub.members); all.Len() > sub.members.Len() {
		_, remove = m.Against(all)
	}
	if err != nil {
		return nil, nil, err
	}
	return add, remove, g.users.mustExist(ctx, add)
}

// delete removes a group. Its members stay in the organization.
func (g *groups) delete(ctx context.Context) (*scim.Answer, error) {
	if len(g.Delete) == 0 {
		return nil, scim.Errorf(http.StatusNotImplemented, "", "groups of this organization cannot be deleted")
	}
	err := g.in(ctx, g.op.ID, func(sub *subject) error {
		ticket, err := g.permit(ctx, guard.GroupDeletes, sub)
		if err == nil {
			err = g.remove(ctx, sub)
			ticket.End(err)
		}
		if err != nil {
			return err
		}
		trace.Say(ctx, trace.GroupRemoved, sub.id, "")
		g.shared.ledger.Synced.Owe(ctx, sub.id, erase)
		return g.deleted(ctx, sub, g.config.Ledger.SoftDelete)
	})
	if err != nil {
		return nil, err
	}
	return &scim.Answer{Status: http.StatusNoContent}, nil
}

// memberValues returns the ids of a group's members in a document, each once.
func memberValues(group *doc.Node) []string {
	var ids []string
	seen := make(map[string]bool)
	for _, item := range group.Get("members").Items() {
		if id := item.Get("value").Text(); id != "" && !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids
}
