package doc_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/caddy-scim/gateway/transforms/doc"
)

func tree(t testing.TB, text string) *doc.Node { return doc.Tree(scanned(t, text).Value()) }

// What nobody changed is printed as it came; only the containers around a change lose their white space.
func TestTreeKeepsBytes(t *testing.T) {
	const text = `{ "a" : 1.0 , "B" : [ 1e2, "\u0041" ] , "c" : { "d" : null } }`
	for name, test := range map[string]struct {
		change func(n *doc.Node)
		want   string
	}{
		"nothing":           {func(*doc.Node) {}, text},
		"looked":            {func(n *doc.Node) { n.Get("b").Items(); n.Get("c").Get("d") }, text},
		"set":               {func(n *doc.Node) { n.Set("A", doc.NewInt(-2)) }, `{"a":-2,"B":[ 1e2, "\u0041" ],"c":{ "d" : null }}`},
		"set new":           {func(n *doc.Node) { n.Set("x", doc.NewBool(true)) }, `{"a":1.0,"B":[ 1e2, "\u0041" ],"c":{ "d" : null },"x":true}`},
		"set nil":           {func(n *doc.Node) { n.Set("b", nil) }, `{"a":1.0,"c":{ "d" : null }}`},
		"set deep":          {func(n *doc.Node) { n.Get("c").Set("d", doc.NewArray()) }, `{"a":1.0,"B":[ 1e2, "\u0041" ],"c":{"d":[]}}`},
		"delete":            {func(n *doc.Node) { n.Delete("C") }, `{"a":1.0,"B":[ 1e2, "\u0041" ]}`},
		"delete nothing":    {func(n *doc.Node) { n.Delete("x") }, text},
		"rename":            {func(n *doc.Node) { n.Rename("b", "b") }, `{"a":1.0,"b":[ 1e2, "\u0041" ],"c":{ "d" : null }}`},
		"rename to taken":   {func(n *doc.Node) { n.Rename("a", "C") }, text},
		"rename to itself":  {func(n *doc.Node) { n.Rename("B", "B") }, text},
		"add":               {func(n *doc.Node) { n.Get("B").Add(doc.NewString("<x>\n")) }, `{"a":1.0,"B":[1e2,"\u0041","<x>\n"],"c":{ "d" : null }}`},
		"add nothing":       {func(n *doc.Node) { n.Get("B").Add() }, text},
		"items":             {func(n *doc.Node) { n.Get("B").SetItems(n.Get("B").Items()[1:]) }, `{"a":1.0,"B":["\u0041"],"c":{ "d" : null }}`},
		"nil element":       {func(n *doc.Node) { n.Set("a", doc.NewArray(nil)) }, `{"a":[null],"B":[ 1e2, "\u0041" ],"c":{ "d" : null }}`},
		"a scalar is no":    {func(n *doc.Node) { n.Get("a").Set("x", doc.NewNull()); n.Get("a").Add(doc.NewNull()) }, text},
		"an array is no":    {func(n *doc.Node) { n.Get("B").Set("x", doc.NewNull()); n.Get("B").Delete("x") }, text},
		"an object is no":   {func(n *doc.Node) { n.Add(doc.NewNull()); n.SetItems(nil) }, text},
		"a copy is another": {func(n *doc.Node) { c := n.Clone(); c.Get("c").Set("d", nil); c.Delete("a") }, text},
	} {
		n := tree(t, text)
		test.change(n)
		if got := string(n.AppendTo(nil)); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
		if got := string(n.Value().Raw()); got != test.want {
			t.Errorf("%s: as a value %s", name, got)
		}
		if got := string(n.Doc().Raw()); got != test.want {
			t.Errorf("%s: as a document %s", name, got)
		}
	}
}

func TestCloneIsIndependent(t *testing.T) {
	n := tree(t, `{"a":[{"b":1},2],"c":"d"}`)
	n.Get("a").Items()[0].Get("b")
	c := n.Clone()
	n.Get("a").Items()[0].Set("b", doc.NewInt(9))
	n.Get("a").Add(doc.NewNull())
	n.Set("c", nil)
	if got := string(c.AppendTo(nil)); got != `{"a":[{"b":1},2],"c":"d"}` {
		t.Error(got)
	}
	if (*doc.Node)(nil).Clone() != nil {
		t.Error("a copy of nothing is something")
	}
}

// Members may be deleted while one ranges over them.
func TestDeleteInRange(t *testing.T) {
	n := tree(t, `{"a":1,"b":2,"c":3,"d":4}`)
	var seen strings.Builder
	for _, f := range n.Fields() {
		seen.WriteString(f.Name)
		n.Delete(f.Name)
	}
	if seen.String() != "abcd" || string(n.AppendTo(nil)) != "{}" {
		t.Errorf("%s, %s", seen.String(), n.AppendTo(nil))
	}
}

func TestNil(t *testing.T) {
	var n *doc.Node
	if n.Kind() != doc.Invalid || n.Text() != "" || n.True() || n.Get("a") != nil || n.Fields() != nil || n.Items() != nil ||
		n.Value().Kind() != doc.Invalid || !n.Equal(nil) || n.Equal(doc.NewNull()) || string(n.AppendTo(nil)) != "null" {
		t.Error("nil is no value")
	}
	n.Set("a", doc.NewNull())
	n.Delete("a")
	n.Rename("a", "b")
	n.Add(doc.NewNull())
	if doc.Tree(doc.Value{}) != nil {
		t.Error("a tree of no value is something")
	}
	object := doc.NewObject()
	object.Set("a", doc.Tree(doc.Value{}))
	if got := string(object.AppendTo(nil)); got != "{}" {
		t.Error(got)
	}
}

