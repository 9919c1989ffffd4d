package patch_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/patch"
	"github.com/caddy-scim/gateway/transforms/schema"
)

func members(t testing.TB, ops string) (*patch.Membership, error) {
	t.Helper()
	rt := schema.Standard().Group
	parsed, err := patch.Parse(scan(t, envelope(ops)), rt)
	if err != nil {
		t.Fatal(err)
	}
	return patch.Members(parsed, rt)
}

func TestMembers(t *testing.T) {
	for _, test := range []struct {
		name, ops        string
		whole, open      bool
		set, add, remove []string
		others           int
		err              string
	}{
		{name: "nothing", ops: `[{"op":"replace","path":"displayName","value":"x"}]`, others: 1},
		{name: "add", ops: `[{"op":"add","path":"members","value":[{"value":"a"},{"value":"b"}]},{"op":"add","path":"members","value":{"value":"a"}}]`, add: []string{"a", "b"}},
		{name: "remove", ops: `[{"op":"remove","path":"members[value eq \"a\"]"},{"op":"remove","path":"members[value eq \"b\" or value eq \"c\"]"}]`, remove: []string{"a", "b", "c"}},
		{name: "the last word counts", ops: `[{"op":"add","path":"members","value":[{"value":"a"},{"value":"b"}]},{"op":"remove","path":"members[value eq \"a\"]"},{"op":"remove","path":"members[value eq \"c\"]"},{"op":"add","path":"members","value":[{"value":"c"}]}]`,
			add: []string{"b", "c"}, remove: []string{"a"}},
		{name: "replace", ops: `[{"op":"add","path":"members","value":[{"value":"x"}]},{"op":"replace","path":"members","value":[{"value":"a"},{"value":"b"}]},{"op":"add","path":"members","value":[{"value":"c"}]},{"op":"remove","path":"members[value eq \"a\"]"}]`,
			whole: true, set: []string{"b", "c"}},
		{name: "empty", ops: `[{"op":"replace","path":"members","value":[]}]`, whole: true},
		{name: "remove all", ops: `[{"op":"remove","path":"members"}]`, whole: true},
		{name: "remove by another filter", ops: `[{"op":"remove","path":"members[type eq \"Group\"]"}]`, open: true},
		{name: "what is removed by another filter does not matter when all are replaced", ops: `[{"op":"remove","path":"members[type eq \"Group\"]"},{"op":"replace","path":"members","value":[{"value":"a"}]}]`, whole: true, set: []string{"a"}},
		{name: "without a path", ops: `[{"op":"add","value":{"displayName":"x","Members":[{"value":"a"}]}},{"op":"replace","path":"externalId","value":"1"}]`, add: []string{"a"}, others: 2},
		{name: "members alone without a path", ops: `[{"op":"add","value":{"members":[{"value":"a"}]}}]`, add: []string{"a"}},
		{name: "qualified", ops: `[{"op":"remove","path":"urn:ietf:params:scim:schemas:core:2.0:Group:members[value eq \"a\"]"},{"op":"add","path":"urn:ietf:params:scim:schemas:core:2.0:Group","value":{"members":[{"value":"b"}]}}]`, add: []string{"b"}, remove: []string{"a"}},
		{name: "an id with a quote", ops: `[{"op":"remove","path":"members[value eq \"x\\\" or value pr or value eq \\\"y\\\\\"]"}]`, remove: []string{`x" or value pr or value eq "y\`}},
		{name: "add by the path", ops: `[{"op":"add","path":"members[value eq \"a\"]","value":{}},{"op":"add","path":"members[value eq \"b\"]"},{"op":"add","path":"members[value eq \"c\"]","value":[{"value":"c"}]},{"op":"remove","path":"members[value eq \"a\"]"}]`,
			add: []string{"b", "c"}, remove: []string{"a"}},
		{name: "add by the path after all were replaced", ops: `[{"op":"replace","path":"members","value":[]},{"op":"add","path":"members[value eq \"a\" and type eq \"User\"]"}]`, whole: true, set: []string{"a"}},
		{name: "add somebody else than the path's", ops: `[{"op":"add","path":"members[value eq \"a\"]","value":{"value":"b"}}]`, err: "400 invalidValue"},
		{name: "add one of two", ops: `[{"op":"add","path":"members[value eq \"a\" or value eq \"b\"]","value":{"display":"x"}}]`, open: true},
		{name: "null", ops: `[{"op":"replace","path":"members","value":null}]`, err: "400 invalidValue"},
		{name: "an element without a value", ops: `[{"op":"add","path":"members","value":[{}]}]`, err: "400 invalidValue"},
		{name: "a string", ops: `[{"op":"add","path":"members","value":"a"}]`, err: "400 invalidValue"},
		{name: "an unknown part", ops: `[{"op":"replace","path":"members.x","value":"a"}]`, err: "400 invalidPath"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, err := members(t, test.ops)
			if got := code(t, err); got != test.err {
				t.Fatalf("want %q, got %v", test.err, err)
			}
			if err != nil {
				return
			}
			if m.Whole != test.whole || m.Open != test.open || len(m.Others) != test.others || m.Touched != (test.name != "nothing") {
				t.Errorf("got %+v", m)
			}
			for _, pair := range [][2][]string{{test.set, m.Set}, {test.add, m.Add}, {test.remove, m.Remove}} {
				if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

func TestMembersAgainst(t *testing.T) {
	current := []string{"a", "b", "c"}
	list := tree(t, `[{"value":"a"},{"value":"b","type":"Group"},{"value":"c","display":"C"}]`)
	for _, test := range []struct {
		ops         string
		add, remove []string
	}{
		{`[{"op":"add","path":"members","value":[{"value":"a"},{"value":"x"}]},{"op":"remove","path":"members[value eq \"b\" or value eq \"y\"]"}]`, []string{"x"}, []string{"b"}},
		{`[{"op":"replace","path":"members","value":[{"value":"c"},{"value":"x"}]}]`, []string{"x"}, []string{"a", "b"}},
		{`[{"op":"remove","path":"members"}]`, []string{}, []string{"a", "b", "c"}},
		{`[{"op":"add","path":"members","value":[{"value":"x","type":"Group"}]},{"op":"remove","path":"members[type eq \"Group\"]"}]`, []string{}, []string{"b"}},
		{`[{"op":"remove","path":"members[display co \"c\" or not (value eq \"b\")]"}]`, []string{}, []string{"a", "c"}},
		{`[{"op":"replace","path":"members[value eq \"b\"]","value":{"value":"z"}}]`, []string{"z"}, []string{"b"}},
	} {
		m, err := members(t, test.ops)
		if err != nil {
			t.Fatal(err)
		}
		add, remove, err := m.Resolve(list)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(add, test.add) || !slices.Equal(remove, test.remove) {
			t.Errorf("%s: resolved to %q and %q", test.ops, add, remove)
		}
		if m.Open {
			continue
		}
		add, remove = m.Against(doc.NewStrings(current...))
		if !slices.Equal(add, test.add) || !slices.Equal(remove, test.remove) {
			t.Errorf("%s: got %q and %q", test.ops, add, remove)
		}
	}
}

// memberOps are operations on n members: one that adds them all, or one for each that removes it.
func memberOps(n int, remove bool) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		if remove {
			fmt.Fprintf(&b, `{"op":"remove","path":"members[value eq \"00000000-0000-4000-8000-%012d\"]"}`, i)
		} else {
			fmt.Fprintf(&b, `{"value":"00000000-0000-4000-8000-%012d"}`, i)
		}
	}
	if remove {
		return "[" + b.String() + "]"
	}
	return `[{"op":"add","path":"members","value":[` + b.String() + `]}]`
}

// largeGroup goes through the life of a group of n members: all added, added again, half removed one by one, emptied.
func largeGroup(tb testing.TB, n int) {
	tb.Helper()
	rt := schema.Standard().Group
	parse := func(text string) []patch.Operation {
		ops, err := patch.Parse(scan(tb, envelope(text)), rt)
		if err != nil {
			tb.Fatal(err)
		}
		return ops
	}
	add := parse(memberOps(n, false))
	group := tree(tb, `{"id":"g","displayName":"G"}`)
	for _, step := range []struct {
		ops  []patch.Operation
		left int
	}{{add, n}, {add, n}, {parse(memberOps(n/2, true)), n - n/2}, {parse(`[{"op":"remove","path":"members"}]`), 0}} {
		if _, err := patch.Apply(group, step.ops, rt); err != nil {
			tb.Fatal(err)
		}
		if got := len(group.Get("members").Items()); got != step.left {
			tb.Fatalf("%d members, want %d", got, step.left)
		}
	}
}

func TestLargeGroup(t *testing.T) { largeGroup(t, 10_000) }

// BenchmarkLinear reports how much longer four times the members take: 4 is linear, 16 is quadratic.
func BenchmarkLinear(b *testing.B) {
	best := [2]time.Duration{time.Hour, time.Hour} // the quickest counts: others may use the machine too
	for b.Loop() {
		for i, n := range []int{10_000, 40_000} {
			start := time.Now()
			largeGroup(b, n)
			best[i] = min(best[i], time.Since(start))
		}
	}
	b.ReportMetric(float64(best[1])/float64(best[0]), "×for-four-times")
}

func TestTooMany(t *testing.T) {
	rt := schema.Standard().Group
	group := tree(t, `{"id":"g","displayName":"G"}`)
	if _, err := apply(t, group, memberOps(30_000, false), rt); err != nil {
		t.Fatal(err)
	}
	before := text(group)
	costly := strings.Repeat(`{"op":"remove","path":"members[display co \"x\"]"},`, 1000)
	_, err := apply(t, group, "["+strings.TrimSuffix(costly, ",")+"]", rt)
	if code(t, err) != "400 tooMany" {
		t.Errorf("got %v", err)
	}
	if text(group) != before {
		t.Error("the group was changed")
	}
}

func BenchmarkApply(b *testing.B) {
	rt := schema.Standard().Group
	for _, n := range []int{1000, 50_000} {
		ops, err := patch.Parse(scan(b, envelope(memberOps(n, false))), rt)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("add-%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := patch.Apply(doc.NewObject(), ops, rt); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("members-%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := patch.Members(ops, rt); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
