package provision

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/caddy-scim/gateway/transforms/doc"
)

// The lists say what a walk over both of them says, in the order of the first one.
func TestListsOfIDs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		some := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}), 0, 6)
		list, few := distinct(some.Draw(t, "list")), some.Draw(t, "few")
		twice := some.Draw(t, "twice")
		if once := distinct(twice); len(once) != len(slices.Compact(slices.Sorted(slices.Values(twice)))) || !slices.Equal(slices.Collect(union(doc.Strings{}, twice).All()), once) {
			t.Errorf("%v once is %v", twice, once)
		}
		var all []string
		for _, id := range slices.Concat(list, few) {
			if !slices.Contains(all, id) {
				all = append(all, id)
			}
		}
		if got := slices.Collect(union(doc.NewStrings(list...), few).All()); !slices.Equal(got, all) {
			t.Errorf("%v and %v: %v", list, few, got)
		}
		if got := without(list, few); len(got) != len(all)-len(distinct(few)) || slices.ContainsFunc(got, func(id string) bool { return slices.Contains(few, id) }) {
			t.Errorf("%v without %v: %v", list, few, got)
		}
	})
}
