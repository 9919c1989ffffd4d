package provision

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/caddy-scim/gateway/module/guard"
	"github.com/caddy-scim/gateway/module/provision/view"
	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/module/upstream"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/scim"
	"github.com/caddy-scim/gateway/transforms/value"
)

// Prepare implements [upstream.Preparer]: it learns who guards the organization, by which rules the provider is answered, and
// who records what nobody asked for.
func (o *Organization) Prepare(g upstream.Gateway) error {
	o.engine.guard, o.engine.quirks, o.engine.settled = g.Guard, g.Quirks, g.Settled
	return nil
}

// guarding asks the guard for the leave to take access away from somebody, and says what came of it.
func (s *session) guarding(ctx context.Context, kind guard.Kind, sub *subject, remove func() error) error {
	if s.guard == nil {
		s.plans(ctx, removal(kind), sub, nil)
		return remove()
	}
	if err := s.checkProtected(ctx, sub); err != nil {
		s.held(ctx, removal(kind), sub, trace.HeldByProtect)
		return err
	}
	k := s.user
	if kind == guard.GroupDeletes {
		k = s.group
	}
	ticket, err := s.guard.Take(ctx, kind, s.active(ctx, k), named(k, sub.id, sub.res))
	if err != nil {
		s.held(ctx, removal(kind), sub, trace.HeldByGuard)
		return err
	}
	s.plans(ctx, removal(kind), sub, nil)
	err = remove()
	ticket.End(err)
	return err
}

// guardMembers asks the guard for the leave to remove members (the provider's ids) from a group, in which left of those who
// were there stay.
func (s *session) guardMembers(ctx context.Context, group *subject, left int, ids []string) (*guard.Ticket, error) {
	if s.guard == nil || len(ids) == 0 {
		return nil, nil
	}
	if left == 0 {
		if err := s.checkProtected(ctx, group); err != nil {
			s.planMembers(ctx, trace.MemberRemoved, group, ids, trace.HeldByProtect)
			return nil, err
		}
	}
	m, err := s.marks(ctx, s.user)
	if err != nil {
		return nil, err
	}
	subjects := make([]guard.Subject, len(ids))
	for i, id := range ids {
		subjects[i].ID = id
	}
	s.user.view.Seen(func(t *view.Table) {
		for i := range subjects {
			if e := t.Get(m.Upstream(subjects[i].ID)); e != nil {
				subjects[i] = named(s.user, subjects[i].ID, e.Resource())
			}
		}
	})
	ticket, err := s.guard.Take(ctx, guard.MemberRemovals, s.active(ctx, s.user), subjects...)
	if err != nil {
		s.planMembers(ctx, trace.MemberRemoved, group, ids, trace.HeldByGuard)
	}
	return ticket, err
}

// checkProtected returns an error for who is protected by the configuration: nobody's word disables, deletes, renames or
// empties them.
func (s *session) checkProtected(ctx context.Context, sub *subject) error {
	attribute, pattern := s.protection(sub)
	if pattern == "" {
		return nil
	}
	trace.Say(ctx, trace.Protected, sub.id, "protect")
	return scim.Errorf(http.StatusForbidden, "", "this %s is protected by the gateway's configuration (protect %s %s): it is not disabled, deleted, renamed or emptied through SCIM",
		s.kindOf(sub).name, attribute, pattern)
}

// protection returns by which attribute and pattern a resource is protected; they are empty where it is not. The
// organization's own names count beside those that the provider knows it by.
func (s *session) protection(sub *subject) (attribute, pattern string) {
	if s.guard == nil {
		return "", ""
	}
	k := s.kindOf(sub)
	return s.guard.Protects(func(path string) []string {
		if uri, name, _ := k.rt.SplitURN(path); k.rt.Attribute(uri, strings.SplitN(name, ".", 2)[0], "") == nil {
			return nil
		}
		return append(value.Texts(k.rt, sub.res, path), value.Texts(k.rt, sub.shown(), path)...)
	})
}

// renames reports whether a change takes a name from a resource: what it is called, an address, or what it is protected by,
// after which it would be no longer. A name more is none the less.
func (s *session) renames(k *kind, sub *subject, after *doc.Node, changed []string) bool {
	names := []string{k.identity}
	if k == s.user {
		names = append(names, "emails.value")
	}
	if attribute, _ := s.protection(sub); attribute != "" {
		names = append(names, attribute)
	}
	return slices.ContainsFunc(names, func(path string) bool {
		if !touches(changed, value.Whole(k.rt, path)) {
			return false
		}
		left := value.Texts(k.rt, after, path)
		return slices.ContainsFunc(value.Texts(k.rt, sub.res, path), func(name string) bool { return !slices.Contains(left, name) })
	})
}

func (s *session) kindOf(sub *subject) *kind {
	if sub.res.Get("userName") == nil && s.group != nil {
		return s.group
	}
	return s.user
}

func named(k *kind, id string, res *doc.Node) guard.Subject {
	return guard.Subject{ID: id, Name: res.Get(k.identity).Text()}
}

// active returns how many active users, or groups, there are, as last seen; they are listed where they never were. 0 says
// that nobody knows, and that only numbers count.
func (s *session) active(ctx context.Context, k *kind) (n int) {
	count := func(t *view.Table) { n = t.Active() }
	if k.view.Seen(count) {
		return n
	}
	if err := s.known(ctx, k, count); err != nil {
		return 0
	}
	return n
}

// disables reports whether a change of a user takes access away.
func disables(k *kind, sub *subject, after *doc.Node, changed []string) bool {
	return touches(changed, "active") && !after.Get("active").True() && sub.entry != nil && sub.res.Get("active").True() &&
		(len(k.Disable) > 0 || k.DisableAs == plan.DisableDelete)
}
