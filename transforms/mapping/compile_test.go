package mapping_test

import (
	"encoding/json"
	"errors"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-scim/gateway/transforms/mapping"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// A mapping in JSON configuration has no Caddyfile adapter in front: what that would refuse, Compile refuses too. Most
// mistakes are tested in the package caddyfile, with their lines; here are those that a Caddyfile cannot hold.
func TestMistakesOfJSON(t *testing.T) {
	call := func(c mapping.CallDef) mapping.Definition {
		def := definition()
		def.User.List[0] = c
		return def
	}
	first := 1
	tests := []struct {
		where string
		def   mapping.Definition
	}{
		{"", mapping.Definition{}},
		{"user.list[0]", call(mapping.CallDef{URL: "/u"})},
		{"user.list[0].url", call(mapping.CallDef{Method: "GET"})},
		{"user.list[0].query[0]", call(mapping.CallDef{Method: "GET", URL: "/u", Query: []mapping.ParamDef{{Value: "x"}}})},
		{"user.list[0].body", call(mapping.CallDef{Method: "POST", URL: "/u", Body: "xml"})},
		{"user.list[0].body", call(mapping.CallDef{Method: "POST", URL: "/u", Body: "none", Edits: []mapping.EditDef{{Path: "a", Value: "b"}}})},
		{"user.list[0].edits[0]", call(mapping.CallDef{Method: "POST", URL: "/u", Edits: []mapping.EditDef{{Value: "b"}}})},
		{"user.list[0].edits[0]", call(mapping.CallDef{Method: "POST", URL: "/u", Edits: []mapping.EditDef{{Path: "a", Value: "b", Action: "put"}}})},
		{"user.list[0].edits[0]", call(mapping.CallDef{Method: "POST", URL: "/u", Edits: []mapping.EditDef{{Path: "a", Value: "b", If: []string{"title"}}}})},
		{"user.list[0].edits[0]", call(mapping.CallDef{Method: "POST", URL: "/u", Edits: []mapping.EditDef{{Path: "a", Value: "\xff"}}})},
		{"user.list[0].if", call(mapping.CallDef{Method: "GET", URL: "/u", If: []string{"title"}})},
		{"user.list[0].member", call(mapping.CallDef{Method: "GET", URL: "/u", Member: "id"})},
		{"user.list[0].item", call(mapping.CallDef{Method: "GET", URL: "/u", Item: "id"})},
		{"user.list[0].where", call(mapping.CallDef{Method: "GET", URL: "/u", Where: []mapping.WhereDef{{Value: "x"}}})},
		{"user.list[0].overlay[0]", call(mapping.CallDef{Method: "GET", URL: "/u", Overlay: []mapping.EditDef{{Action: "remove", Path: "a"}}})},
		{"user.list[0].save[0]", call(mapping.CallDef{Method: "GET", URL: "/u", Save: []mapping.SaveDef{{Name: "a", Path: "b"}}})},
		{"user.list[0].result", call(mapping.CallDef{Method: "GET", URL: "/u", Result: &mapping.ResultDef{Kind: "body"}})},
		{"user.list[0].from", call(mapping.CallDef{Method: "POST", URL: "/u", From: "cur"})},
		{"user.list[0].headers.A B", call(mapping.CallDef{Method: "GET", URL: "/u", Headers: map[string]string{"A B": "c"}})},
		{"user.list[0].paginate", call(mapping.CallDef{Method: "GET", URL: "/u", Paginate: &mapping.PaginateDef{}})},
		{"user.list[0].paginate", call(mapping.CallDef{Method: "GET", URL: "/u", Paginate: &mapping.PaginateDef{By: "page", Param: "p"}})},
		{"user.list[0].paginate", call(mapping.CallDef{Method: "GET", URL: "/u", Paginate: &mapping.PaginateDef{By: "page", SizeParam: "n", Size: 1}})},
		{"user.list[0].paginate", call(mapping.CallDef{Method: "GET", URL: "/u", Paginate: &mapping.PaginateDef{By: "page", Param: "p", SizeParam: "n", Size: -1}})},
		{"user.list[0].paginate", call(mapping.CallDef{Method: "GET", URL: "/u", Paginate: &mapping.PaginateDef{By: "cursor", Param: "p"}})},
		{"user.list[0].paginate", call(mapping.CallDef{Method: "GET", URL: "/u", Paginate: &mapping.PaginateDef{By: "link", First: &first}})},
		{"user.list[0].paginate", call(mapping.CallDef{Method: "POST", URL: "/u", Paginate: &mapping.PaginateDef{By: "link", InBody: true}})},
		{"user.list[0].paginate", call(mapping.CallDef{Method: "GET", URL: "/u", Paginate: &mapping.PaginateDef{By: "next", Path: "n", Total: "t", TotalHeader: "T"}})},
		{"user.list[0].errors[0]", call(mapping.CallDef{Method: "GET", URL: "/u", Errors: []mapping.RuleDef{{Status: "400", Pattern: "x", OK: true}}})},
		{"user.list[0].errors[0]", call(mapping.CallDef{Method: "GET", URL: "/u", Errors: []mapping.RuleDef{{Status: "400"}}})},
		{"user.list[0].errors[0]", call(mapping.CallDef{Method: "GET", URL: "/u", Errors: []mapping.RuleDef{{Status: "400", OK: true, Answer: 400}}})},
	}
	for _, test := range tests {
		_, err := mapping.Check(test.def, schema.Standard())
		wrong, ok := errors.AsType[*mapping.Error](err)
		if !ok || wrong.Where != test.where || wrong.Reason == "" {
			t.Errorf("%s: %v", test.where, err)
		}
	}
}

func TestEnvironment(t *testing.T) {
	def := definition()
	def.Base = "{env.BASE}"
	def.User.Create[0].Edits = []mapping.EditDef{{Path: "org", Value: "{file./run/secrets/org|int}"}}
	if _, err := mapping.Check(def, schema.Standard()); err != nil {
		t.Errorf("a check needs the environment: %v", err)
	}
	if _, err := mapping.Compile(def, schema.Standard()); err == nil {
		t.Error("a variable is used, but there is no environment")
	}
	if _, err := mapping.Compile(def, schema.Standard(), func(string) (string, bool) { return "", false }); err == nil {
		t.Error("a variable that does not exist is used")
	}
	lookup := func(placeholder string) (string, bool) {
		text, ok := map[string]string{"env.BASE": "/api/", "file./run/secrets/org": "7"}[placeholder]
		return text, ok
	}
	p, err := mapping.Compile(def, schema.Standard(), lookup)
	if err != nil {
		t.Fatal(err)
	}
	req, err := p.User.Create[0].Request(&plan.Env{SCIM: node(t, ada)})
	if err != nil || req.Path != "/api/users" || string(req.Body) != `{"org":7}` {
		t.Errorf("%s %s %v", req.Path, req.Body, err)
	}
}

// A custom attribute is an attribute.
func TestCustomAttribute(t *testing.T) {
	const level = "urn:ietf:params:scim:schemas:extension:Contoso:2.0:User:level"
	def := definition()
	def.User.Map = append(def.User.Map, mapping.MapDef{Attribute: level, Value: "lvl"})
	def.User.Create[0].Edits = []mapping.EditDef{{Path: "lvl", Value: "{scim." + level + "}"}}
	if _, err := mapping.Check(def, schema.Standard()); err == nil {
		t.Error("an attribute that nobody declared is known")
	}
	set, err := schema.Standard().With(schema.Custom{Path: level, Type: "integer"})
	if err != nil {
		t.Fatal(err)
	}
	p, err := mapping.Compile(def, set)
	if err != nil {
		t.Fatal(err)
	}
	req, err := p.User.Create[0].Request(&plan.Env{SCIM: node(t, `{"urn:ietf:params:scim:schemas:extension:Contoso:2.0:User":{"level":3}}`)})
	if err != nil || string(req.Body) != `{"lvl":3}` {
		t.Errorf("%s %v", req.Body, err)
	}
	got := string(p.User.Resource(value(t, `{"id":"1","email":"a@x","lvl":"3"}`)).AppendTo(nil))
	want := `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:Contoso:2.0:User"],"id":"1","userName":"a@x",` +
		`"urn:ietf:params:scim:schemas:extension:Contoso:2.0:User":{"level":3},"active":true}`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A definition is plain data: what is written as JSON is read back as it was.
func TestJSONRoundTrip(t *testing.T) {
	raw, err := os.ReadFile("testdata/everything.json")
	if err != nil {
		t.Fatal(err)
	}
	var def, again mapping.Definition
	if err := json.Unmarshal(raw, &def); err != nil {
		t.Fatal(err)
	}
	if _, err := mapping.Check(def, schema.Standard()); err != nil {
		t.Error(err)
	}
	text, err := json.Marshal(def)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(def, again); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	var a, b any
	if err := errors.Join(json.Unmarshal(raw, &a), json.Unmarshal(text, &b)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("a field is lost (-want +got)\n%s", diff)
	}
}
