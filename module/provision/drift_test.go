package provision

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-scim/gateway/module/drift"
	"github.com/caddy-scim/gateway/module/ledger/storagetest"
	"github.com/caddy-scim/gateway/module/upstream"
)

// compared is what drift says, however young the lists are that requests go by.
func (g *gateway) compared(t *testing.T) *drift.Report {
	t.Helper()
	d, err := g.drift(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// What was changed and removed by hand is told, before and after a restart; values are not.
func TestDriftOfWhatIsRemembered(t *testing.T) {
	g, b, storage := remembering(t, nil)
	ada := g.must(t, 201, "POST", "/Users", user("ada@example.com", "a", `"displayName":"Ada"`)).id()
	ben := g.must(t, 201, "POST", "/Users", user("ben@example.com", "b", `"displayName":"Ben"`)).id()
	group := g.must(t, 201, "POST", "/Groups", `{"displayName":"Team","externalId":"t"}`).id()
	g.must(t, 201, "POST", "/Groups", `{"displayName":"Lost","externalId":"l"}`)
	for _, m := range b.members {
		if m["id"] == ada {
			m["name"] = "Somebody"
		}
	}
	b.members = slices.DeleteFunc(b.members, func(m map[string]any) bool { return m["id"] == ben })
	for _, x := range b.groups {
		if x["id"] == group {
			x["name"] = "Crew"
		}
	}
	b.groups = slices.DeleteFunc(b.groups, func(x map[string]any) bool { return x["name"] == "Lost" })
	g.shared.ledger.Rest()
	for _, g := range []*gateway{g, g.restarted(t, storage)} {
		g.must(t, 404, "GET", "/Users/"+ben, "")
		d := g.compared(t)
		changed := func(id, attribute string) bool {
			return slices.ContainsFunc(d.Changed, func(o drift.One) bool { return o.ID == id && slices.Equal(o.Attributes, []string{attribute}) })
		}
		if len(d.Changed) != 2 || !changed(ada, "displayName") || !changed(group, "displayName") {
			t.Errorf("changed: %+v", d.Changed)
		}
		if len(d.Gone) != 2 || d.Gone[0].ID != ben || d.Gone[1].Name != "Lost" {
			t.Errorf("gone: %+v", d.Gone)
		}
		if d.Users != 1 || d.Groups != 1 || len(d.NeverProvisioned) != 0 || !d.AsOf.Equal(g.clock.t) {
			t.Errorf("%+v", d)
		}
	}
	// The provider gives the name that is there by now, and makes what was lost anew: nothing differs.
	g.must(t, 200, "PATCH", "/Groups/"+group, patchOp(`{"op":"replace","path":"displayName","value":"Crew"}`))
	g.must(t, 201, "POST", "/Groups", `{"displayName":"Lost","externalId":"l"}`)
	if d := g.compared(t); len(d.Changed) != 1 || len(d.Gone) != 1 {
		t.Errorf("changed: %+v, gone: %+v", d.Changed, d.Gone)
	}
}

// names are the members, or others, that a part of a report tells of, with their groups.
func names(all []drift.One) string {
	var lines []string
	for _, o := range all {
		name, _, _ := strings.Cut(o.Name, "@")
		lines = append(lines, name+" "+o.GroupName)
	}
	slices.Sort(lines)
	return strings.Join(lines, ", ")
}

// driftingGroups is an organization with a group that was there before, one that the provider made, and one of nobody's.
func driftingGroups(t *testing.T) (g *gateway, b *bitwarden, storage *storagetest.Storage, id map[string]string) {
	g, b, storage = remembering(t, nil)
	id = map[string]string{}
	for _, name := range []string{"ada", "ben", "cyd", "dora", "eve"} {
		id[name] = g.must(t, 201, "POST", "/Users", user(name+"@example.com", name)).id()
	}
	b.add(id, "old", "ada", "ben")
	b.add(id, "nobodys", "cyd")
	id["new"] = g.must(t, 201, "POST", "/Groups", `{"displayName":"new","members":[{"value":"`+id["ada"]+`"}]}`).id()
	return g, b, storage, id
}

// add makes a group by hand, with members who are in id.
func (b *bitwarden) add(id map[string]string, name string, members ...string) {
	id[name] = b.id()
	b.groups = append(b.groups, map[string]any{"object": "group", "id": id[name], "name": name, "externalId": nil, "collections": []any{}})
	b.put(id, name, members...)
}

// put makes somebody a member by hand.
func (b *bitwarden) put(id map[string]string, group string, members ...string) {
	for _, m := range members {
		b.in[id[group]] = append(b.in[id[group]], id[m])
	}
}

// drop takes somebody out of a group by hand.
func (b *bitwarden) drop(id map[string]string, group, member string) {
	b.in[id[group]] = slices.DeleteFunc(slices.Clone(b.in[id[group]]), func(m string) bool { return m == id[member] })
}

// Who was put into a synchronized group past the provider, or taken out of it, is told, and who was in it before is told
// apart; in the same process, and in one that takes its place. Whoever is named by the provider afterwards is its own.
func TestDriftOfMembers(t *testing.T) {
	g, b, storage, id := driftingGroups(t)
	g.must(t, 200, "PATCH", "/Groups/"+id["old"], memberOps("add", id["cyd"]))
	b.put(id, "old", "dora")
	b.put(id, "new", "eve", "ben")
	b.drop(id, "new", "ada")
	b.put(id, "nobodys", "eve") // not synchronized: not told
	g.shared.ledger.Rest()
	for i, g := range []*gateway{g, g.restarted(t, storage)} {
		g.must(t, 200, "GET", "/Users?count=1", "")
		d := g.compared(t)
		if got := names(d.AddedByHand); got != "ben new, dora old, eve new" {
			t.Errorf("%d: added by hand: %s", i, got)
		}
		if got := names(d.Before); got != "ada old, ben old" {
			t.Errorf("%d: before: %s", i, got)
		}
		if got := names(d.TakenOut); got != "ada new" {
			t.Errorf("%d: taken out: %s", i, got)
		}
	}
	calls := len(b.calls)
	g.must(t, 200, "PATCH", "/Groups/"+id["old"], memberOps("add", id["dora"], id["ada"]))
	g.must(t, 200, "PATCH", "/Groups/"+id["new"], memberOps("remove", id["ada"], id["eve"]))
	for _, c := range b.calls[calls:] {
		if strings.Contains(c, "GET /public/groups/") && !strings.HasSuffix(c, "member-ids") {
			t.Errorf("remembering asks the organization: %v", b.calls[calls:])
		}
	}
	d := g.compared(t)
	if added, before, out := names(d.AddedByHand), names(d.Before), names(d.TakenOut); added != "ben new" || before != "ben old" || out != "" {
		t.Errorf("after the provider has named them: %q, %q, %q", added, before, out)
	}
	// A list of all members, and of none.
	g.must(t, 200, "PUT", "/Groups/"+id["new"], `{"displayName":"new","members":[{"value":"`+id["ben"]+`"}]}`)
	b.drop(id, "new", "ben")
	b.put(id, "new", "cyd")
	if d := g.compared(t); names(d.AddedByHand) != "cyd new" || names(d.TakenOut) != "ben new" {
		t.Errorf("after a PUT: %q, %q", names(d.AddedByHand), names(d.TakenOut))
	}
	// Who is gone for good, and groups that the provider deletes, are nobody's any more.
	g.must(t, 204, "DELETE", "/Groups/"+id["new"], "")
	g.must(t, 204, "DELETE", "/Groups/"+id["old"], "")
	if d := g.compared(t); len(d.AddedByHand)+len(d.Before)+len(d.TakenOut)+len(d.Gone) != 0 {
		t.Errorf("after deleting: %+v", d)
	}
	g.shared.ledger.Rest()
	if all, err := g.restarted(t, storage).shared.ledger.Synced.All(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("still remembered: %v, %v", all, err)
	}
}

// A call that is refused names somebody all the same, and takes nobody out.
func TestDriftOfARefusedChange(t *testing.T) {
	g, b, _, id := driftingGroups(t)
	g.must(t, 200, "PATCH", "/Groups/"+id["new"], memberOps("add", id["cyd"]))
	b.fault = func(r *http.Request) *upstream.Answer {
		if r.Method == http.MethodPut {
			return &upstream.Answer{Status: 500}
		}
		return nil
	}
	for _, op := range []string{memberOps("add", id["ben"]), memberOps("remove", id["cyd"])} {
		if a := g.do(t, "PATCH", "/Groups/"+id["new"], op); a.status < 500 {
			t.Fatalf("%d", a.status)
		}
	}
	b.fault = nil
	b.put(id, "new", "ben") // the call was carried out, or somebody did by hand what the provider wants
	if d := g.compared(t); len(d.AddedByHand)+len(d.TakenOut) != 0 {
		t.Errorf("%+v", d)
	}
}
