package patch_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/patch"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// goldenCase is one block of a golden file: a resource, operations, and what they come to. A line is a keyword and its
// text; lines that begin with a tab go on.
type goldenCase struct {
	title, file string
	rt          *schema.ResourceType
	res, patch  string
	set         map[string]json.RawMessage // attributes that differ afterwards
	unset       []string                   // attributes that are gone
	changed     []string
	err         string // "400 noTarget"
}

func goldenCases(t testing.TB) []goldenCase {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	set := schema.Standard()
	var cases []goldenCase
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		bases := map[string]string{}
		for line := range strings.Lines(strings.ReplaceAll(string(text), "\n\t", "")) {
			line = strings.TrimSuffix(line, "\n")
			word, rest, _ := strings.Cut(line, " ")
			if line == "" || word == "#" {
				continue
			}
			if word == "==" {
				cases = append(cases, goldenCase{title: rest, file: file})
				continue
			}
			if word == "base" {
				name, res, _ := strings.Cut(rest, " ")
				bases[name] = res
				continue
			}
			c := &cases[len(cases)-1]
			switch word {
			case "user":
				c.rt, c.res = set.User, bases[rest]
			case "group":
				c.rt, c.res = set.Group, bases[rest]
			case "patch":
				c.patch = rest
			case "set":
				if err := json.Unmarshal([]byte(rest), &c.set); err != nil {
					t.Fatalf("%s: %s: %v", file, c.title, err)
				}
			case "unset":
				c.unset = strings.Fields(rest)
			case "changed":
				if rest != "-" {
					c.changed = strings.Fields(rest)
				}
			case "error":
				c.err = rest
			default:
				t.Fatalf("%s: unknown word %q", file, word)
			}
		}
	}
	for _, c := range cases {
		if c.rt == nil || c.res == "" || c.patch == "" {
			t.Fatalf("%s: %s: incomplete", c.file, c.title)
		}
	}
	return cases
}

func envelope(ops string) string {
	return `{"schemas":["` + scim.PatchSchema + `"],"Operations":` + ops + `}`
}

func scan(t testing.TB, text string) doc.Doc {
	t.Helper()
	d, err := doc.Scan([]byte(text))
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return d
}

func tree(t testing.TB, text string) *doc.Node { return doc.Tree(scan(t, text).Value()) }

func text(n *doc.Node) string { return string(n.AppendTo(nil)) }

// apply parses and applies, as a caller does.
func apply(t testing.TB, res *doc.Node, ops string, rt *schema.ResourceType) ([]string, error) {
	t.Helper()
	parsed, err := patch.Parse(scan(t, envelope(ops)), rt)
	if err != nil {
		return nil, err
	}
	return patch.Apply(res, parsed, rt)
}

// code is an error as golden files spell it. Errors of another type than the one documented are faults.
func code(t testing.TB, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	e, ok := errors.AsType[*scim.Error](err)
	if !ok {
		t.Fatalf("an error of type %T: %v", err, err)
	}
	return fmt.Sprint(e.Status, " ", e.Type)
}

