package quirks_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/patch"
	"github.com/caddy-scim/gateway/transforms/quirks"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

var update = flag.Bool("update", false, "write what came out to the golden files and to docs/quirks.md")

// outside are the rules that the caller applies: they are about headers.
var outside = map[string]bool{"missing-content-type": true}

// TestGolden runs the cases of each rule, with the rule switched on and off. The name of a case tells what it is:
//
//	patch-user-….in.json              a document; likewise create and replace, user and group
//	query-user-….in.txt               the query of a list
//	url-….in.txt                      a path with a query
//	missing-user-….in.json            a PATCH with the resource that it is for
//	answer-list-user-….in.json        what an upstream answered; likewise read; with "attributes" in its name to a query for userName
//	failure-create-user-400-….in.txt  and how it failed
//	done-patch-group-….in.txt         the query of a change that was carried out
//
// What comes out is in .on.… and .off.…; the rules that were applied are listed in front of it, errors in place of it.
func TestGolden(t *testing.T) {
	set, err := schema.Standard().With(
		schema.Custom{Path: "urn:ietf:params:scim:schemas:extension:Contoso:2.0:User:level", Type: "integer"},
		schema.Custom{Path: "urn:ietf:params:scim:schemas:extension:Contoso:2.0:User:contractor", Type: "boolean"})
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range quirks.Rules() {
		t.Run(rule.ID, func(t *testing.T) {
			files, err := filepath.Glob(filepath.Join("testdata", rule.ID, "*.in.*"))
			if err != nil {
				t.Fatal(err)
			}
			if len(files) == 0 && !outside[rule.ID] {
				t.Fatal("there is no case")
			}
			differ := false
			for _, file := range files {
				in, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				in = bytes.TrimSuffix(in, []byte("\n"))
				var outs [2]string
				for i, c := range []struct {
					state           string
					enable, disable []string
				}{{"on", []string{rule.ID}, nil}, {"off", nil, []string{rule.ID}}} {
					n, err := quirks.New(quirks.Config{Enable: c.enable, Disable: c.disable, Schemas: set})
					if err != nil {
						t.Fatal(err)
					}
					acc := quirks.Account{Limit: 20}
					out := golden(t, n, filepath.Base(file), in, &acc)
					report := fmt.Sprintf("%s\n\n%s\n", account(&acc), out)
					outs[i] = report
					name := strings.Replace(file, ".in.", "."+c.state+".", 1)
					name = strings.TrimSuffix(name, filepath.Ext(name)) + ".txt"
					if *update {
						if err := os.WriteFile(name, []byte(report), 0o644); err != nil {
							t.Fatal(err)
						}
					}
					want, err := os.ReadFile(name)
					if err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff(string(want), report); diff != "" {
						t.Errorf("%s, rule %s: %s", file, c.state, diff)
					}
				}
				differ = differ || outs[0] != outs[1]
			}
			if !differ && !outside[rule.ID] {
				t.Error("no case shows what the rule does")
			}
		})
	}
}

