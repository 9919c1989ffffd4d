package value_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/value"
)

const contoso = "urn:ietf:params:scim:schemas:extension:Contoso:2.0:User"

// Whatever a filter holds for is found by its lookups, in an index of any attributes: a resource that is not found would be
// created once more.
func TestLookupsFindWhatTheFilterHoldsFor(t *testing.T) {
	set, err := schema.Standard().With(
		schema.Custom{Path: contoso + ":since", Type: "dateTime"},
		schema.Custom{Path: contoso + ":tags", MultiValued: true},
	)
	if err != nil {
		t.Fatal(err)
	}
	rt := set.User
	words := []string{"a", "A", "", "ä", "Ä", "k", "\u212a", "2020-01-01T00:00:00Z", "2020-01-01T01:00:00+01:00"}
	attributes := []string{"id", "userName", "emails", "emails.value", "emails.type", "name.givenName", contoso + ":since", contoso + ":tags"}
	looked := 0
	rapid.Check(t, func(t *rapid.T) {
		word := func() string { return rapid.SampledFrom(words).Draw(t, "word") }
		var v func(depth int) *doc.Node
		v = func(depth int) *doc.Node {
			switch rapid.IntRange(0, 5-min(depth, 2)).Draw(t, "kind") {
			case 0:
				return doc.NewNull()
			case 1:
				return doc.NewInt(7)
			case 4:
				list := doc.NewArray()
				for range rapid.IntRange(0, 2).Draw(t, "n") {
					list.Add(v(depth + 1))
				}
				return list
			case 5:
				object := doc.NewObject()
				for _, name := range rapid.SliceOf(rapid.SampledFrom([]string{"value", "type", "givenName"})).Draw(t, "names") {
					object.Set(name, v(depth+1))
				}
				return object
			}
			return doc.NewString(word())
		}
		res := doc.NewObject()
		for _, path := range []string{"id", "userName", "emails", "name", contoso + ":since", contoso + ":tags"} {
			if rapid.IntRange(0, 3).Draw(t, "has") > 0 {
				value.Set(rt, res, path, v(0))
			}
		}
		var text func(depth int, inside bool) string
		text = func(depth int, inside bool) string {
			if depth < 3 {
				switch rapid.IntRange(0, 5).Draw(t, "node") {
				case 0:
					return "(" + text(depth+1, inside) + ") and (" + text(depth+1, inside) + ")"
				case 1:
					return "(" + text(depth+1, inside) + ") or (" + text(depth+1, inside) + ")"
				case 2:
					return "not (" + text(depth+1, inside) + ")"
				case 3:
					if !inside {
						return rapid.SampledFrom([]string{"emails", contoso + ":tags"}).Draw(t, "list") + "[" + text(depth+1, true) + "]"
					}
				}
			}
			names := attributes
			if inside {
				names = []string{"value", "type"}
			}
			op := rapid.SampledFrom([]string{"eq", "eq", "eq", "ne", "co", "sw", "ge"}).Draw(t, "op")
			name := rapid.SampledFrom(names).Draw(t, "attribute")
			if name == contoso+":since" {
				return name + " eq " + rapid.SampledFrom([]string{`"2020-01-01T00:00:00Z"`, `"2020-01-01T01:00:00+01:00"`}).Draw(t, "time")
			}
			return name + " " + op + " " + string(doc.AppendString(nil, word()))
		}
		for range 20 {
			f, _, err := filter.Parse(text(0, false), rt, filter.Options{})
			if err != nil {
				t.Fatal(err)
			}
			indexed := rapid.SliceOfDistinct(rapid.SampledFrom(attributes), rapid.ID[string]).Draw(t, "indexed")
			lookups, ok := value.Lookups(f, rt, func(attribute string) bool { return slices.Contains(indexed, attribute) })
			if !ok || !filter.Match(f, res, rt) {
				continue
			}
			looked++
			found := false
			for _, l := range lookups {
				for _, text := range value.Texts(rt, res, l.Attribute) {
					found = found || value.Lookup{Attribute: l.Attribute, Value: text}.Key() == l.Key()
				}
			}
			if !found {
				t.Fatalf("%s holds for %s, which %v do not find", f, res.Text(), lookups)
			}
		}
	})
	if looked == 0 {
		t.Error("no filter held for anything")
	}
}

func TestLookups(t *testing.T) {
	rt := schema.Standard().User
	for text, want := range map[string][]value.Lookup{
		`emails eq "a"`:                           {{Attribute: "emails.value", Value: "a"}},
		`emails.value eq "a"`:                     {{Attribute: "emails.value", Value: "a"}},
		`emails[type eq "work" and value eq "a"]`: {{Attribute: "emails.value", Value: "a"}},
		`emails[value eq "a" or value eq "b"]`:    {{Attribute: "emails.value", Value: "a"}, {Attribute: "emails.value", Value: "b"}},
		`userName eq "a" or emails eq "b"`:        {{Attribute: "userName", Value: "a"}, {Attribute: "emails.value", Value: "b"}},
		`title pr and userName eq "a"`:            {{Attribute: "userName", Value: "a"}},
		`userName eq ""`:                          nil,
		`userName eq "a" or title eq "b"`:         nil,
		`not (userName eq "a")`:                   nil,
		`userName ne "a"`:                         nil,
	} {
		f, _, err := filter.Parse(text, rt, filter.Options{})
		if err != nil {
			t.Fatal(err)
		}
		got, ok := value.Lookups(f, rt, func(attribute string) bool { return attribute == "userName" || attribute == "emails.value" })
		if !slices.Equal(got, want) || ok != (want != nil) {
			t.Errorf("%s: %v, %v", text, got, ok)
		}
	}
}