func TestGolden(t *testing.T) {
	for _, c := range goldenCases(t) {
		t.Run(filepath.Base(c.file)+"/"+c.title, func(t *testing.T) {
			res := tree(t, c.res)
			changed, err := apply(t, res, c.patch, c.rt)
			if got := code(t, err); got != c.err {
				t.Fatalf("want %q, got %v", c.err, err)
			}
			if diff := cmp.Diff(c.changed, changed); diff != "" {
				t.Errorf("changed: %s", diff)
			}
			if c.changed == nil && text(res) != c.res {
				t.Errorf("a resource that was not to change is now %s", text(res))
			}
			want := map[string]json.RawMessage{}
			if err := json.Unmarshal([]byte(c.res), &want); err != nil {
				t.Fatal(err)
			}
			maps.Copy(want, c.set)
			for _, name := range c.unset {
				delete(want, name)
			}
			wanted, _ := json.Marshal(want)
			if diff := cmp.Diff(decoded(t, wanted), decoded(t, res.AppendTo(nil))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func decoded(t testing.TB, b []byte) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	return v
}

func TestParseRefuses(t *testing.T) {
	for _, test := range []struct{ name, body, want string }{
		{"an array", `[{"op":"remove","path":"title"}]`, "400 invalidSyntax"},
		{"null", `null`, "400 invalidSyntax"},
		{"a plain resource", `{"schemas":["` + scim.UserSchema + `"],"active":false}`, "400 invalidSyntax"},
		{"no operations", `{"schemas":["` + scim.PatchSchema + `"]}`, "400 invalidSyntax"},
		{"operations that are no array", `{"Operations":{"op":"remove","path":"title"}}`, "400 invalidSyntax"},
		{"an operation that is no object", `{"Operations":["remove"]}`, "400 invalidSyntax"},
		{"no op", `{"Operations":[{"path":"title","value":"x"}]}`, "400 invalidSyntax"},
		{"op a number", `{"Operations":[{"op":1,"path":"title","value":"x"}]}`, "400 invalidSyntax"},
		{"an unknown op", `{"Operations":[{"op":"move","path":"title","value":"x"}]}`, "400 invalidSyntax"},
		{"an op in capitals", `{"Operations":[{"op":"Add","path":"title","value":"x"}]}`, "400 invalidSyntax"},
		{"a path that is no string", `{"Operations":[{"op":"add","path":1,"value":"x"}]}`, "400 invalidPath"},
		{"an empty path", `{"Operations":[{"op":"add","path":"","value":"x"}]}`, "400 invalidPath"},
		{"an unbalanced path", `{"Operations":[{"op":"add","path":"emails[type eq \"work\"","value":"x"}]}`, "400 invalidPath"},
		{"add without a value", `{"Operations":[{"op":"add","path":"title"}]}`, "400 invalidValue"},
		{"replace without a value", `{"Operations":[{"op":"replace","path":"title"}]}`, "400 invalidValue"},
		{"remove without a path", `{"Operations":[{"op":"remove","value":{"members":[]}}]}`, "400 noTarget"},
		{"remove with a value", `{"Operations":[{"op":"remove","path":"members","value":[]}]}`, "400 invalidValue"},
		{"remove with null", `{"Operations":[{"op":"remove","path":"members","value":null}]}`, "400 invalidValue"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := patch.Parse(scan(t, test.body), schema.Standard().User)
			if got := code(t, err); got != test.want {
				t.Errorf("want %s, got %v", test.want, err)
			}
		})
	}
	many := strings.Repeat(`{"op":"remove","path":"title"},`, patch.MaxOperations) + `{"op":"remove","path":"title"}`
	if _, err := patch.Parse(scan(t, envelope("["+many+"]")), schema.Standard().User); code(t, err) != "400 tooMany" {
		t.Errorf("want tooMany, got %v", err)
	}
}

func TestParseAcceptsABodyWithoutSchemas(t *testing.T) {
	ops, err := patch.Parse(scan(t, `{"Operations":[{"op":"replace","path":"title","value":"x"},{"op":"remove","path":null}]}`), schema.Standard().User)
	if code(t, err) != "400 noTarget" || ops != nil {
		t.Errorf("a null path is none: got %v, %v", ops, err)
	}
	ops, err = patch.Parse(scan(t, `{"Operations":[{"op":"replace","path":"title","value":"x"}]}`), schema.Standard().User)
	if err != nil || len(ops) != 1 || ops[0].Op.String() != "replace" || ops[0].Path.String() != "title" {
		t.Errorf("got %v, %v", ops, err)
	}
}

// An error's detail is shown to administrators by Entra: it tells which operation and attribute, and never a value.
func TestErrorsNameNoValues(t *testing.T) {
	for _, ops := range []string{
		`[{"op":"add","path":"title","value":"a"},{"op":"replace","path":"active","value":"SECRET"}]`,
		`[{"op":"add","path":"title","value":"a"},{"op":"replace","path":"emails[type eq \"SECRET\" or value eq \"SECRET\"].value","value":"SECRET"}]`,
		`[{"op":"add","path":"title","value":"a"},{"op":"replace","value":{"SECRET KEY":"SECRET"}}]`,
		`[{"op":"add","path":"title","value":"a"},{"op":"replace","value":{"id":"SECRET"}}]`,
	} {
		_, err := apply(t, tree(t, `{"id":"1"}`), ops, schema.Standard().User)
		e, ok := errors.AsType[*scim.Error](err)
		if !ok || strings.Contains(e.Detail, "SECRET") || !strings.HasPrefix(e.Detail, "Operations[1]: ") || strings.Contains(e.Detail, "\n") {
			t.Errorf("%s: %v", ops, err)
		}
	}
}
