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

// createGroup creates a group and then gives it its members.
func (s *session) createGroup(ctx context.Context) (*scim.Answer, error) {
	k := s.group
	wanted, err := patch.Create(s.op.Body, k.rt)
	if err != nil {
		return nil, err
	}
	name := strings.TrimSpace(wanted.Get("displayName").Text())
	if name == "" {
		return nil, empty("displayName")
	}
	members := memberValues(wanted)
	wanted.Delete("members")
	if err := s.mustExist(ctx, members); err != nil {
		return nil, err
	}
	unlock, err := s.lockNames(ctx, k, k.namesOf(wanted))
	if err != nil {
		return nil, err
	}
	defer unlock()

	// Organizations take a second group of the same name without a word, and another gateway, or somebody by hand, may have
	// made the first one since the view was read.
	k.view.Expire()
	sub, made, err := s.findOrAdd(ctx, k, wanted, "", func() (*subject, error) { return s.add(ctx, k, "", wanted) })
	if err != nil {
		return nil, err
	}
	if made || slices.Contains(s.adopted, sub.id) {
		s.synced().Made(sub.id, name)
		sub.counted = !usesMembers(k.Create) // a new group is empty
		return s.linkGroup(ctx, sub, members)
	}
	if sub.entry.Protected {
		trace.Say(ctx, trace.Protected, sub.id, "mapping")
		return nil, conflict(k)
	}
	if s.config.Existing == ExistingConflict && !sub.deleted() {
		return nil, conflict(k)
	}
	s.linkedBy(ctx, k, sub.id, sub.found, "existing link")
	s.synced().Named(sub.id, name)
	if sub.deleted() {
		k.book.Keep(ctx, sub.id, func(r *ledger.Record) { r.Deleted = false })
	}
	return s.linkGroup(ctx, sub, members)
}

// linkGroup gives a group that is there now the members that it was created with.
func (s *session) linkGroup(ctx context.Context, sub *subject, members []string) (*scim.Answer, error) {
	if len(members) > 0 {
		unlock, err := s.lockGroup(ctx, sub.id)
		if err != nil {
			return nil, err
		}
		defer unlock()
		if err := s.loadMembers(ctx, sub); err != nil {
			return nil, err
		}
		s.synced().Found(sub.id, sub.joined)
		s.synced().Add(sub.id, members)
		add, _ := (&patch.Membership{Add: members}).Against(sub.members)
		if err := s.setMembers(ctx, sub, add, nil); err != nil {
			return nil, err
		}
	}
	return s.created(ctx, s.group, sub)
}

// groupChange is what a PATCH or PUT does to a group: to its members, and to everything else.
type groupChange struct {
	members *patch.Membership
	apply   func(*doc.Node) ([]string, error)
}

func (s *session) groupChange() (*groupChange, error) {
	k := s.group
	if s.op.Verb == scim.Patch {
		ops, err := patch.Parse(s.op.Body, k.rt)
		if err != nil {
			return nil, err
		}
		m, err := patch.Members(ops, k.rt)
		if err != nil {
			return nil, err
		}
		if err := k.selects(ops); err != nil {
			return nil, err
		}
		return &groupChange{m, func(res *doc.Node) ([]string, error) { return patch.Apply(res, m.Others, k.rt) }}, nil
	}
	replace, err := s.requestedChange(k)
	if err != nil {
		return nil, err
	}
	// Read now, so that a body that is none is refused before anything is asked of the upstream.
	wanted, err := patch.Create(s.op.Body, k.rt)
	if err != nil {
		return nil, err
	}
	m := &patch.Membership{}
	if list, ok := s.op.Body.Value().Lookup("members"); ok && list.Kind() != doc.Null {
		m.Touched, m.Whole, m.Set = true, true, memberValues(wanted)
	}
	return &groupChange{m, func(res *doc.Node) ([]string, error) {
		before := res.Clone()
		if _, err := replace(res); err != nil {
			return nil, err
		}
		res.Delete("members")
		return patch.Diff(before, res, k.rt), nil
	}}, nil
}

