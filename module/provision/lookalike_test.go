package provision

import "testing"

// Letters of other scripts that lower or upper case makes ASCII ones are other letters all the same: whoever has them in
// their name is somebody else, on creation, in a link and in a filter (T3).
func TestLookAlikesAreOthers(t *testing.T) {
	for _, pair := range [][2]string{{"kim", "\u212aim"}, {"sam", "\u017fam"}, {"isa", "\u0130sa"}} {
		for _, link := range []bool{false, true} {
			g, b := onBitwarden(t, func(o *Organization) {
				if link {
					o.Existing = ExistingLink
				}
			})
			real := g.people(t, pair[0])[0]
			other := g.must(t, 201, "POST", "/Users", user(pair[1]+"@example.com", "other", `"emails":[{"type":"work","value":"other@example.com"}]`)).id()
			if other == real {
				t.Fatalf("%+q is taken for %+q", pair[1], pair[0])
			}
			third := g.must(t, 201, "POST", "/Users", user(pair[1]+"@example.net", "third")).id()
			if email := b.member(t, third)["email"]; email != pair[1]+"@example.net" {
				t.Errorf("%+q is written as %+q", pair[1], email)
			}
			for name, want := range map[string]string{pair[0]: real, pair[1]: other} {
				if ids := g.find(t, "Users", `userName eq "`+name+`@example.com"`); len(ids) != 1 || ids[0] != want {
					t.Errorf("%+q is %v, want %s", name, ids, want)
				}
			}
			group := g.makeGroup(t, pair[0])
			another := g.makeGroup(t, pair[1])
			for name, want := range map[string]string{pair[0]: group, pair[1]: another} {
				if ids := g.find(t, "Groups", `displayName eq "`+name+`"`); len(ids) != 1 || ids[0] != want {
					t.Errorf("group %+q is %v, want %s", name, ids, want)
				}
			}
		}
	}
}
