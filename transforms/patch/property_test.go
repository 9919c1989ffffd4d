package patch_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/patch"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// holds checks what is true of every application, successful or not.
func holds(t testing.TB, before string, ops []patch.Operation, rt *schema.ResourceType) (*doc.Node, []string, error) {
	res := tree(t, before)
	changed, err := patch.Apply(res, ops, rt)
	code(t, err)
	if err != nil && changed != nil {
		t.Fatalf("changes and an error: %v, %v", changed, err)
	}
	after := text(res)
	if len(changed) == 0 && after != before {
		t.Fatalf("nothing changed, but\n%s\nis now\n%s", before, after)
	}
	if diff := cmp.Diff(changed, patch.Diff(tree(t, before), tree(t, after), rt)); diff != "" {
		t.Fatalf("changed is not the difference: %s\n%s\n%s", diff, before, after)
	}
	if _, err := doc.Scan([]byte(after)); err != nil {
		t.Fatalf("%v in the result %s", err, after)
	}
	return res, changed, err
}

func TestApplyProperties(t *testing.T) {
	rt := schema.Standard().User
	rapid.Check(t, func(r *rapid.T) {
		before, ops := resource(r), operations(r, false)
		parsed, err := patch.Parse(scan(t, envelope(ops)), rt)
		if err != nil {
			code(t, err)
			return
		}
		res, _, err := holds(t, before, parsed, rt)
		if err != nil {
			return
		}
		primaries := func(res *doc.Node) (n int) {
			for _, item := range res.Get("emails").Items() {
				if item.Get("primary").True() {
					n++
				}
			}
			return n
		}
		if n := primaries(res); n > 1 && n > primaries(tree(t, before)) {
			r.Fatalf("%d primary values in %s", n, text(res))
		}
		// One request with many operations is as many requests with one each.
		single := tree(t, before)
		for i := range parsed {
			if _, err := patch.Apply(single, parsed[i:i+1], rt); err != nil {
				return // a step may fail where the whole does not: a required attribute that comes back
			}
		}
		if diff := patch.Diff(res, single, rt); diff != nil {
			r.Fatalf("one by one, %v differ:\n%s\n%s\n%s\n%s", diff, before, ops, text(res), text(single))
		}
	})
}

func TestReplaceAndRemoveAreIdempotent(t *testing.T) {
	rt := schema.Standard().User
	rapid.Check(t, func(r *rapid.T) {
		before, ops := resource(r), operations(r, true)
		parsed, err := patch.Parse(scan(t, envelope(ops)), rt)
		if err != nil {
			r.Fatalf("%v in %s", err, ops)
		}
		res, _, err := holds(t, before, parsed, rt)
		if err != nil {
			return
		}
		once := text(res)
		changed, err := patch.Apply(res, parsed, rt)
		if err != nil || changed != nil {
			r.Fatalf("the second time: %v, %v\n%s\n%s\n%s\n%s", changed, err, ops, before, once, text(res))
		}
	})
}

func TestPutProperties(t *testing.T) {
	rt := schema.Standard().User
	rapid.Check(t, func(r *rapid.T) {
		before, body := resource(r), resource(r)
		res := tree(t, before)
		changed, err := patch.Replace(res, scan(t, body), rt)
		if err != nil {
			code(t, err)
			if text(res) != before {
				r.Fatalf("an error changed the resource to %s", text(res))
			}
			return
		}
		if diff := cmp.Diff(changed, patch.Diff(tree(t, before), res, rt)); diff != "" {
			r.Fatal(diff)
		}
		once := text(res)
		if changed, err := patch.Replace(res, scan(t, body), rt); err != nil || changed != nil {
			r.Fatalf("the second time: %v, %v\n%s\n%s", changed, err, once, text(res))
		}
		made, err := patch.Create(scan(t, body), rt)
		if err != nil {
			r.Fatalf("PUT takes what POST refuses: %v", err)
		}
		for _, path := range patch.Diff(made, res, rt) {
			if path != "id" && path != "active" {
				r.Fatalf("%s differs between POST and PUT of %s:\n%s\n%s", path, body, text(made), text(res))
			}
		}
	})
}

func TestMembersAgreeWithApply(t *testing.T) {
	rt := schema.Standard().Group
	id := rapid.SampledFrom([]string{"a", "b", "c", "d", `e"\`})
	rapid.Check(t, func(r *rapid.T) {
		list := func(label string) string {
			var items []string
			for range rapid.IntRange(0, 3).Draw(r, label) {
				items = append(items, `{"value":`+quoted(id.Draw(r, "id"))+rapid.SampledFrom([]string{"", `,"type":"Group"`, `,"display":"x"`}).Draw(r, "rest")+`}`)
			}
			return "[" + strings.Join(items, ",") + "]"
		}
		var ops []string
		for range rapid.IntRange(1, 5).Draw(r, "operations") {
			filter := func() string { return `value eq ` + quoted(id.Draw(r, "filter")) }
			switch rapid.IntRange(0, 7).Draw(r, "form") {
			case 0:
				ops = append(ops, `{"op":"add","path":"members","value":`+list("add")+`}`)
			case 1:
				ops = append(ops, `{"op":"replace","path":"members","value":`+list("replace")+`}`)
			case 2:
				ops = append(ops, `{"op":"remove","path":`+quoted("members["+filter()+"]")+`}`)
			case 3:
				ops = append(ops, `{"op":"remove","path":`+quoted("members["+filter()+" or "+filter()+"]")+`}`)
			case 4:
				ops = append(ops, `{"op":"remove","path":"members"}`)
			case 5:
				ops = append(ops, `{"op":"remove","path":"members[type eq \"Group\"]"}`)
			case 6:
				ops = append(ops, `{"op":"add","value":{"displayName":"x","members":`+list("whole")+`}}`)
			case 7:
				ops = append(ops, `{"op":"add","path":`+quoted("members["+filter()+rapid.SampledFrom([]string{"", ` and type eq "Group"`}).Draw(r, "more")+"]")+
					rapid.SampledFrom([]string{"", `,"value":{}`, `,"value":[]`, `,"value":null`}).Draw(r, "value")+`}`)
			}
		}
		parsed, err := patch.Parse(scan(t, envelope("["+strings.Join(ops, ",")+"]")), rt)
		if err != nil {
			r.Fatal(err)
		}
		m, err := patch.Members(parsed, rt)
		if err != nil {
			r.Fatal(err)
		}
		group := tree(t, `{"id":"g","displayName":"x"}`)
		if _, err := apply(t, group, `[{"op":"add","path":"members","value":`+list("current")+`}]`, rt); err != nil {
			r.Fatal(err)
		}
		current := group.Get("members").Clone()
		before := ids(group)
		if _, err := patch.Apply(group, parsed, rt); err != nil {
			r.Fatal(err)
		}
		want := ids(group)
		add, remove, err := m.Resolve(current)
		if err != nil {
			r.Fatal(err)
		}
		check := func(how string, add, remove []string) {
			got := slices.DeleteFunc(slices.Clone(before), func(id string) bool { return slices.Contains(remove, id) })
			got = append(got, add...)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				r.Fatalf("%s: from %q, adding %q and removing %q, want %q; %s", how, before, add, remove, want, ops)
			}
		}
		check("resolved", add, remove)
		if !m.Open {
			add, remove = m.Against(doc.NewStrings(before...))
			check("against", add, remove)
		}
	})
}

func ids(group *doc.Node) []string {
	var list []string
	for _, item := range group.Get("members").Items() {
		list = append(list, item.Get("value").Text())
	}
	slices.Sort(list)
	return list
}
