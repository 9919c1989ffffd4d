package provision

import (
	"slices"
	"testing"
	"time"
)

// What was changed and removed by hand is told, before and after a restart; values are not.
func TestDriftOfWhatIsRemembered(t *testing.T) {
	g, b, storage := remembering(t, nil)
	ada := g.must(t, 201, "POST", "/Users", user("ada@example.com", "a", `"displayName":"Ada"`)).id()
	ben := g.must(t, 201, "POST", "/Users", user("ben@example.com", "b", `"displayName":"Ben"`)).id()
	group := g.must(t, 201, "POST", "/Groups", `{"displayName":"Team","externalId":"t"}`).id()
	for _, m := range b.members {
		if m["id"] == ada {
			m["name"] = "Somebody"
		}
	}
	b.members = slices.DeleteFunc(b.members, func(m map[string]any) bool { return m["id"] == ben })
	look := func(g *gateway) *Drift {
		t.Helper()
		g.clock.t = g.clock.t.Add(time.Hour)
		g.must(t, 200, "GET", "/Users", "")
		g.must(t, 200, "GET", "/Groups", "")
		calls := len(b.calls)
		d, err := g.drift(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		if len(b.calls) != calls {
			t.Errorf("the organization was asked: %v", b.calls[calls:])
		}
		return d
	}
	for _, g := range []*gateway{g, g.restarted(t, storage)} {
		d := look(g)
		if len(d.Changed) != 1 || d.Changed[0].ID != ada || !slices.Equal(d.Changed[0].Attributes, []string{"displayName"}) {
			t.Errorf("changed: %+v", d.Changed)
		}
		if len(d.Gone) != 1 || d.Gone[0].ID != ben || d.Gone[0].Name != "" && d.Gone[0].Name != "ben@example.com" {
			t.Errorf("gone: %+v", d.Gone)
		}
		if d.Users != 1 || d.Groups != 1 || len(d.NeverProvisioned) != 0 || !d.AsOf.Equal(g.clock.t) {
			t.Errorf("group %s: %+v", group, d)
		}
	}
}
