package provision

import (
	"context"
	"slices"
	"strings"

	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/transforms/patch"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// What the provider last said of each group is remembered for those who want to know what was done to a group past the provider
// ("caddy scim drift"). It decides nothing, so that no request waits for it, and a crash loses what was said just before.

// note remembers something that the provider says of a group.
func (g *groups) note(ctx context.Context, group string, say func(*ledger.Synced)) {
	if g.book == nil || g.dry() {
		return
	}
	g.shared.ledger.Synced.Owe(ctx, group, func(r *ledger.Record) {
		s := new(ledger.Synced)
		if r.Synced != nil {
			*s = *r.Synced
		}
		say(s)
		*r = ledger.Record{Synced: s}
	})
}

// noteName remembers the name that the provider gives a group.
func (g *groups) noteName(ctx context.Context, group, name string) {
	g.note(ctx, group, func(s *ledger.Synced) { s.Name = name })
}

// noteMembers remembers whom the provider names as members of a group, and the first time who was in it before.
func (g *groups) noteMembers(ctx context.Context, group *subject, named []string) {
	r, _ := g.shared.ledger.Synced.Recall(group.id)
	first := r == nil || r.Synced == nil || !r.Synced.Counted
	if !first && len(named) == 0 {
		return
	}
	var before ledger.IDs
	if first {
		before = ledger.MakeIDs(slices.Collect(group.joined.All())...)
	}
	ids := ledger.MakeIDs(named...)
	g.note(ctx, group.id, func(s *ledger.Synced) {
		if first {
			s.Found(before)
		}
		s.Add(ids)
	})
}

// hear notes what the provider says of a group's members before it is carried out: who is named is the provider's, whatever
// becomes of the call. Who is taken out is so when it is done; heard notes that, and the name if the provider gives one.
func (g *groups) hear(ctx context.Context, sub *subject, m *patch.Membership, add, remove []string) (heard func(name string)) {
	switch {
	case !m.Touched:
	case m.Whole:
		add, remove = m.Set, nil
	case !m.Open: // those too with whom there is nothing to do
		add, remove = m.Add, m.Remove
	}
	if m.Touched {
		g.noteMembers(ctx, sub, add)
	}
	return func(name string) {
		switch {
		case m.Whole:
			all := ledger.MakeIDs(add...)
			g.note(ctx, sub.id, func(s *ledger.Synced) { s.Set(all) })
		case len(remove) > 0:
			gone := ledger.MakeIDs(remove...)
			g.note(ctx, sub.id, func(s *ledger.Synced) { s.Remove(gone) })
		}
		if slices.Contains(g.NamesIn(g.op), schema.Fold(strings.TrimSpace(name))) {
			g.noteName(ctx, sub.id, name)
		}
	}
}
