package mapping_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// Lines are refused for having no place only if they do fail, for some change of a user.
func TestContradictions(t *testing.T) {
	attributes := []string{"title", "nickName", "locale"}
	members := []string{`"title":"v"`, `"nickName":"v"`, `"locale":"v"`, `"name":{"givenName":"n"}`, `"emails":[{"value":"a@b.c"}]`}
	rapid.Check(t, func(t *rapid.T) {
		create := rapid.Bool().Draw(t, "create")
		edits := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) mapping.EditDef {
			e := mapping.EditDef{
				Action: rapid.SampledFrom([]string{"", "", "", "append", "remove"}).Draw(t, "action"),
				Path:   rapid.SampledFrom([]string{"a", "a.b", "a.0", "a.1", "a.b.c", "a.0.b", "d", "@this"}).Draw(t, "path"),
				Value: rapid.SampledFrom([]string{
					"x", "1", "null", "[]", `["x"]`, `{"b":1}`, `{"b":{"c":"{scim.title}"}}`, "{scim.title}", "{scim.nickName??null}",
					"{scim.emails.value|csv}", `{scim.title??"x"}`, `["{scim.locale}"]`, "{scim.title|list}", "{scim.emails.value}", "{scim.name}",
				}).Draw(t, "value"),
			}
			if rapid.Bool().Draw(t, "conditional") {
				e.If = []string{rapid.SampledFrom(attributes).Draw(t, "if")}
			}
			return e
		}), 2, 4).Draw(t, "edits")
		def := definition()
		call := mapping.CallDef{Method: "POST", URL: "/users", Headers: map[string]string{"X-For": "{scim.timezone}"}}
		first := call
		first.Save = []mapping.SaveDef{{Name: "body", Path: "@this"}}
		steps, whole := []mapping.CallDef{first}, call
		whole.Edits = edits
		for _, e := range edits { // one by one, each goes on from what is there
			one := call
			one.From, one.Edits = "body", []mapping.EditDef{e}
			steps = append(steps, one)
		}
		made := func(calls ...mapping.CallDef) mapping.Definition {
			user := *def.User
			if create {
				user.Create = calls
			} else {
				for i := range calls {
					calls[i].URL = "/users/{id}"
				}
				user.Update = calls
			}
			return mapping.Definition{User: &user}
		}
		p, err := mapping.Compile(made(steps...), schema.Standard())
		if err != nil {
			t.Fatal(err)
		}
		_, refused := mapping.Check(made(whole), schema.Standard())
		if refused == nil || !strings.Contains(refused.Error(), "no place") {
			return // accepted, or a line is lost, which is no failure
		}
		fails := func(sent, changed int) bool {
			user := `{"userName":"u"`
			for i, member := range members {
				if sent>>i&1 == 1 {
					user += "," + member
				}
			}
			env := &plan.Env{ID: "1", SCIM: doc.Tree(parsed(t, user+"}")), Vars: map[string]doc.Value{"body": parsed(t, "{}")}}
			calls := p.User.Create
			if !create {
				calls = p.User.Update
				env.Changed = func(path string) bool { i := slices.Index(attributes, path); return i >= 0 && changed>>i&1 == 1 }
			}
			for _, c := range calls[1:] {
				req, err := c.Request(env)
				if wrong, ok := errors.AsType[*scim.Error](err); ok && wrong.Status == 500 {
					return true
				}
				if err != nil {
					t.Fatal(err)
				}
				env.Vars["body"] = parsed(t, string(req.Body))
			}
			return false
		}
		const all = 1<<5 - 1
		ever := false
		for sent := range all + 1 {
			for changed := range 1 << len(attributes) {
				ever = ever || fails(sent, changed)
			}
		}
		if !ever {
			t.Fatalf("%v, but it never fails", refused)
		}
	})
}

func parsed(t *rapid.T, text string) doc.Value {
	d, err := doc.Scan([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d.Value()
}
