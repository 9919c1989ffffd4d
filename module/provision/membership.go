package provision

import (
	"context"
	"errors"
	"fmt"

	"github.com/caddy-scim/gateway/module/provision/api"
	"github.com/caddy-scim/gateway/module/provision/items"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// changeMembers makes the calls that add and remove members (the upstream's ids), so that those of whole are left, and returns
// how many of each it did, the first ones of the lists. Of the three ways to do it, those that the mapping has not are derived
// from those that it has: the whole list is written where that takes fewer calls or is all there is.
func (g *groups) changeMembers(ctx context.Context, sub *subject, whole doc.Strings, add, remove []string) (removed, added int, err error) {
	if len(add) == 0 && len(remove) == 0 {
		return 0, 0, nil
	}
	calls := callsFor(g.MemberAdd, add) + callsFor(g.MemberRemove, remove)
	if len(g.MembersSet) > 0 && (calls > 1 || len(add) > 0 && len(g.MemberAdd) == 0 || len(remove) > 0 && len(g.MemberRemove) == 0) {
		if err := g.replaceMembers(ctx, sub, whole); err != nil {
			return 0, 0, err
		}
		return len(remove), len(add), nil
	}
	// Removals first: where a group has a limit, there must be room for who comes.
	for _, step := range []struct {
		add   bool
		calls []*plan.Call
		ids   []string
		done  *int
	}{{false, g.MemberRemove, remove, &removed}, {true, g.MemberAdd, add, &added}} {
		if err := g.oneByOne(ctx, sub, step.add, step.calls, step.ids, step.done); err != nil {
			return removed, added, partly(err, removed+added, len(add)+len(remove))
		}
	}
	return removed, added, nil
}

// callsFor returns how many times the calls have to be made for some members.
func callsFor(calls []*plan.Call, ids []string) int {
	if usesMembers(calls) {
		return min(1, len(ids))
	}
	return len(ids)
}

func (g *groups) replaceMembers(ctx context.Context, sub *subject, ids doc.Strings) error {
	env, err := g.groupEnv(ctx, sub, g.MembersSet)
	if err != nil {
		return err
	}
	env.Members = ids
	end, err := g.intendMembers(ctx, sub.id)
	if err != nil {
		return err
	}
	_, err = g.items.Run(ctx, g.MembersSet, env)
	end(err == nil || g.talk.Outcome.Refused())
	return err
}

// oneByOne makes calls that add or remove for each member, or once for all of them where they take a list.
func (g *groups) oneByOne(ctx context.Context, sub *subject, add bool, calls []*plan.Call, ids []string, done *int) error {
	if len(ids) == 0 {
		return nil
	}
	if len(calls) == 0 {
		return scim.Errorf(501, "", "the organization has no way to change the members of a group like this")
	}
	env, err := g.groupEnv(ctx, sub, calls)
	if err != nil {
		return err
	}
	if usesMembers(calls) {
		env.Members = doc.NewStrings(ids...)
		if _, err := g.items.Run(ctx, calls, env); err != nil {
			return err
		}
		*done += len(ids)
		return nil
	}
	for _, id := range ids {
		if err := g.forMember(ctx, add, calls, env, id); err != nil {
			return err
		}
		*done++
	}
	return nil
}

// forMember makes the calls that add or remove one member.
func (g *groups) forMember(ctx context.Context, add bool, calls []*plan.Call, env *plan.Env, id string) error {
	var user string
	if g.onUsers {
		m, err := g.users.marks(ctx)
		if err != nil {
			return err
		}
		user = m.ID(id)
		unlock, err := g.users.lock(ctx, user)
		if err != nil {
			return err
		}
		defer unlock()
	}
	one := *env
	one.MID, one.Vars, one.Members = id, nil, doc.NewStrings(id)
	if uses(calls, "member") {
		it, err := g.users.items.Fetch(ctx, id, g.users.KeyOf(id))
		if api.Gone(err) {
			err = g.users.items.ConfirmGone(ctx, id, err) // who was there a moment ago
		}
		switch {
		case api.Gone(err) && add:
			return noMember()
		case api.Gone(err):
			return nil // a user who is gone is a member of nothing
		case err != nil:
			return err
		}
		one.Member = it.Value
	}
	_, err := g.items.Run(ctx, calls, &one)
	if err != nil && g.onUsers {
		g.unanswered(ctx, user, false)
	}
	return err
}

// groupEnv returns what the placeholders of a membership call stand for. The group's item is read where the call needs it.
func (g *groups) groupEnv(ctx context.Context, sub *subject, calls []*plan.Call) (*plan.Env, error) {
	if uses(calls, "cur") {
		if err := g.refresh(ctx, sub); err != nil {
			return nil, err
		}
	}
	env := items.Env(sub.entry.ID, sub.entry.Name(), sub.value)
	env.SCIM = sub.res
	return env, nil
}

func uses(calls []*plan.Call, name string) bool {
	for _, c := range calls {
		if c.Uses(name) {
			return true
		}
	}
	return false
}

// partly says how far a change came that takes several calls. The provider repeats it, and what was done is found done.
func partly(err error, done, all int) error {
	e, ok := errors.AsType[*scim.Error](err)
	if !ok || done == 0 {
		return err
	}
	told := *e
	told.Detail = fmt.Sprintf("%s; %d of %d changes of members were carried out", e.Detail, done, all)
	return &told
}
