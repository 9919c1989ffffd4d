package mapping_test

import (
	"testing"

	"github.com/caddy-scim/gateway/transforms/mapping"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
)

// A condition on a list is about its elements: protect, active, state, where and error rules alike. A list never equals a
// text, so that `protect roles.#.name is Admin` protected nobody.
func TestConditionsOverLists(t *testing.T) {
	for _, test := range []struct {
		item                     string
		protected, active        bool
		state                    string
		listed, errorRuleDecides bool
	}{
		{`{"id":1,"userName":"u","roles":[{"name":"Admin","id":1},{"name":"Ops","id":2}]}`, true, true, "confirmed", true, true},
		{`{"id":1,"userName":"u","roles":[{"name":"Ops","id":3}]}`, false, true, "", false, false},
		{`{"id":1,"userName":"u","roles":[{"name":"Gone","id":9}]}`, false, false, "revoked", false, false},
		{`{"id":1,"userName":"u","roles":[]}`, false, true, "", false, false},
		{`{"id":1,"userName":"u"}`, false, true, "", false, false},
		{`{"id":1,"userName":"u","roles":[{"name":[["Admin"]],"id":2}]}`, true, true, "confirmed", true, true},
	} {
		def := definition()
		def.User.Protect = []mapping.ConditionDef{{Path: "roles.#.name", Is: []string{"Admin"}}}
		def.User.Active = []mapping.ConditionDef{{Path: "roles.#.id", Not: []string{"9"}}}
		def.User.State = []mapping.StateDef{{Path: "roles.#.id", Values: map[string]string{"2": "confirmed", "9": "revoked"}}}
		def.User.List[0].Where = []mapping.WhereDef{{Path: "roles.#.name", Value: "Admin"}}
		def.User.List[0].Items = "@this"
		def.User.List[0].Errors = []mapping.RuleDef{{Status: "200", Path: "roles.#.name", Pattern: "^Admin$", Answer: 400}}
		u := compile(t, def).User
		item := value(t, test.item)
		if got := u.Protected(item); got != test.protected {
			t.Errorf("%s: protected %v", test.item, got)
		}
		if got := u.Active(item); got != test.active {
			t.Errorf("%s: active %v", test.item, got)
		}
		if got := u.State(item); got != test.state {
			t.Errorf("%s: state %q", test.item, got)
		}
		items, err := u.List[0].Items(&plan.Env{}, item)
		if err != nil || (len(items) == 1) != test.listed {
			t.Errorf("%s: listed %v, %v", test.item, items, err)
		}
		if got := u.List[0].Judge(200, []byte(test.item)).Outcome == plan.Failed; got != test.errorRuleDecides {
			t.Errorf("%s: the rule decides: %v", test.item, got)
		}
	}
	def := definition()
	def.User.Protect = []mapping.ConditionDef{{Path: "roles", Is: []string{"null"}}}
	for _, item := range []string{`{}`, `{"roles":null}`, `{"roles":[]}`} {
		if !compile(t, def).User.Protected(value(t, item)) {
			t.Errorf("%s has no roles, which is null", item)
		}
	}
}
