package mapping_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// definition is the smallest mapping that makes sense; tests change what they are about.
func definition() mapping.Definition {
	return mapping.Definition{
		User: &mapping.ResourceDef{
			ID:        "id",
			Map:       []mapping.MapDef{{Attribute: "userName", Value: "email"}},
			List:      []mapping.CallDef{{Method: "GET", URL: "/users"}},
			Create:    []mapping.CallDef{{Method: "POST", URL: "/users", Headers: map[string]string{"X-For": "{scim.timezone}"}}},
			DisableAs: plan.DisableRefuse,
		},
	}
}

func compile(t testing.TB, def mapping.Definition) *plan.Plan {
	t.Helper()
	p, err := mapping.Compile(def, schema.Standard(), func(placeholder string) (string, bool) {
		name := strings.TrimPrefix(placeholder, "env.")
		return "the " + name, name != "MISSING"
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func value(t testing.TB, text string) doc.Value {
	t.Helper()
	d, err := doc.Scan([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return d.Value()
}

func node(t testing.TB, text string) *doc.Node { return doc.Tree(value(t, text)) }

// ada is a user as a provider sends it.
const ada = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"Ada.Lovelace@Example.com",
	"name":{"givenName":"Ada","familyName":"Lovelace"},"displayName":"Ada King Lovelace","active":true,"externalId":"42",
	"title":"","emails":[{"type":"home","value":"ada@home.example"},{"type":"work","value":"Ada@Work.example"}],
	"phoneNumbers":[{"type":"work","value":"1"},{"type":"mobile","value":"2"}],"nickName":"\"Müller\\' #1",
	"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"R&D","employeeNumber":"007"}}`

func TestValues(t *testing.T) {
	tests := []struct{ name, value, want string }{
		{"text", `abc`, `"abc"`},
		{"number", `2`, `2`},
		{"boolean", `true`, `true`},
		{"null", `null`, `null`},
		{"JSON string", `"2"`, `"2"`},
		{"JSON array", `["a",1]`, `["a",1]`},
		{"JSON object", `{"a":{"b":[]}}`, `{"a":{"b":[]}}`},
		{"JSON with placeholders", `{"who":"{scim.userName}","on":"{scim.active}","none":"{scim.locale}","t":"a {scim.externalId}"}`,
			`{"who":"Ada.Lovelace@Example.com","on":true,"t":"a 42"}`},
		{"JSON array with placeholders", `["{scim.active}","{scim.locale}","x{scim.externalId}"]`, `[true,"x42"]`},
		{"almost JSON", `{a}b`, ``},
		{"whole document", `{scim.name}`, `{"givenName":"Ada","familyName":"Lovelace"}`},
		{"sub-attribute", `{scim.name.givenName}`, `"Ada"`},
		{"another case", `{scim.NAME.givenname}`, `"Ada"`},
		{"extension", `{scim.urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department}`, `"R&D"`},
		{"element", `{scim.emails[type eq "work"].value}`, `"Ada@Work.example"`},
		{"element that is not there", `{scim.emails[type eq "other"].value}`, ``},
		{"all elements", `{scim.emails.value}`, `["ada@home.example","Ada@Work.example"]`},
		{"type kept", `{scim.active}`, `true`},
		{"in a text", `user {scim.userName} is {scim.active}`, `"user Ada.Lovelace@Example.com is true"`},
		{"missing in a text", `<{scim.locale}>`, `"<>"`},
		{"missing", `{scim.locale}`, ``},
		{"environment", `{env.TOKEN}`, `"the TOKEN"`},
		{"environment in a text", `a{env.TOKEN}b`, `"athe TOKENb"`},
		{"random", `{random}`, `"s3cret"`},
		{"changed", `{changed.displayName}`, `true`},
		{"unchanged", `{changed.locale}`, `false`},
		{"alternative", `{scim.locale??scim.userName}`, `"Ada.Lovelace@Example.com"`},
		{"alternative to a blank", `{scim.title ?? scim.displayName|first}`, `"Ada"`},
		{"literal alternative", `{scim.locale??"en"}`, `"en"`},
		{"literal number", `{scim.locale??7}`, `7`},
		{"null alternative", `{scim.locale??null}`, `null`},
		{"literal", `{true}`, `true`},
		{"escaped brace", `\{id\}`, `"{id}"`},
		{"braces that open nothing", `mutation($u:X){create(u:$u){ id }}`, `"mutation($u:X){create(u:$u){ id }}"`},

		{"int", `{scim.externalId|int}`, `42`},
		{"int of an array", `{scim.phoneNumbers.value|int}`, `[1,2]`},
		{"str", `{scim.active|str}`, `"true"`},
		{"bool", `{scim.externalId|bool}`, `400 invalidValue`},
		{"not", `{scim.active|not}`, `false`},
		{"not of what is missing", `{scim.locale|not}`, ``},
		{"lower", `{scim.userName|lower}`, `"ada.lovelace@example.com"`},
		{"lower of an array", `{scim.emails.value|lower}`, `["ada@home.example","ada@work.example"]`},
		{"upper", `{scim.name.givenName|upper}`, `"ADA"`},
		{"localpart", `{scim.userName|localpart}`, `"Ada.Lovelace"`},
		{"domain", `{scim.userName|domain}`, `"Example.com"`},
		{"doubled quotes", `{scim.nickName|dq}`, `"\"Müller\\'' #1"`},
		{"rison", `{scim.nickName|rison}`, `"\"Müller\\!' #1"`},
		{"slug", `{scim.nickName|slug}`, `"Mueller-1"`},
		{"slug of spaces", `{scim.displayName|slug|lower}`, `"ada-king-lovelace"`},
		{"first", `{scim.displayName|first}`, `"Ada"`},
		{"rest", `{scim.displayName|rest}`, `"King Lovelace"`},
		{"rest of one word", `{scim.name.givenName|rest}`, `""`},
		{"esc", `{scim.nickName|esc}`, `"\\\"Müller\\\\' #1"`},
		{"sq", `{scim.nickName|sq}`, `"\"Müller\\\\\\' #1"`},
		{"csv", `{scim.phoneNumbers.value|csv}`, `"1,2"`},
		{"json", `{scim.phoneNumbers.value|json}`, `"[\"1\",\"2\"]"`},
		{"list", `{scim.externalId|list}`, `["42"]`},
		{"list of nothing", `{scim.locale|list}`, `[]`},
		{"no int", `{scim.userName|int}`, `400 invalidValue`},
		{"no int in an array", `{scim.emails.value|int}`, `400 invalidValue`},
		{"an object is no text", `{scim.name|lower}`, `400 invalidValue`},
		{"e-mail", `{scim.email|lower}`, `"ada@work.example"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			def := definition()
			def.User.Create[0].Edits = []mapping.EditDef{{Path: "v", Value: test.value}}
			if test.name == "almost JSON" {
				if _, err := mapping.Compile(def, schema.Standard()); err == nil {
					t.Fatal("an unknown placeholder is accepted")
				}
				return
			}
			call := compile(t, def).User.Create[0]
			req, err := call.Request(&plan.Env{SCIM: node(t, ada), Random: func() string { return "s3cret" }})
			if status, scimType, ok := strings.Cut(test.want, " "); ok && status == "400" {
				wrong, is := errors.AsType[*scim.Error](err)
				if !is || wrong.Status != 400 || wrong.Type != scimType || strings.Contains(wrong.Detail, "Ada.") {
					t.Fatalf("the error is %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := `{"v":` + test.want + `}`
			if test.want == "" { // in a create, what is missing is left out
				want = `{}`
			}
			if diff := cmp.Diff(want, string(req.Body)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if _, err := doc.Scan(req.Body); err != nil {
				t.Errorf("the body is no document: %v", err)
			}
		})
	}
}

func TestMissingIsNullExceptInCreate(t *testing.T) {
	def := definition()
	edits := []mapping.EditDef{
		{Path: "a", Value: "{scim.locale}"},
		{Path: "b", Value: `{"c":"{scim.locale}","d":1}`},
		{Path: "e", Value: "x", If: []string{"locale"}},
		{Path: "f.0.g", Value: "{scim.active}", If: []string{"name"}},
	}
	def.User.Create[0].Edits = edits
	def.User.Update = []mapping.CallDef{{Method: "PUT", URL: "/users/{id}", Edits: edits}}
	p := compile(t, def)
	body := func(c *plan.Call, env *plan.Env) string {
		req, err := c.Request(env)
		if err != nil {
			t.Fatal(err)
		}
		return string(req.Body)
	}
	if got, want := body(p.User.Create[0], &plan.Env{SCIM: node(t, ada)}), `{"b":{"d":1},"f":[{"g":true}]}`; got != want {
		t.Errorf("create sends %s, want %s", got, want)
	}
	changed := func(path string) bool { return path == "locale" }
	env := &plan.Env{SCIM: node(t, ada), ID: "7", Changed: changed}
	if got, want := body(p.User.Update[0], env), `{"a":null,"b":{"c":null,"d":1},"e":"x"}`; got != want {
		t.Errorf("update sends %s, want %s", got, want)
	}
}

func TestReadMergeWrite(t *testing.T) {
	def := definition()
	def.User.Update = []mapping.CallDef{
		{Method: "GET", URL: "/users/{id}", Save: []mapping.SaveDef{{Name: "old", Path: "data"}}},
		{Method: "PUT", URL: "/users/{id}", From: "old", Edits: []mapping.EditDef{
			{Path: "name", Value: "{scim.displayName}"},
			{Action: "append", Path: "roles", Value: "[7,8]"},
			{Action: "remove", Path: "tags", Value: "{old.drop}"},
			{Action: "append", Path: "deep.new", Value: "x"},
		}},
		{Method: "PUT", URL: "/users/{id}", From: "cur", Edits: []mapping.EditDef{{Path: "collections", Value: "{cur.collections}"}}},
	}
	p := compile(t, def)
	env := &plan.Env{SCIM: node(t, ada), ID: "7", Cur: value(t, `{"collections":[{"id":"c"}],"x":1.50}`)}
	answer := value(t, `{"data":{"roles":["7",9],"tags":["a","b","a"],"drop":"a","n":12345678901234567890}}`)
	if err := p.User.Update[0].Save(env, answer); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{
		`{"roles":["7",9,8],"tags":["b"],"drop":"a","n":12345678901234567890,"name":"Ada King Lovelace","deep":{"new":["x"]}}`,
		`{"collections":[{"id":"c"}],"x":1.50}`,
	} {
		req, err := p.User.Update[i+1].Request(env)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(req.Body)); diff != "" {
			t.Errorf("call %d (-want +got)\n%s", i+1, diff)
		}
	}
	if err := p.User.Update[0].Save(&plan.Env{}, value(t, `{"other":1}`)); err == nil {
		t.Error("what a later call needs is missing, and nobody says so")
	}
}

// Membership as a resource of its own: what is to be removed is found by two values; if it is not there, there is nothing
// to remove.
func TestPickAndLeaveOut(t *testing.T) {
	def := definition()
	def.Group = &mapping.ResourceDef{
		ID: "id", Map: []mapping.MapDef{{Attribute: "displayName", Value: "name"}},
		List:      []mapping.CallDef{{Method: "GET", URL: "/groups"}},
		Create:    []mapping.CallDef{{Method: "POST", URL: "/groups", Edits: []mapping.EditDef{{Path: "n", Value: "{scim.displayName}"}}}},
		Members:   []mapping.CallDef{{Method: "GET", URL: "/users", Where: []mapping.WhereDef{{Path: "groups.#.id", Value: "{id}"}}, Member: "id"}},
		MemberAdd: []mapping.CallDef{{Method: "POST", URL: "/membership", Edits: []mapping.EditDef{{Path: "u", Value: "{mid|int}"}, {Path: "g", Value: "{id|int}"}}}},
		MemberRemove: []mapping.CallDef{
			{Method: "GET", URL: "/membership", Save: []mapping.SaveDef{{
				Name: "ms", Path: "@values", Take: "membership_id",
				Where: []mapping.WhereDef{{Path: "user_id", Value: "{mid}"}, {Path: "group_id", Value: "{id}"}},
			}}},
			{Method: "DELETE", URL: "/membership/{ms}"},
		},
	}
	g := compile(t, def).Group
	answer := value(t, `{"7":[{"membership_id":1,"user_id":7,"group_id":2},{"membership_id":2,"user_id":7,"group_id":3}],"8":[{"membership_id":3,"user_id":8,"group_id":3}]}`)
	env := &plan.Env{ID: "3", MID: "8"}
	if err := g.MemberRemove[0].Save(env, answer); err != nil {
		t.Fatal(err)
	}
	if !g.MemberRemove[1].Applies(env) {
		t.Fatal("the membership is there, but would not be removed")
	}
	if req, err := g.MemberRemove[1].Request(env); err != nil || req.Path != "/membership/3" {
		t.Errorf("%s %v", req.Path, err)
	}
	env = &plan.Env{ID: "2", MID: "8"}
	if err := g.MemberRemove[0].Save(env, answer); err != nil {
		t.Fatal(err)
	}
	if g.MemberRemove[1].Applies(env) {
		t.Error("there is no membership, but one would be removed")
	}
	users := value(t, `[{"id":1,"groups":[{"id":3},{"id":4}]},{"id":2,"groups":[]},{"id":"x","groups":[{"id":"3"}]}]`)
	ids, err := g.Members[0].MemberIDs(&plan.Env{ID: "3"}, users)
	if diff := cmp.Diff([]string{"1", "x"}, slices.Collect(ids.All())); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestURLs(t *testing.T) {
	tests := []struct {
		name, url string
		env       plan.Env
		want      string // empty: the resource cannot exist
	}{
		{"plain", "/u/{id}", plan.Env{ID: "7"}, "/api/u/7"},
		{"everything is encoded", "/u/{id}.json", plan.Env{ID: `a/b?c#d%e f"ü+;&=`}, "/api/u/a%2Fb%3Fc%23d%25e%20f%22%C3%BC%2B%3B%26%3D.json"},
		{"key", "/u/{key}?purge=false", plan.Env{ID: "7", Key: "ada l"}, "/api/u/ada%20l?purge=false"},
		{"in the query", "/u?a=1&uid={id}&b=2", plan.Env{ID: "a&b"}, "/api/u?a=1&uid=a%26b&b=2"},
		{"empty", "/u/{id}", plan.Env{}, ""},
		{"dots", "/u/{id}", plan.Env{ID: ".."}, ""},
		{"one dot", "/u/{id}/x", plan.Env{ID: "."}, ""},
		{"dots between slashes", "/u/{id}/x", plan.Env{ID: "../g/7"}, ""},
		{"dots between backslashes", "/u/{id}/x", plan.Env{ID: `a\..\b`}, ""},
		{"dots that climb nowhere", "/u/{id}", plan.Env{ID: "..."}, "/api/u/..."},
		{"NUL", "/u/{id}", plan.Env{ID: "a\x00"}, ""},
		{"an environment variable is encoded too", "/u/{env.X}/{id}", plan.Env{ID: "7"}, "/api/u/the%20X/7"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			def := definition()
			def.Base = "/api/"
			def.User.Delete = []mapping.CallDef{{Method: "DELETE", URL: test.url}}
			req, err := compile(t, def).User.Delete[0].Request(&test.env)
			if test.want == "" {
				if wrong, ok := errors.AsType[*scim.Error](err); !ok || wrong.Status != 404 {
					t.Fatalf("%q %v", req.Path, err)
				}
				return
			}
			if err != nil || req.Path != test.want {
				t.Errorf("%s, want %s (%v)", req.Path, test.want, err)
			}
			if req.Body != nil || req.ContentType != "" {
				t.Error("there is a body")
			}
		})
	}
}

func TestQueryHeadersAndForms(t *testing.T) {
	def := definition()
	def.Headers = map[string]string{"X-All": "{env.A}"}
	def.User.Find = map[string]mapping.CallDef{"userName": {
		Method: "GET", URL: "/users?limit=5", Headers: map[string]string{"X-One": "v {value}"},
		Query: []mapping.ParamDef{{Name: "filter", Value: "email='{value|sq}'"}, {Name: "q", Value: "{value}"}},
	}}
	def.User.Create[0] = mapping.CallDef{Method: "POST", URL: "/users", Body: "form", Edits: []mapping.EditDef{
		{Path: "user name", Value: "{scim.userName}"}, {Path: "to", Value: `["a&b","c"]`}, {Path: "o", Value: `{"x":1}`},
	}}
	p := compile(t, def)
	req, err := p.User.Find["userName"].Request(&plan.Env{Value: "o'neill & co"})
	if err != nil {
		t.Fatal(err)
	}
	want := plan.Request{
		Method: "GET", Path: "/users?limit=5&filter=email%3D%27o%5C%27neill%20%26%20co%27&q=o%27neill%20%26%20co",
		Header: []plan.Header{{Name: "X-All", Value: "the A"}, {Name: "X-One", Value: "v o'neill & co"}},
	}
	if diff := cmp.Diff(want, req); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if _, err := p.User.Find["userName"].Request(&plan.Env{Value: "a\r\nX-Admin: 1"}); err == nil {
		t.Error("a value can add a header field")
	}
	req, err = p.User.Create[0].Request(&plan.Env{SCIM: node(t, ada)})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(req.Body), "user%20name=Ada.Lovelace%40Example.com&to=a%26b&to=c&o=%7B%22x%22%3A1%7D"; got != want {
		t.Errorf("the form is %s, want %s", got, want)
	}
}
