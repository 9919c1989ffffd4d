package patch_test

import (
	"bufio"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/patch"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// The generators draw from few names and values, so that operations meet what is there.

var (
	word    = rapid.SampledFrom([]string{"a", "b", "A", "", "work", "home", "True", "ü\"\\"})
	kinds   = rapid.SampledFrom([]string{"work", "home", "Work", "other"})
	boolean = rapid.SampledFrom([]string{"true", "false"})
)

func quoted(s string) string { return string(doc.AppendString(nil, s)) }

func object(fields ...string) string {
	return "{" + strings.Join(slices.DeleteFunc(fields, func(s string) bool { return s == "" }), ",") + "}"
}

// maybe is the field, or nothing.
func maybe(t *rapid.T, name string, value func() string) string {
	if !rapid.Bool().Draw(t, name+"?") {
		return ""
	}
	return quoted(name) + ":" + value()
}

func element(t *rapid.T) string {
	fields := []string{
		maybe(t, "type", func() string { return quoted(kinds.Draw(t, "type")) }),
		maybe(t, "value", func() string { return quoted(word.Draw(t, "value")) }),
		maybe(t, "display", func() string { return quoted(word.Draw(t, "display")) }),
		maybe(t, "primary", func() string { return boolean.Draw(t, "primary") }),
		maybe(t, "$ref", func() string { return "null" }),
	}
	return object(append(fields, `"x":1`)...)
}

func elements(t *rapid.T) string {
	var list []string
	for range rapid.IntRange(0, 3).Draw(t, "elements") {
		list = append(list, element(t))
	}
	return "[" + strings.Join(list, ",") + "]"
}

func name(t *rapid.T) string {
	return object(
		maybe(t, "givenName", func() string { return quoted(word.Draw(t, "givenName")) }),
		maybe(t, "familyName", func() string { return quoted(word.Draw(t, "familyName")) }))
}

func extension(t *rapid.T) string {
	return object(
		maybe(t, "department", func() string { return quoted(word.Draw(t, "department")) }),
		maybe(t, "manager", func() string { return object(`"value":` + quoted(word.Draw(t, "manager"))) }))
}

func attributes(t *rapid.T) []string {
	return []string{
		maybe(t, "title", func() string { return quoted(word.Draw(t, "title")) }),
		maybe(t, "active", func() string { return boolean.Draw(t, "active") }),
		maybe(t, "name", func() string { return name(t) }),
		maybe(t, "emails", func() string { return elements(t) }),
		maybe(t, "tags", func() string {
			return rapid.SampledFrom([]string{`["a","b"]`, `"a"`, `{"a":1}`, `[]`, `[{"value":"a"}]`}).Draw(t, "tags")
		}),
		maybe(t, enterprise, func() string { return extension(t) }),
	}
}

func resource(t *rapid.T) string {
	return object(append([]string{core, `"id":"1"`, `"userName":"u"`}, attributes(t)...)...)
}

// operation draws one operation. A calm one does not contradict its own filter, which would make it fail or mean
// something else the second time.
func operation(t *rapid.T, calm bool) string {
	filters := []string{`type eq "work"`, `type eq "home" and primary eq true`, `value eq "a"`, `primary eq true`}
	if !calm {
		filters = append(filters, `type eq "work" or value eq "b"`, `not (type eq "work")`, `value pr`, `display co "a"`)
	}
	value := func(path string) string {
		switch {
		case path == "":
			return object(attributes(t)...)
		case path == "emails", path == "tags":
			return elements(t)
		case path == "name":
			return name(t)
		case path == enterprise:
			return extension(t)
		case path == enterprise+":manager":
			return object(`"value":` + quoted(word.Draw(t, "manager")))
		case path == "active", strings.HasSuffix(path, ".primary"):
			return boolean.Draw(t, "boolean")
		case strings.HasSuffix(path, "]"):
			return object(`"display":` + quoted(word.Draw(t, "display")))
		}
		return quoted(word.Draw(t, "string"))
	}
	selected := func() string { return "emails[" + rapid.SampledFrom(filters).Draw(t, "filter") + "]" }
	paths := []func() string{
		func() string { return "title" }, func() string { return "active" }, func() string { return "name" },
		func() string { return "name.givenName" }, func() string { return "emails" }, func() string { return "tags" },
		func() string { return enterprise }, func() string { return enterprise + ":department" },
		func() string { return enterprise + ":manager" }, func() string { return enterprise + ":manager.value" },
		selected, func() string { return selected() + ".display" }, func() string { return "emails.display" },
		func() string { return `tags[value eq "a"]` },
	}
	ops := []string{"replace", "remove"}
	if !calm {
		ops = append(ops, "add", "add")
		paths = append(paths, func() string { return selected() + ".primary" }, func() string { return selected() + ".value" },
			func() string { return "userName" }, func() string { return "name.unknown" }, func() string { return "id" }, func() string { return "tags.x" })
	}
	op := rapid.SampledFrom(ops).Draw(t, "op")
	path := ""
	if op == "remove" || rapid.IntRange(0, 9).Draw(t, "path?") > 0 {
		path = rapid.SampledFrom(paths).Draw(t, "path")()
	}
	switch {
	case op == "remove":
		return object(`"op":"remove"`, `"path":`+quoted(path))
	case path == "":
		return object(`"op":"`+op+`"`, `"value":`+value(path))
	}
	v := value(path)
	if !calm && rapid.IntRange(0, 9).Draw(t, "null?") == 0 {
		v = "null"
	}
	return object(`"op":"`+op+`"`, `"path":`+quoted(path), `"value":`+v)
}

func operations(t *rapid.T, calm bool) string {
	n := 1
	if !calm {
		n = rapid.IntRange(0, 5).Draw(t, "operations")
	}
	var list []string
	for range n {
		list = append(list, operation(t, calm))
	}
	return "[" + strings.Join(list, ",") + "]"
}

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
			switch rapid.IntRange(0, 6).Draw(r, "form") {
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
			add, remove = m.Against(before)
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

// corpusRow is one PATCH of the corpus of real requests, in canonical form.
type corpusRow struct {
	ID, Title, Type string
	Sent            json.RawMessage // as it came
	Ops             json.RawMessage // canonical
	Alt             json.RawMessage `json:"ops_alt"`       // equally right
	Absent          json.RawMessage `json:"ops_if_absent"` // equally right where the element is missing (Q38)
}

func corpus(t testing.TB) []corpusRow {
	t.Helper()
	file, err := os.Open("testdata/corpus.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var rows []corpusRow
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var row corpusRow
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	if len(rows) < 100 {
		t.Fatalf("only %d rows", len(rows))
	}
	return rows
}

// models are the resources that the corpus is tried on: with nothing and with everything.
func models(typ string) (*schema.ResourceType, []string) {
	if typ == "Group" {
		return schema.Standard().Group, []string{
			`{"id":"af8f8f8e9b9a4a1f8a0d","displayName":"Old"}`,
			`{"id":"af8f8f8e9b9a4a1f8a0d","displayName":"Old","externalId":"0","members":[{"value":"7f4bc1a3-285e-48ae-8202-5accb43efb0e","display":"A"},{"value":"a57e7a59-9f0d-4d4e-b2c3-2f7f6a1d9e10"},{"value":"89bb1940-b905-4575-9e7f-6f887cfb368e"}]}`,
		}
	}
	return schema.Standard().User, []string{
		`{` + core + `,"id":"5171a35d82074e068ce2","userName":"old@example.com"}`,
		`{` + core + `,"id":"5171a35d82074e068ce2","userName":"old@example.com","externalId":"0","active":true,"displayName":"Old","nickName":"Babs","title":"T","name":{"givenName":"G","familyName":"F","formatted":"G F"},` +
			`"emails":[{"type":"work","value":"old@example.com","primary":true},{"type":"home","value":"h@example.com"}],"phoneNumbers":[{"type":"work","value":"1"},{"type":"fax","value":"2"}],` +
			`"addresses":[{"type":"work","formatted":"X","locality":"Y"}],"roles":[{"value":"User","primary":true}],"` + enterprise + `":{"department":"D","employeeNumber":"1","manager":{"value":"m"}}}`,
	}
}

func TestCorpus(t *testing.T) {
	// What these rows offer as an alternative is another choice, not the same state.
	otherChoice := map[string]string{"E82": "an empty string is kept or removed", "F43": "the reference is kept or left out"}
	// What the schema forbids; the corpus leaves the answer to the server.
	refused := map[string]string{"E07": "400 invalidValue", "E08": "400 invalidValue", "E71": "400 invalidValue", "E119": "400 noTarget", "H41": "400 invalidPath"}
	for _, row := range corpus(t) {
		t.Run(row.ID, func(t *testing.T) {
			rt, models := models(row.Type)
			for i, model := range models {
				run := func(ops json.RawMessage) (*doc.Node, error) {
					parsed, err := patch.Parse(scan(t, envelope(string(ops))), rt)
					if err != nil {
						return nil, err
					}
					res, _, err := holds(t, model, parsed, rt)
					return res, err
				}
				got, err := run(row.Ops)
				if want := refused[row.ID]; code(t, err) != want && !(row.ID == "E119" && i == 1 && err == nil) {
					t.Fatalf("%s: want %q, got %v", row.Title, want, err)
				}
				if err != nil {
					continue
				}
				same := func(how string, ops json.RawMessage) {
					other, err := run(ops)
					if err != nil {
						t.Fatalf("%s: %v", how, err)
					}
					if diff := patch.Diff(got, other, rt); diff != nil {
						t.Errorf("%s: %v differ:\n%s\n%s", how, diff, text(got), text(other))
					}
				}
				if row.Alt != nil && otherChoice[row.ID] == "" {
					same("the alternative", row.Alt)
				}
				if row.Absent != nil && i == 0 {
					same("what is right where the element is missing", row.Absent)
				}
			}
		})
	}
}

func FuzzApply(f *testing.F) {
	for _, c := range goldenCases(f) {
		f.Add([]byte(c.res), []byte(envelope(c.patch)), c.rt.Name == "Group")
	}
	for _, row := range corpus(f) {
		_, models := models(row.Type)
		for _, model := range models {
			f.Add([]byte(model), []byte(envelope(string(row.Ops))), row.Type == "Group")
			if row.Sent != nil {
				f.Add([]byte(model), []byte(row.Sent), row.Type == "Group")
			}
		}
	}
	set := schema.Standard()
	f.Fuzz(func(t *testing.T, res, body []byte, group bool) {
		rt := set.User
		if group {
			rt = set.Group
		}
		r, err := doc.Scan(res)
		if err != nil || r.Value().Kind() != doc.Object {
			return
		}
		b, err := doc.Scan(body)
		if err != nil {
			return
		}
		before := string(doc.Tree(r.Value()).AppendTo(nil))
		if ops, err := patch.Parse(b, rt); code(t, err) == "" {
			after, _, err := holds(t, before, ops, rt)
			if err == nil && len(text(after)) > (len(ops)+1)*(len(before)+len(body)+300) {
				t.Errorf("%d and %d bytes became %d", len(before), len(body), len(text(after)))
			}
			if m, err := patch.Members(ops, rt); code(t, err) == "" && group {
				_, _, err := m.Resolve(doc.Tree(r.Value()).Get("members"))
				code(t, err)
			}
		}
		put := doc.Tree(r.Value())
		if _, err := patch.Replace(put, b, rt); code(t, err) != "" && text(put) != before {
			t.Errorf("%v changed %s to %s", err, before, text(put))
		}
		if made, err := patch.Create(b, rt); code(t, err) == "" {
			if _, err := doc.Scan(made.AppendTo(nil)); err != nil {
				t.Error(err)
			}
		}
	})
}
