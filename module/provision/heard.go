package provision

import (
	"slices"
	"strings"

	"github.com/caddy-scim/gateway/module/provision/synced"
	"github.com/caddy-scim/gateway/transforms/patch"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// synced returns where it is noted what the provider says of groups; nil where nothing is remembered.
func (g *groups) synced() *synced.Groups {
	if g.book == nil || g.dry() {
		return nil
	}
	return g.shared.synced
}

// hear notes what the provider says of a group's members before it is carried out: who is named is the provider's, whatever
// becomes of the call. Who is taken out is so when it is done; heard notes that, and the name if the provider gives one.
func (g *groups) hear(sub *subject, m *patch.Membership, add, remove []string) (heard func(name string)) {
	groups := g.synced()
	switch {
	case !m.Touched:
	case m.Whole:
		add, remove = m.Set, nil
	case !m.Open: // those too with whom there is nothing to do
		add, remove = m.Add, m.Remove
	}
	if m.Touched {
		groups.Found(sub.id, sub.joined)
		groups.Add(sub.id, add)
	}
	return func(name string) {
		if m.Whole {
			groups.Set(sub.id, add)
		} else {
			groups.Remove(sub.id, remove)
		}
		if slices.Contains(g.NamesIn(g.op), schema.Fold(strings.TrimSpace(name))) {
			groups.Named(sub.id, name)
		}
	}
}
