package value_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/value"
)

const enterprise = schema.EnterpriseURI

func node(t *testing.T, text string) *doc.Node {
	t.Helper()
	if text == "" {
		return nil
	}
	d, err := doc.Scan([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc.Tree(d.Value())
}

// What makes two values the same, and what does not. Two comparisons besides differ on purpose: a tree's own counts the
// order of elements, and a search has no regard to case where the schema says so.
func TestEqual(t *testing.T) {
	for _, test := range []struct {
		a, b  string
		equal bool
	}{
		{``, `null`, true},
		{``, `[]`, true},
		{``, `{}`, true},
		{`null`, `{"a":[],"b":{"c":null}}`, true},
		{``, `""`, false},
		{``, `false`, false},
		{`"a"`, `"\u0061"`, true},
		{`"a"`, `"A"`, false},
		{`1`, `1.0`, false},
		{`1`, `"1"`, false},
		{`{"type":"work","value":"x"}`, `{"Value":"x","TYPE":"work"}`, true},
		{`{"value":"x","display":null}`, `{"value":"x"}`, true},
		{`[{"value":"x"},{"value":"y"}]`, `[{"value":"y"},{"value":"x"}]`, true},
		{`[{"value":"x"},{"value":"x"}]`, `[{"value":"x"}]`, false},
		{`[{"value":"x"},{}]`, `[{"value":"x"}]`, true},
		{`[{"value":"x"}]`, `{"value":"x"}`, false},
	} {
		a, b := node(t, test.a), node(t, test.b)
		if got := value.Equal(a, b); got != test.equal || value.Equal(b, a) != got {
			t.Errorf("%s and %s: %v", test.a, test.b, got)
		}
	}
	if a, b := node(t, `[1,2]`), node(t, `[2,1]`); a.Equal(b) || !value.Equal(a, b) {
		t.Error("a tree counts the order of elements, SCIM does not")
	}
	rt := schema.Standard().User
	if name := rt.Attribute("", "userName", ""); !value.SameText(name, "Müller", "MÜLLER") || value.SameText(name, "kim", "\u212Aim") {
		t.Error("userName is not caseExact, and a letter that only looks like another is another (T3)")
	}
	if id := rt.Attribute("", "id", ""); value.SameText(id, "a", "A") || !value.SameText(id, "a", "a") {
		t.Error("id is caseExact")
	}
	if !value.SameText(nil, "a", "A") {
		t.Error("what nobody declared is not caseExact")
	}
}

func TestElement(t *testing.T) {
	rt := schema.Standard().User
	for path, want := range map[string]string{
		`emails`:                                           `{}`,
		`emails[type eq "work"]`:                           `{"type":"work"}`,
		`emails[TYPE eq "work"].value`:                     `{"type":"work"}`,
		`emails[type eq "a" and type eq "a"]`:              `{"type":"a"}`,
		`emails[primary eq true and type eq "work"].value`: `{"primary":true,"type":"work"}`,
		`emails[type eq "a" and type eq "b"]`:              `null`,
		`emails[type eq "a" or type eq "b"]`:               `null`,
		`emails[type ne "work"]`:                           `null`,
		`emails[type eq null]`:                             `null`,
		`emails[not (type eq "work")]`:                     `null`,
		`emails[type eq "work" and value pr]`:              `null`,
	} {
		p, _, err := filter.ParsePath(path, rt, filter.Options{})
		if err != nil {
			t.Fatal(err)
		}
		target := value.Resolve(p, rt)
		if got := string(value.Element(target.Filter, target.Def).AppendTo(nil)); got != want {
			t.Errorf("%s describes %s, not %s", path, got, want)
		}
	}
}

func TestGetAndSet(t *testing.T) {
	rt := schema.Standard().User
	manager := enterprise + ":manager"
	res := node(t, `{"userName":"a","emails":[{"value":"x","type":"work"},{"value":"y"},{"type":"home"}],"name":{"givenName":"A"}}`)
	for path, want := range map[string]string{
		"userName": `"a"`, "USERNAME": `"a"`, "name": `{"givenName":"A"}`, rt.Core.ID + ":userName": `"a"`, manager: `null`, "title": `null`,
	} {
		if got := string(value.Get(rt, res, path).AppendTo(nil)); got != want {
			t.Errorf("%s is %s, not %s", path, got, want)
		}
	}
	for path, want := range map[string][]string{
		"emails.value": {"x", "y"}, "emails": {"x", "y"}, "name": nil, "name.givenName": {"A"}, "userName": {"a"}, `emails[type eq "work"].value`: {"x", "y"},
		manager + ".value": nil,
	} {
		if diff := cmp.Diff(want, value.Texts(rt, res, path)); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
	value.Set(rt, res, manager, node(t, `{"value":"m"}`))
	if diff := cmp.Diff([]string{"userName", "emails", "name", manager}, value.Attributes(res)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"m"}, value.Texts(rt, res, manager+".value")); diff != "" {
		t.Error(diff)
	}
	value.Set(rt, res, manager, nil)
	value.Set(rt, res, "userName", nil)
	value.Set(rt, res, enterprise+":department", nil)
	if diff := cmp.Diff(`{"emails":[{"value":"x","type":"work"},{"value":"y"},{"type":"home"}],"name":{"givenName":"A"}}`, res.Text()); diff != "" {
		t.Errorf("an extension goes with its last attribute: %s", diff)
	}
	for path, want := range map[string]string{
		enterprise + ":manager.value": manager, `emails[type eq "a:b.c"].value`: "emails", rt.Core.ID + ":name.givenName": "name", "id": "id",
	} {
		if got := value.Whole(rt, path); got != want {
			t.Errorf("%s is about %s, not %s", path, got, want)
		}
	}
}

func TestTarget(t *testing.T) {
	rt := schema.Standard().User
	for _, test := range []struct{ path, get, put string }{
		{`userName`, `"a"`, `{"userName":"V"}`},
		{`name.givenName`, `"A"`, `{"name":{"givenName":"V"}}`},
		{`emails[type eq "work"].value`, `"x"`, `{"emails":[{"type":"work","value":"V"}]}`},
		{`emails[type eq "other"].value`, `null`, `{"emails":[{"type":"other","value":"V"}]}`},
		{`emails.value`, `["x","y"]`, `{"emails":[{"value":"V"}]}`},
		{`emails[type eq "home"].value`, `null`, `{"emails":[{"type":"home","value":"V"}]}`},
		{enterprise + `:manager.value`, `"m"`, `{"` + enterprise + `":{"manager":{"value":"V"}}}`},
		{rt.Core.ID + `:userName`, `"a"`, `{"userName":"V"}`},
	} {
		p, _, err := filter.ParsePath(test.path, rt, filter.Options{})
		if err != nil {
			t.Fatal(err)
		}
		target := value.Resolve(p, rt)
		res := node(t, `{"userName":"a","department":"core","name":{"givenName":"A"},"emails":[{"value":"x","type":"work"},{"value":"y"},{"type":"home"}],
			"`+enterprise+`":{"manager":{"value":"m"}}}`)
		if got := string(target.Get(res).AppendTo(nil)); got != test.get {
			t.Errorf("%s is %s, not %s", test.path, got, test.get)
		}
		made := doc.NewObject()
		target.Put(made, doc.NewString("V"))
		if diff := cmp.Diff(test.put, made.Text()); diff != "" {
			t.Errorf("%s: %s", test.path, diff)
		}
	}
	p, _, err := filter.ParsePath(enterprise+":department", rt, filter.Options{})
	if err != nil {
		t.Fatal(err)
	}
	target := value.Resolve(p, rt)
	if got := target.Get(node(t, `{"department":"not the extension's"}`)); got != nil {
		t.Errorf("an attribute of an extension was read from outside of it: %s", got.Text())
	}
}
