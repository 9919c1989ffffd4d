package filter_test

import (
	"math/big"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// leaf is one of the attributes of the test schemas with an operator and a value that fit.
func leaf(t *rapid.T, inside bool) filter.Filter {
	name := func(simple ...filter.Attr) filter.Attr { return rapid.SampledFrom(simple).Draw(t, "attr") }
	text := filter.Literal{Kind: doc.String, Text: rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"babs@example.com", "work", "Sales", "", `a"]\`})).Draw(t, "text")}
	boolean := filter.Literal{Kind: doc.Bool, Text: rapid.SampledFrom([]string{"true", "false"}).Draw(t, "bool")}
	number := filter.Literal{Kind: doc.Number, Text: rapid.StringMatching(`-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,5})?([eE][+-]?[0-9]{1,4})?`).Draw(t, "number")}
	null := filter.Literal{Kind: doc.Null, Text: "null"}
	equality := rapid.SampledFrom([]filter.Operator{filter.Eq, filter.Ne}).Draw(t, "op")
	op := rapid.SampledFrom([]filter.Operator{filter.Eq, filter.Ne, filter.Co, filter.Sw, filter.Ew, filter.Gt, filter.Ge, filter.Lt, filter.Le}).Draw(t, "op")
	order := rapid.SampledFrom([]filter.Operator{filter.Eq, filter.Ne, filter.Gt, filter.Ge, filter.Lt, filter.Le}).Draw(t, "op")

	texts := []filter.Attr{{Name: "userName"}, {Name: "id"}, {Name: "title"}, {Name: "name", Sub: "familyName"}, {Name: "emails", Sub: "value"}, {URI: schema.EnterpriseURI, Name: "department"}, {URI: contoso, Name: "tags"}, {Name: "unknown"}, {URI: "urn:a:b:1.0", Name: "c", Sub: "d"}}
	booleans := []filter.Attr{{Name: "active"}, {Name: "emails", Sub: "primary"}, {Name: "unknown"}}
	numbers := []filter.Attr{{URI: contoso, Name: "level"}, {URI: contoso, Name: "score"}, {Name: "unknown", Sub: "x"}}
	if inside {
		texts = []filter.Attr{{Name: "type"}, {Name: "value"}, {Name: "unknown"}}
		booleans = []filter.Attr{{Name: "primary"}}
		numbers = []filter.Attr{{Name: "unknown"}}
	}
	switch rapid.IntRange(0, 4).Draw(t, "leaf") {
	case 0:
		return &filter.Present{Attr: name(append(texts, booleans...)...)}
	case 1:
		return &filter.Compare{Attr: name(booleans...), Op: equality, Value: boolean}
	case 2:
		return &filter.Compare{Attr: name(numbers...), Op: order, Value: number}
	case 3:
		return &filter.Compare{Attr: name(append(texts, numbers...)...), Op: equality, Value: null}
	}
	return &filter.Compare{Attr: name(texts...), Op: op, Value: text}
}

func tree(t *rapid.T, depth int, inside bool) filter.Filter {
	kind := 0
	if depth > 0 {
		kind = rapid.IntRange(0, 5).Draw(t, "node")
	}
	switch kind {
	case 1:
		return &filter.And{Left: tree(t, depth-1, inside), Right: tree(t, depth-1, inside)}
	case 2:
		return &filter.Or{Left: tree(t, depth-1, inside), Right: tree(t, depth-1, inside)}
	case 3:
		return &filter.Not{Filter: tree(t, depth-1, inside)}
	case 4:
		if !inside {
			attr := rapid.SampledFrom([]filter.Attr{{Name: "emails"}, {Name: "name"}, {Name: "unknown"}}).Draw(t, "list")
			return &filter.ValuePath{Attr: attr, Filter: tree(t, depth-1, true)}
		}
	}
	return leaf(t, inside)
}

// TestPrintedIsParsed: every tree prints to a text that the bare grammar reads as the same tree, which holds for the same
// resources.
func TestPrintedIsParsed(t *testing.T) {
	d, err := doc.Scan([]byte(resource))
	if err != nil {
		t.Fatal(err)
	}
	res := doc.Tree(d.Value())
	rapid.Check(t, func(t *rapid.T) {
		f := tree(t, 5, false)
		text := f.String()
		g, notes, err := filter.Parse(text, set.User, filter.Options{MaxBytes: 1 << 20})
		if err != nil || notes != 0 {
			t.Fatalf("%s: [%s] %v", text, notes, err)
		}
		if d := cmp.Diff(f, g); d != "" {
			t.Fatalf("%s\n%s", text, d)
		}
		if again := g.String(); again != text {
			t.Fatalf("printed %s, then %s", text, again)
		}
		if filter.Match(f, res, set.User) != filter.Match(g, res, set.User) {
			t.Fatalf("%s matches once and once not", text)
		}
		if filter.Match(&filter.Not{Filter: f}, res, set.User) == filter.Match(f, res, set.User) {
			t.Fatalf("not (%s) is no negation", text)
		}
		p := filter.Path{Attr: filter.Attr{Name: "emails"}, Filter: tree(t, 4, true), Sub: "value"}
		q, notes, err := filter.ParsePath(p.String(), set.User, filter.Options{MaxBytes: 1 << 20})
		if err != nil || notes != 0 || cmp.Diff(p, q) != "" {
			t.Fatalf("%s: %v [%s] %v", p, q, notes, err)
		}
	})
}

// TestNumbersAreExact holds the comparison of numbers against one with big rationals.
func TestNumbersAreExact(t *testing.T) {
	numbers := rapid.OneOf(
		rapid.StringMatching(`-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,8})?([eE][+-]?[0-9]{1,2})?`),
		rapid.SampledFrom([]string{"0", "-0", "0.0", "0e9", "1", "1.0", "10e-1", "0.1e1", "-1", "100", "1e2", "0.01e4"}),
	)
	rapid.Check(t, func(t *rapid.T) {
		a, b := numbers.Draw(t, "a"), numbers.Draw(t, "b")
		x, _ := new(big.Rat).SetString(a)
		y, _ := new(big.Rat).SetString(b)
		d, err := doc.Scan([]byte(`{"n":` + a + `}`))
		if err != nil {
			t.Fatal(err)
		}
		for op, want := range map[filter.Operator]bool{
			filter.Eq: x.Cmp(y) == 0, filter.Ne: x.Cmp(y) != 0, filter.Gt: x.Cmp(y) > 0,
			filter.Ge: x.Cmp(y) >= 0, filter.Lt: x.Cmp(y) < 0, filter.Le: x.Cmp(y) <= 0,
		} {
			f := &filter.Compare{Attr: filter.Attr{Name: "n"}, Op: op, Value: filter.Literal{Kind: doc.Number, Text: b}}
			if got := filter.Match(f, doc.Tree(d.Value()), nil); got != want {
				t.Fatalf("%s %s %s = %v", a, op, b, got)
			}
		}
	})
}