func TestEqual(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{`{"a":1,"B":[true]}`, `{ "b":[ true ], "A":1 }`, true},
		{`"\u0061"`, `"a"`, true},
		{`"a"`, `"A"`, false},
		{`1`, `1.0`, false}, // by their text: a number is never interpreted
		{`1`, `"1"`, false},
		{`[1,2]`, `[2,1]`, false},
		{`[1]`, `[1,1]`, false},
		{`{"a":1}`, `{"b":1}`, false},
		{`{"a":1}`, `{"a":1,"b":1}`, false},
		{`null`, `false`, false},
		{`{}`, `[]`, false},
	} {
		if got := tree(t, test.a).Equal(tree(t, test.b)); got != test.want {
			t.Errorf("%s and %s: %v", test.a, test.b, got)
		}
	}
}

// With an index or without, names are found in the same way. Were looking up linear, this would take minutes.
func TestManyFields(t *testing.T) {
	const n = 100_000
	object := doc.NewObject()
	for i := range n {
		object.Set(fmt.Sprintf("Name%d", i), doc.NewInt(int64(i)))
		object.Set(fmt.Sprintf("nAME%d", i/2), doc.NewInt(-1))
	}
	if got := len(object.Fields()); got != n {
		t.Fatalf("%d fields", got)
	}
	if !object.Rename("NAME77777", "other") || object.Get("name77777") != nil || object.Get("OTHER").Text() != "77777" {
		t.Error("renaming")
	}
	if !object.Delete("name50000") || object.Delete("name50000") || object.Get("name50001").Text() != "50001" {
		t.Error("deleting")
	}
	object.Set("name50000", doc.NewNull())
	if fields := object.Fields(); fields[len(fields)-1].Name != "name50000" {
		t.Error("setting what was deleted")
	}
	again := doc.Tree(object.Doc().Value())
	if !again.Equal(object) || !object.Equal(again) {
		t.Error("printing")
	}
}

func TestNewString(t *testing.T) {
	for text, want := range map[string]string{
		"":                      `""`,
		"a\"b\\c/d":             `"a\"b\\c/d"`,
		"\n\r\t\x00\x1f\x7f":    "\"\\n\\r\\t\\u0000\\u001f\x7f\"",
		"R&D <x> \u2028 \u00e9": "\"R&D <x> \u2028 \u00e9\"",
		"\xff\xfea":             "\"\ufffda\"", // a run of invalid bytes is one mark
	} {
		if got := string(doc.NewString(text).AppendTo(nil)); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

func TestNewStrings(t *testing.T) {
	for _, list := range [][]string{nil, {""}, {"a", `q"uote`, "\xff"}} {
		want := doc.NewArray()
		for _, s := range list {
			want.Add(doc.NewString(s))
		}
		got := doc.NewStrings(list...).Node()
		if string(got.AppendTo(nil)) != string(want.AppendTo(nil)) || got.HasItems() != (len(list) > 0) || want.HasItems() != (len(list) > 0) {
			t.Errorf("got %s, want %s", got.AppendTo(nil), want.AppendTo(nil))
		}
		if got.Items(); got.HasItems() != (len(list) > 0) { // it is open now
			t.Errorf("%q: %v", list, got.HasItems())
		}
	}
	if doc.NewString("a").HasItems() || doc.NewObject().HasItems() || (*doc.Node)(nil).HasItems() {
		t.Error("what is no array has items")
	}
}

func TestNames(t *testing.T) {
	v := scanned(t, `{"userName":1,"\u0061ctive":2,"\u212aey":3,"":4}`).Value()
	for name, want := range map[string]string{"USERNAME": "1", "Active": "2", "key": "", "\u212aEY": "3", "": "4", "x": ""} {
		if got, ok := v.Lookup(name); string(got.Raw()) != want || ok != (want != "") {
			t.Errorf("%q is %s", name, got.Raw())
		}
	}
	if _, ok := scanned(t, `["a"]`).Value().Lookup("a"); ok {
		t.Error("an array has names")
	}
	for _, test := range []struct {
		a, b string
		want bool
	}{{"aZ[", "Az[", true}, {"a", "ab", false}, {"[", "{", false}, {"k", "\u212a", false}, {"\u00e9", "\u00c9", false}} {
		if got := doc.FoldEqual(test.a, test.b); got != test.want || got != (doc.Fold(test.a) == doc.Fold(test.b)) {
			t.Errorf("%q and %q: %v", test.a, test.b, got)
		}
	}
}

// However many elements an array has, opening it takes few allocations.
func TestExpandAllocations(t *testing.T) {
	v := scanned(t, string(groupPatch(10_000))).Value()
	ops, _ := v.Lookup("Operations")
	for op := range ops.Items() {
		members, _ := op.Lookup("value")
		if got := testing.AllocsPerRun(3, func() { doc.Tree(members).Items() }); got > 100 {
			t.Errorf("%v allocations", got)
		}
	}
}
