package doc_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/caddy-scim/gateway/transforms/doc"
)

// A list of strings says what a walk over all of them says, and prints the array of them.
func TestStrings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		some := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", ",", `","`, `q"uo\te`, "ä<", "tab\t", "", "\xff"}), 0, 6)
		valid := func(list []string) []string {
			for i := range list {
				list[i] = strings.ToValidUTF8(list[i], "\ufffd")
			}
			return list
		}
		first, more, few := some.Draw(t, "first"), some.Draw(t, "more"), some.Draw(t, "few")
		list := doc.NewStrings(first...).With(more...)
		all, printed := valid(slices.Concat(first, more)), doc.NewArray()
		for _, one := range all {
			printed.Add(doc.NewString(one))
		}
		text := string(list.Node().AppendTo(nil))
		if got := slices.Collect(list.All()); !slices.Equal(got, all) || list.Len() != len(all) || text != string(printed.AppendTo(nil)) {
			t.Fatalf("%q is %q, printed %s", all, got, text)
		}
		in := func(list []string) func(string) bool {
			return func(one string) bool { return slices.Contains(list, strings.ToValidUTF8(one, "\ufffd")) }
		}
		not := func(is func(string) bool) func(string) bool { return func(one string) bool { return !is(one) } }
		if want := slices.DeleteFunc(slices.Clone(few), not(in(all))); !slices.Equal(list.Among(few), want) {
			t.Errorf("%q among %q: %q", few, all, list.Among(few))
		}
		left := slices.DeleteFunc(slices.Clone(all), in(valid(slices.Clone(few))))
		if got := list.Without(few); !slices.Equal(slices.Collect(got.All()), left) || got.Len() != len(left) {
			t.Errorf("%q without %q: %q", all, few, slices.Collect(got.All()))
		}
		for _, one := range few {
			if list.Has(one) != in(all)(one) {
				t.Errorf("%q has %q", all, one)
			}
		}
		if len(all) > 0 { // an array is a list where it is printed like one
			plain := !strings.Contains(text, `\`) && !slices.Contains(all, "")
			if got, ok := scanned(t, text).Value().Strings(); ok != plain || ok && !slices.Equal(slices.Collect(got.All()), all) {
				t.Errorf("%s: %v %q", text, ok, slices.Collect(got.All()))
			}
		}
	})
	for _, text := range []string{`[]`, `["a", "b"]`, `[ "a"]`, `["a" ]`, `["a",1]`, `[["a"]]`, `["a",null]`, `["a",""]`, `"a"`, `null`, `["\u0061"]`, `{"a":"b"}`} {
		if list, ok := scanned(t, text).Value().Strings(); ok {
			t.Errorf("%s is %q", text, slices.Collect(list.All()))
		}
	}
}