func account(acc *quirks.Account) string {
	var b strings.Builder
	for _, r := range acc.Records() {
		fmt.Fprintf(&b, "# %s at %q: %s → %s\n", r.Rule, r.Path, r.Before, r.After)
	}
	if b.Len() == 0 {
		return "# nothing applied"
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func golden(t *testing.T, n *quirks.Normalizer, name string, in []byte, acc *quirks.Account) string {
	words := strings.Split(strings.Split(name, ".")[0], "-")
	if words[0] == "url" {
		path, query, _ := strings.Cut(string(in), "?")
		path, query = n.URL(path, query, acc)
		return path + "?" + query
	}
	verbs := map[string]scim.Verb{"create": scim.Create, "replace": scim.Replace, "patch": scim.Patch, "list": scim.List, "read": scim.Read}
	types := map[string]*schema.ResourceType{"user": n.Schemas().User, "group": n.Schemas().Group}
	what := ""
	if words[0] == "missing" {
		return createElements(t, n, types[words[1]], in, acc)
	}
	if words[0] == "answer" || words[0] == "failure" || words[0] == "query" || words[0] == "done" {
		what, words = words[0], words[1:]
	}
	if what == "query" {
		words = append([]string{"list"}, words...)
	}
	verb, ok := verbs[words[0]]
	rt := types[words[1]]
	if !ok || rt == nil {
		t.Fatalf("%s is not understood", name)
	}
	const id = "5171a35d82074e068ce2"
	op := &scim.Operation{Type: rt, Verb: verb, ID: id, Query: scim.Query{StartIndex: 1, Count: -1}}
	print := func(out string, err error) string {
		if err != nil {
			e, ok := errors.AsType[*scim.Error](err)
			if !ok {
				t.Fatalf("%v is no SCIM error", err)
			}
			return e.Error()
		}
		return out
	}
	switch what {
	case "query":
		q, err := n.Query(rt, verb, string(in), acc)
		return print(fmt.Sprintf("%s\nstart %d, count %d, attributes %q, excluded %q", q.Raw, q.StartIndex, q.Count, q.Attributes, q.Excluded), err)
	case "done":
		var err error
		if op.Query, err = n.Query(rt, verb, string(in), acc); err != nil {
			t.Fatal(err)
		}
		if n.NoContent(op, acc) {
			return "204"
		}
		return "200"
	case "answer":
		d, err := n.Scan(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if slices.Contains(words, "attributes") {
			op.Query.Attributes = []string{"userName"}
		}
		body := doc.Tree(d.Value())
		n.Answer(op, body, acc)
		if acc.Applied() == 0 && string(body.AppendTo(nil)) != string(in) {
			t.Errorf("%s changed although nothing applied", name)
		}
		return string(body.AppendTo(nil))
	case "failure":
		status, err := strconv.Atoi(words[2])
		if err != nil {
			t.Fatal(err)
		}
		if verb == scim.List {
			name := "userName"
			if slices.Contains(words, "unknown") {
				name = "PLACEHOLDER"
			}
			if op.Query, err = n.Query(rt, verb, "filter="+name+"+eq+%22a%22", nil); err != nil {
				t.Fatal(err)
			}
		}
		if verb == scim.Patch {
			op.Body = patchOf(t, `{"op":"add","path":"members","value":[{"value":"x"}]}`)
		}
		if e := n.Failure(op, status, in, acc); e != nil {
			return print("", e)
		}
		return "a success"
	}
	d, err := n.Scan(in, acc)
	if err != nil {
		return print("", err)
	}
	out, err := n.Body(rt, verb, id, d, acc)
	if err != nil {
		return print("", err)
	}
	if _, err := doc.Scan(out.Raw()); err != nil {
		t.Errorf("%s: what came out is not valid: %v\n%s", name, err, out.Raw())
	}
	again := quirks.Account{Limit: 5}
	if twice, err := n.Body(rt, verb, id, out, &again); err != nil || !bytes.Equal(twice.Raw(), out.Raw()) || again.Applied() > 0 {
		t.Errorf("%s again: %v %v\n%s\n%s", name, err, again.Records(), out.Raw(), twice.Raw())
	}
	return string(out.Raw())
}

func patchOf(t testing.TB, ops string) doc.Doc {
	t.Helper()
	d, err := doc.Scan([]byte(patchHead + ops + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// createElements runs a PATCH against the resource it is for.
func createElements(t *testing.T, n *quirks.Normalizer, rt *schema.ResourceType, in []byte, acc *quirks.Account) string {
	v := scanned(t, in)
	current, _ := v.Lookup("current")
	body, _ := v.Lookup("patch")
	d, err := doc.Scan(body.Raw())
	if err != nil {
		t.Fatal(err)
	}
	needs := n.NeedsElements(rt, d)
	if len(needs) > 0 {
		if d, err = n.CreateElements(rt, d, doc.Tree(current), acc); err != nil {
			t.Fatal(err)
		}
	}
	after := doc.Tree(current)
	ops, err := patch.Parse(d, rt)
	if err == nil {
		_, err = patch.Apply(after, ops, rt)
	}
	return fmt.Sprintf("reads %q\n%s\n%s, %v", needs, d.Raw(), after.AppendTo(nil), err)
}
