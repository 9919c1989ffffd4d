package doc_test

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/caddy-scim/gateway/transforms/doc"
)

func place(t interface{ Fatal(...any) }, path string) doc.Place {
	p, err := doc.ParsePlace(path)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestWith(t *testing.T) {
	for _, test := range []struct{ before, path, after string }{
		{`{}`, `a`, `{"a":"V"}`},
		{`{}`, `a.b.c`, `{"a":{"b":{"c":"V"}}}`},
		{`{}`, `a.b.0.c`, `{"a":{"b":[{"c":"V"}]}}`},
		{`{}`, `a.0.0`, `{"a":[["V"]]}`},
		{`{}`, `a.\0`, `{"a":{"0":"V"}}`},
		{`{}`, `-1.-1`, `{"-1":{"-1":"V"}}`},
		{`{}`, `members+`, `{"members+":"V"}`},
		{`{}`, `a\.b`, `{"a.b":"V"}`},
		{`{}`, `:a.:0`, `{":a":{":0":"V"}}`},
		{`{}`, `\@this.\#.\*`, `{"@this":{"#":{"*":"V"}}}`},
		{`{"a":{"x":1},"b":2}`, `a.y`, `{"a":{"x":1,"y":"V"},"b":2}`},
		{`{"a":{"x":1},"b":2}`, `a.x`, `{"a":{"x":"V"},"b":2}`},
		{`{"a":null}`, `a.b`, `{"a":{"b":"V"}}`},
		{`{"a":"text"}`, `a`, `{"a":"V"}`},
		{`{"a":[1,2]}`, `a.0`, `{"a":["V",2]}`},
		{`{"a":[1,2]}`, `a.2`, `{"a":[1,2,"V"]}`},
		{`{"a":[1,2]}`, `a.2.b`, `{"a":[1,2,{"b":"V"}]}`},
		{`{"a":[1,{"b":2}]}`, `a.1.b`, `{"a":[1,{"b":"V"}]}`},
		{`{"a":{"0":1}}`, `a.0`, `{"a":{"0":"V"}}`},
		{`{"Meta":1}`, `meta`, `{"Meta":1,"meta":"V"}`},
		{`[]`, `0`, `["V"]`},
		{`{"a":1}`, `@this`, `"V"`},
		{"{ \"a\" : [ 1 , {\"b\":2} ],\n \"c\":3 }", `a.1.b`, "{ \"a\" : [ 1 , {\"b\":\"V\"} ],\n \"c\":3 }"},
	} {
		path := place(t, test.path)
		with, err := scanned(t, test.before).Value().With(path, doc.NewString("V").Value())
		if err != nil {
			t.Errorf("%s in %s: %v", test.path, test.before, err)
			continue
		}
		if diff := cmp.Diff(test.after, string(with.Raw())); diff != "" {
			t.Errorf("%s in %s: %s", test.path, test.before, diff)
		}
		if got := with.At(path).Text(); got != "V" {
			t.Errorf("%s is %q afterwards", test.path, got)
		}
	}
}

func TestWithRefuses(t *testing.T) {
	for _, test := range []struct{ before, path, err string }{
		{`{"a":"text"}`, `a.b`, `a.b: there is a string where "b" should be`},
		{`{"a":[]}`, `a.b`, `a.b: there is an array where "b" should be`},
		{`{"a":[]}`, `a.\0`, `a.\0: there is an array where "0" should be`},
		{`{"a":[]}`, `a.1`, `a.1: the array has too few elements for the index 1`},
		{`{}`, `a.9999`, `a.9999: the array has too few elements for the index 9999`},
		{`{}`, `a.0.2.b`, `a.0.2.b: the array has too few elements for the index 2`},
		{`{"a":{"b":5}}`, `a.b.c.d`, `a.b.c.d: there is a number where "c" should be`},
		{`7`, `a`, `a: there is a number where "a" should be`},
		{`null`, `a`, `a: there is null where "a" should be`},
	} {
		if _, err := scanned(t, test.before).Value().With(place(t, test.path), doc.NewNull().Value()); err == nil || err.Error() != test.err {
			t.Errorf("%s in %s: %v", test.path, test.before, err)
		}
	}
	if _, err := scanned(t, `{}`).Value().With(place(t, "a"), doc.Value{}); err == nil {
		t.Error("nothing was set to nothing")
	}
	for path, want := range map[string]string{
		"":          "empty path at byte 0",
		"a.#":       `a character that has no place in a path; write \ before it if it is part of a name at byte 2`,
		"a.#(b==1)": `a character that has no place in a path; write \ before it if it is part of a name at byte 2`,
		"a.@this":   `the only modifiers are @this and @values; write \@ for the character at byte 2`,
		"a.10000":   `index of more than 9999; a name of digits is written with \ before it at byte 2`,
		"a.":        "a name is missing at byte 2",
	} {
		if _, err := doc.ParsePlace(path); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", path, err, want)
		}
	}
}

