package provision

import (
	"context"
	"net/http"
	"slices"

	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/provision/view"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// count reads who the members of a group are.
func (s *session) count(ctx context.Context, sub *subject) error {
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
	sub.guarded = only(ids, func(id string) bool { return guarded[id] })
	sub.members = make([]string, 0, len(ids))
	for _, id := range without(ids, sub.guarded) {
		if id = m.id(id); !m.hidden(id) {
			sub.members = append(sub.members, id)
		}
	}
	if sub.record != nil {
		for _, id := range sub.record.Waiting {
			if m.waits(id) {
				sub.members = append(sub.members, id)
			}
		}
	}
	sub.counted = true
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
		return once(ids), err
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
			if gone(err) {
				k.view.Removed(sub.entry.ID)
				return nil, notFound(k)
			}
			return nil, err
		}
	}
	return once(all), nil
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
func (s *session) members(sub *subject) *doc.Node {
	list := make([]*doc.Node, len(sub.members))
	for i, id := range sub.members {
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
			e := t.Get(m.upstream(id))
			return (e == nil || e.Protected) && !m.waits(id)
		})
	}
	switch {
	case slices.ContainsFunc(ids, func(id string) bool { return m.hidden(id) || m.id(m.upstream(id)) != id }):
		return noMember()
	case k.view.Known(look):
	case len(ids) <= fewMembers && len(k.Get) > 0:
		unknown = only(ids, func(id string) bool { return !m.waits(id) })
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
			it, err := s.fetch(ctx, k, m.upstream(id), "")
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

// setMembers adds and removes members (the provider's ids), all of them known. The group's lock is held.
func (s *session) setMembers(ctx context.Context, sub *subject, add, remove []string) error {
	if len(add) == 0 && len(remove) == 0 {
		return nil
	}
	m, err := s.marks(ctx, s.user)
	if err != nil {
		return err
	}
	later := func(id string) bool { return m.waits(id) }
	now := func(ids []string) []string {
		var list []string
		for _, id := range ids {
			if !later(id) {
				list = append(list, m.upstream(id))
			}
		}
		return list
	}
	current := append(now(sub.members), sub.guarded...)
	if err := s.changeMembers(ctx, sub, current, now(add), now(remove)); err != nil {
		return err
	}
	// A group may still wait for somebody who is there: nobody is to join again who leaves.
	awaited := func(id string) bool { return later(id) || sub.record != nil && slices.Contains(sub.record.Waiting, id) }
	if slices.ContainsFunc(add, later) || slices.ContainsFunc(remove, awaited) {
		if err := s.wait(ctx, sub, only(add, later), only(remove, awaited)); err != nil {
			return err
		}
	}
	sub.members = append(without(sub.members, remove), add...)
	return nil
}

// wait remembers the members of a group who are not created yet.
func (s *session) wait(ctx context.Context, sub *subject, add, remove []string) error {
	record := sub.record
	if record == nil {
		record = &ledger.Record{ID: sub.id}
	}
	record.Waiting = once(append(without(record.Waiting, remove), add...))
	if err := s.write(ctx, s.group, record); err != nil {
		return unreadable(err)
	}
	sub.record = record
	// A user who was created in the meantime did not find the group waiting.
	delete(s.seen, s.user)
	m, err := s.marks(ctx, s.user)
	if err != nil {
		return err
	}
	for _, id := range add {
		if !m.waits(id) {
			if err := s.join(ctx, sub, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// joinAll puts a user who has just been created into the groups that were waiting.
func (s *session) joinAll(ctx context.Context, id string) error {
	if s.group == nil {
		return nil
	}
	delete(s.seen, s.group)
	m, err := s.marks(ctx, s.group)
	if err != nil {
		return err
	}
	for _, group := range m.groupsOf(id) {
		err := s.inGroup(ctx, group, func(sub *subject) error { return s.join(ctx, sub, id) })
		if err != nil && !gone(err) {
			return err
		}
	}
	return nil
}

// inGroup loads a group, given by the provider's id, under its lock.
func (s *session) inGroup(ctx context.Context, id string, f func(*subject) error) error {
	m, err := s.marks(ctx, s.group)
	if err != nil {
		return err
	}
	unlock, err := s.shared.locks.lock(ctx, groupLock(m.upstream(id)), s.cluster)
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

// join makes a user a member who was waiting to be one. The group's lock is held.
func (s *session) join(ctx context.Context, sub *subject, id string) error {
	sub.counted = false
	if err := s.count(ctx, sub); err != nil {
		return err
	}
	m, err := s.marks(ctx, s.user)
	if err != nil {
		return err
	}
	if !slices.Contains(sub.members, id) {
		current := only(sub.members, func(id string) bool { return !m.waits(id) })
		for i := range current {
			current[i] = m.upstream(current[i])
		}
		if err := s.changeMembers(ctx, sub, append(current, sub.guarded...), []string{m.upstream(id)}, nil); err != nil {
			return err
		}
	}
	sub.record.Waiting = without(sub.record.Waiting, []string{id})
	return s.write(ctx, s.group, sub.record)
}

// usesMembers tells whether calls take a list of members at once.
func usesMembers(calls []*mapping.Call) bool {
	return slices.ContainsFunc(calls, func(c *mapping.Call) bool { return c.Uses("members") })
}

func once(ids []string) []string {
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