// changeGroup carries out PATCH and PUT, under the group's lock: Entra sends several requests for one group at once, and
// most organizations only take the whole list of members.
func (s *session) changeGroup(ctx context.Context) (*scim.Answer, error) {
	k := s.group
	change, err := s.groupChange()
	if err != nil {
		return nil, err
	}
	release, err := s.lockNames(ctx, k, k.namesIn(s.op))
	if err != nil {
		return nil, err
	}
	defer release()
	unlock, err := s.lockGroup(ctx, s.op.ID)
	if err != nil {
		return nil, err
	}
	defer unlock()
	sub, err := s.loadGroup(ctx, s.op.ID, change.members)
	if err != nil {
		return nil, err
	}
	after := sub.res.Clone()
	changed, err := change.apply(after)
	if err != nil {
		return nil, err
	}
	if touches(changed, "displayName") && strings.TrimSpace(after.Get("displayName").Text()) == "" {
		return nil, empty("displayName")
	}
	if err := s.checkUnique(ctx, k, sub.id, after, changed); err != nil {
		return nil, err
	}
	add, remove, err := s.membership(ctx, sub, change.members)
	if err != nil {
		return nil, err
	}
	if len(changed)+len(add)+len(remove) == 0 {
		trace.Say(ctx, trace.Unchanged, sub.id, "")
	}
	heard := s.hear(sub, change.members, add, remove)
	if len(changed) > 0 {
		was := sub
		if sub, err = s.update(ctx, k, sub, after, changed); err != nil {
			return nil, err
		}
		sub.membership = was.membership
	}
	if err := s.setMembers(ctx, sub, add, remove); err != nil {
		return nil, err
	}
	heard(after.Get("displayName").Text())
	if s.quirks.NoContent(s.op, s.caller.Account()) {
		return &scim.Answer{Status: http.StatusNoContent}, nil
	}
	return s.answer(ctx, k, sub, http.StatusOK)
}

// loadGroup reads a group. Where only its members change, what the view says of the rest is enough, and reading the
// members will tell whether the group is still there.
func (s *session) loadGroup(ctx context.Context, id string, m *patch.Membership) (*subject, error) {
	k := s.group
	if s.op.Verb != scim.Patch || len(m.Others) > 0 || !m.Touched || k.Embedded {
		return s.load(ctx, k, id)
	}
	marks, err := s.marks(ctx, k)
	if err != nil {
		return nil, err
	}
	var e *view.Entry
	k.view.Known(func(t *view.Table) { e = t.Get(marks.Upstream(id)) })
	switch {
	case e == nil:
		return s.load(ctx, k, id)
	case marks.Hidden(id) || marks.ID(e.ID) != id:
		return nil, notFound(k)
	case e.Protected:
		return nil, protectedError(ctx, k, id)
	}
	return s.withLedger(ctx, k, &subject{id: id, entry: e})
}

// membership returns what has to be added to and removed from a group. Everything that can be wrong with it is found here,
// before the first call that changes something.
func (s *session) membership(ctx context.Context, sub *subject, m *patch.Membership) (add, remove []string, err error) {
	if !m.Touched {
		return nil, nil, nil
	}
	if err := s.loadMembers(ctx, sub); err != nil {
		return nil, nil, err
	}
	// Who waits to join is to leave as well as who is there, and who is not there yet is to be added.
	all := union(sub.members, sub.joining)
	if m.Open {
		if add, _, err = m.Resolve(s.members(sub.members)); err == nil {
			_, remove, err = m.Resolve(s.members(all))
		}
	} else {
		add, _ = m.Against(sub.members)
		_, remove = m.Against(all)
	}
	if err != nil {
		return nil, nil, err
	}
	return add, remove, s.mustExist(ctx, add)
}

// lockGroup is for whoever changes a group or its members.
func (s *session) lockGroup(ctx context.Context, id string) (unlock func(), err error) {
	return s.shared.locks.Group(s.lasting(ctx), id)
}

// deleteGroup removes a group. Its members stay in the organization.
func (s *session) deleteGroup(ctx context.Context) (*scim.Answer, error) {
	k := s.group
	unlock, err := s.lockGroup(ctx, s.op.ID)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if len(k.Delete) == 0 {
		return nil, scim.Errorf(http.StatusNotImplemented, "", "groups of this organization cannot be deleted")
	}
	sub, err := s.load(ctx, k, s.op.ID)
	if err != nil {
		return nil, err
	}
	if err := s.guarding(ctx, guard.GroupDeletes, sub, func() error { return s.remove(ctx, k, sub) }); err != nil {
		return nil, err
	}
	trace.Say(ctx, trace.GroupRemoved, sub.id, "")
	s.synced().Forget(sub.id)
	return s.deleted(ctx, k, sub, s.config.Ledger.SoftDelete)
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