// Whatever names a document has, what is put at a place is there afterwards, and nothing else has changed.
func TestWithChangesNothingElse(t *testing.T) {
	names := rapid.OneOf(rapid.StringN(1, 5, -1), rapid.StringMatching(`[.\\|#@*?!{}\[\]()"'=<>%~:,&0-9aö-]{1,3}`))
	var tree func(t *rapid.T, depth int) any
	tree = func(t *rapid.T, depth int) any {
		switch rapid.IntRange(min(depth, 2), 3).Draw(t, "kind") {
		case 0:
			object := map[string]any{}
			for range rapid.IntRange(0, 3).Draw(t, "fields") {
				object[names.Draw(t, "name")] = tree(t, depth+1)
			}
			return object
		case 1:
			list := []any{}
			for range rapid.IntRange(0, 3).Draw(t, "items") {
				list = append(list, tree(t, depth+1))
			}
			return list
		case 2:
			return names.Draw(t, "text")
		}
		return nil
	}
	rapid.Check(t, func(t *rapid.T) {
		before := map[string]any{"a": tree(t, 0), "b": tree(t, 0)}
		text, err := json.Marshal(before)
		if err != nil {
			t.Fatal(err)
		}
		d, err := doc.Scan(text)
		if err != nil {
			t.Skip(err) // two names that differ in case
		}
		path := ""
		want := any(before)
		set := func(any) {}
		for range rapid.IntRange(1, 4).Draw(t, "steps") {
			switch at := want.(type) {
			case map[string]any:
				name := names.Draw(t, "step")
				for known := range at {
					if rapid.Bool().Draw(t, "known") {
						name = known
					}
				}
				path += "." + doc.Escape(name)
				want, set = at[name], func(v any) { at[name] = v }
			case []any:
				i := rapid.IntRange(0, max(0, len(at)-1)).Draw(t, "index")
				if len(at) == 0 {
					continue
				}
				path += "." + strconv.Itoa(i)
				want, set = at[i], func(v any) { at[i] = v }
			}
		}
		p, err := doc.ParsePlace(path[1:])
		switch {
		case err != nil && strings.ContainsFunc(path, unicode.IsControl):
			t.Skip(err) // a path with a control character is refused
		case err != nil:
			t.Fatal(path, err)
		}
		with, err := d.Value().With(p, doc.NewInt(7).Value())
		if err != nil {
			t.Fatal(err)
		}
		set(7.0)
		var got any
		if err := json.Unmarshal(with.Raw(), &got); err != nil {
			t.Fatalf("%s: %v", with.Raw(), err)
		}
		if diff := cmp.Diff(any(before), got); diff != "" {
			t.Fatalf("%s in %s: %s", p, text, diff)
		}
		if !bytes.Equal(with.At(p).Raw(), []byte("7")) {
			t.Fatalf("%s is %s in %s", p, with.At(p).Raw(), with.Raw())
		}
	})
}
