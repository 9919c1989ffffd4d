package provision

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/caddy-scim/gateway/module/guard"
	"github.com/caddy-scim/gateway/module/provision/view"
	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/patch"
	"github.com/caddy-scim/gateway/transforms/scim"
	"github.com/caddy-scim/gateway/transforms/value"
)

// permit asks for the leave to take access away from somebody: of the configuration, which may protect them, and of the guard.
// How it ended is told to the ticket.
func (rs *resources) permit(ctx context.Context, kind guard.Removal, sub *subject) (ticket *guard.Ticket, err error) {
	if err := rs.checkProtected(ctx, sub); err != nil {
		rs.held(ctx, removal(kind), sub, trace.HeldByProtect)
		return nil, err
	}
	if rs.guard != nil {
		if ticket, err = rs.guard.Take(ctx, kind, rs.active(ctx), rs.named(sub.id, sub.res)); err != nil {
			rs.held(ctx, removal(kind), sub, trace.HeldByGuard)
			return nil, err
		}
	}
	rs.plans(ctx, removal(kind), sub, nil)
	return ticket, nil
}

// guardMembers asks the guard for the leave to remove members (the provider's ids) from a group, in which left of those who
// were there stay.
func (g *groups) guardMembers(ctx context.Context, group *subject, left int, ids []string) (*guard.Ticket, error) {
	if g.guard == nil || len(ids) == 0 {
		return nil, nil
	}
	if left == 0 {
		if err := g.checkProtected(ctx, group); err != nil {
			g.planMembers(ctx, trace.MemberRemoved, group, ids, trace.HeldByProtect)
			return nil, err
		}
	}
	m, err := g.users.marks(ctx)
	if err != nil {
		return nil, err
	}
	subjects := make([]guard.Subject, len(ids))
	for i, id := range ids {
		subjects[i].ID = id
	}
	g.users.View.Seen(func(t *view.Table) {
		for i := range subjects {
			if e := t.Get(m.Upstream(subjects[i].ID)); e != nil {
				subjects[i] = g.users.named(subjects[i].ID, e.Resource())
			}
		}
	})
	ticket, err := g.guard.Take(ctx, guard.MemberRemovals, g.users.active(ctx), subjects...)
	if err != nil {
		g.planMembers(ctx, trace.MemberRemoved, group, ids, trace.HeldByGuard)
	}
	return ticket, err
}

// checkProtected returns an error for who is protected by the configuration: nobody's word disables, deletes, renames or
// empties them.
func (rs *resources) checkProtected(ctx context.Context, sub *subject) error {
	attribute, pattern := rs.protection(sub)
	if pattern == "" {
		return nil
	}
	trace.Say(ctx, trace.Protected, sub.id, "protect")
	return scim.Errorf(http.StatusForbidden, "", "this %s is protected by the gateway's configuration (protect %s %s): it is not disabled, deleted, renamed or emptied through SCIM",
		rs.Name, attribute, pattern)
}

// protection returns by which attribute and pattern a resource is protected; they are empty where it is not. The
// organization's own names count beside those that the provider knows it by.
func (rs *resources) protection(sub *subject) (attribute, pattern string) {
	if rs.guard == nil {
		return "", ""
	}
	return rs.guard.Protects(func(path string) []string {
		if uri, name, _ := rs.Type.SplitURN(path); rs.Type.Attribute(uri, strings.SplitN(name, ".", 2)[0], "") == nil {
			return nil
		}
		return append(value.Texts(rs.Type, sub.res, path), value.Texts(rs.Type, sub.shown(), path)...)
	})
}

// renames reports whether a change takes a name from a resource: what it is called, an address, or what it is protected by,
// after which it would be no longer. A name more is none the less.
func (rs *resources) renames(sub *subject, after *doc.Node, changed []string) bool {
	names := []string{rs.Identity}
	if rs.IsUser() {
		names = append(names, "emails.value")
	}
	if attribute, _ := rs.protection(sub); attribute != "" {
		names = append(names, attribute)
	}
	return slices.ContainsFunc(names, func(path string) bool {
		if !patch.Touches(changed, value.Whole(rs.Type, path)) {
			return false
		}
		left := value.Texts(rs.Type, after, path)
		return slices.ContainsFunc(value.Texts(rs.Type, sub.res, path), func(name string) bool { return !slices.Contains(left, name) })
	})
}

func (k *kind) named(id string, res *doc.Node) guard.Subject {
	return guard.Subject{ID: id, Name: res.Get(k.Identity).Text()}
}

// countPatience is how long a leaver waits, at most, until it is known how many users there are.
const countPatience = 10 * time.Second

// active returns how many active users, or groups, there are, as last seen; they are listed where they never were. 0 says
// that nobody knows, and that only numbers count.
func (rs *resources) active(ctx context.Context) (n int) {
	count := func(t *view.Table) { n = t.Active() }
	if !rs.View.Seen(count) {
		if rs.leaves {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, countPatience)
			defer cancel()
		}
		_ = rs.items.Known(ctx, count) // nobody knows then
	}
	return n
}
