package mapping_test

import (
	"fmt"
	"testing"

	"github.com/caddy-scim/gateway/transforms/mapping"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
)

func TestJudge(t *testing.T) {
	def := definition()
	def.Errors = []mapping.RuleDef{
		{Status: "400", Path: "message", Pattern: "already so", OK: true},
		{Status: "400", Path: "message", Pattern: "exists", Answer: 409, Type: "uniqueness"},
		{Status: "200", Path: "errors.#.message", Pattern: "^not found$", Answer: 404},
		{Status: "200", Path: "warning", Pattern: "fine", OK: true},
		{Status: "5xx", Path: "@this", Pattern: "maintenance", Answer: 503, Detail: "the organization is closed"},
		{Status: "418", Answer: 400, Type: "invalidValue"},
		{Status: "*", Path: "code", Pattern: "^7$", Answer: 400},
	}
	def.User.Update = []mapping.CallDef{{Method: "PUT", URL: "/users/{id}", Errors: []mapping.RuleDef{
		{Status: "400", Path: "message", Pattern: "exists", Answer: 400, Type: "mutability"},
	}}}
	def.User.Get = []mapping.CallDef{{Method: "GET", URL: "/users/{id}"}}
	def.User.Find = map[string]mapping.CallDef{"userName": {Method: "GET", URL: "/users/{value}"}}
	def.Group = &mapping.ResourceDef{
		ID: "id", Map: []mapping.MapDef{{Attribute: "displayName", Value: "name"}},
		List: []mapping.CallDef{{Method: "GET", URL: "/groups"}}, Create: []mapping.CallDef{{Method: "POST", URL: "/groups", Edits: []mapping.EditDef{{Path: "n", Value: "{scim.displayName}"}}}},
		Members:      []mapping.CallDef{{Method: "GET", URL: "/groups/{id}/m"}},
		MemberAdd:    []mapping.CallDef{{Method: "PUT", URL: "/groups/{id}/m/{mid}"}},
		MemberRemove: []mapping.CallDef{{Method: "DELETE", URL: "/groups/{id}/m/{mid}"}},
	}
	p := compile(t, def)
	calls := map[string]*plan.Call{
		"create": p.User.Create[0], "update": p.User.Update[0], "get": p.User.Get[0], "find": p.User.Find["userName"], "list": p.User.List[0],
		"add": p.Group.MemberAdd[0], "remove": p.Group.MemberRemove[0],
	}
	tests := []struct {
		call   string
		status int
		body   string
		want   string
	}{
		{"create", 200, `{"id":1}`, "proceed"},
		{"create", 201, ``, "502"},
		{"create", 201, `<html>`, "502"},
		{"create", 201, `{"id":1,"id":2}`, "502"},
		{"update", 204, ``, "proceed"},
		{"update", 200, `OK`, "proceed"},
		{"update", 200, "\n<!DOCTYPE html><html>log in", "502"},
		{"get", 200, `<html>`, "502"},
		{"list", 200, ``, "502"},
		{"create", 400, `{"message":"It EXISTS."}`, "409 uniqueness"},
		{"update", 400, `{"message":"exists"}`, "400 mutability"},
		{"update", 400, `{"message":"it is already so"}`, "done"},
		{"update", 400, `{"message":["x","already so"]}`, "done"},
		{"get", 200, `{"errors":[{"message":"a"},{"message":"not found"}]}`, "404"},
		{"find", 200, `{"errors":[{"message":"not found"}]}`, "done"},
		{"add", 200, `{"errors":[{"message":"not found"}]}`, "400 invalidValue"},
		{"remove", 200, `{"errors":[{"message":"not found"}]}`, "done"},
		{"create", 200, `{"errors":[{"message":"not found"}]}`, "502"},
		{"create", 200, `{"errors":[{"message":"was not found"}]}`, "proceed"},
		{"create", 200, `{"warning":"fine"}`, "proceed"},
		{"update", 503, `<h1>Maintenance</h1>`, "503"},
		{"update", 503, `<h1>Down</h1>`, "502"},
		{"update", 418, ``, "400 invalidValue"},
		{"update", 400, `{"code":7}`, "400"},
		{"update", 400, `{"code":77}`, "400 invalidValue"},
		{"update", 401, `{}`, "502"},
		{"update", 403, `{}`, "502"},
		{"update", 302, ``, "502"},
		{"update", 307, ``, "502"},
		{"update", 500, ``, "502"},
		{"update", 404, ``, "404"},
		{"update", 410, ``, "404"},
		{"create", 404, ``, "502"},
		{"list", 404, ``, "502"},
		{"get", 404, ``, "404"},
		{"find", 404, ``, "done"},
		{"add", 404, ``, "400 invalidValue"},
		{"remove", 404, ``, "502"},
		{"remove", 404, `{}`, "done"},
		{"update", 409, ``, "409 uniqueness"},
		{"update", 422, `{"x":1}`, "400 invalidValue"},
		{"update", 429, ``, "429"},
		{"update", 100, ``, "502"},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%s %d %s", test.call, test.status, test.body), func(t *testing.T) {
			v := calls[test.call].Judge(test.status, []byte(test.body))
			got := [...]string{"proceed", "done", ""}[v.Outcome]
			if (v.Outcome == plan.Failed) != (v.Err != nil) {
				t.Fatal(v)
			}
			if v.Err != nil {
				if got = fmt.Sprint(v.Err.Status); v.Err.Type != "" {
					got += " " + v.Err.Type
				}
				if v.Err.Detail == "" || v.Err.Cause == nil {
					t.Errorf("nothing is said: %+v", v.Err)
				}
			}
			if got != test.want {
				t.Errorf("%s, want %s (%v)", got, test.want, v.Err)
			}
		})
	}
	// A verdict must not be shared: RetryAfter is filled in.
	a, b := calls["update"].Judge(418, nil), calls["update"].Judge(418, nil)
	if a.Err == b.Err {
		t.Error("two answers share one error")
	}
}
