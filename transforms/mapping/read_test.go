package mapping_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-scim/gateway/transforms/mapping"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/mapping/template"
	"github.com/caddy-scim/gateway/transforms/scim"
)

func TestResource(t *testing.T) {
	def := definition()
	def.User.Key = "login"
	def.User.Map = []mapping.MapDef{
		{Attribute: "userName", Value: "email|lower"},
		{Attribute: "name.givenName", Value: "profile.first"},
		{Attribute: "displayName", Value: "{cur.profile.first} {cur.profile.last}"},
		{Attribute: "externalId", Value: "ext"},
		{Attribute: `emails[type eq "work"].value`, Value: "email"},
		{Attribute: `emails[type eq "work"].primary`, Value: "{true}"},
		{Attribute: `emails[type eq "home"].value`, Value: "private"},
		{Attribute: `emails[type eq "home"].display`, Value: "profile.first"},
		{Attribute: "phoneNumbers.value", Value: "phones"},
		{Attribute: "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", Value: `custom.#(name=="dept").value`},
		{Attribute: "locale", Value: "settings"},
	}
	def.User.Active = []mapping.ConditionDef{{Path: "status", Is: []string{"1", "2"}}, {Path: "locked", Not: []string{"true"}}}
	def.User.State = []mapping.StateDef{
		{Path: "locked", Values: map[string]string{"true": "revoked"}},
		{Path: "status", Values: map[string]string{"1": "invited", "2": "confirmed"}},
	}
	def.User.Protect = []mapping.ConditionDef{{Path: "admin", Is: []string{"true"}}, {Path: "id", Is: []string{"1"}}}
	u := compile(t, def).User
	tests := []struct {
		name, item, want, state string
		protected               bool
	}{
		{
			"everything", `{"id":9007199254740993,"login":"ada","email":"Ada@Example.com","profile":{"first":"Ada","last":"King"},"ext":7,
				"private":"a@home.example","phones":[1,"2",null],"custom":[{"name":"x"},{"name":"dept","value":"R&D"}],"status":2,"locked":false}`,
			`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],"id":"9007199254740993",` +
				`"userName":"ada@example.com","name":{"givenName":"Ada"},"displayName":"Ada King","externalId":"7",` +
				`"emails":[{"type":"work","value":"Ada@Example.com","primary":true},{"type":"home","value":"a@home.example","display":"Ada"}],` +
				`"phoneNumbers":[{"value":"1"},{"value":"2"}],` +
				`"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"R&D"},"active":true}`,
			"confirmed", false,
		},
		{
			"next to nothing", `{"id":"1","email":"","ext":null,"profile":{},"settings":{"a":1},"status":"3","phones":[]}`,
			`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"1","active":false}`, "", true,
		},
		{
			"locked", `{"id":"2","status":"1","locked":true,"admin":"true"}`,
			`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"2","active":false}`, "revoked", true,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			item := value(t, test.item)
			if diff := cmp.Diff(test.want, string(u.Resource(item).AppendTo(nil))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if got := u.State(item); got != test.state {
				t.Errorf("the state is %q, want %q", got, test.state)
			}
			if got := u.Protected(item); got != test.protected {
				t.Errorf("protected is %v", got)
			}
		})
	}
	item := value(t, tests[0].item)
	for path, want := range map[string]string{
		"userName": "ada@example.com", "externalid": "7", "emails.value": "Ada@Example.com", "phoneNumbers.value": "1", "id": "9007199254740993",
		"title": "", "locale": "",
	} {
		if got, ok := u.Value(item, path); got != want || ok != (want != "") {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
	if u.ID(item) != "9007199254740993" || u.Key(item) != "ada" {
		t.Error(u.ID(item), u.Key(item))
	}
}

func TestReadableAndWritable(t *testing.T) {
	def := definition()
	def.User.Map = append(def.User.Map, mapping.MapDef{Attribute: `emails[type eq "work"].value`, Value: "email"})
	def.User.Create[0].Edits = []mapping.EditDef{{Path: "email", Value: "{scim.email}"}, {Path: "n", Value: "{scim.name.givenName??scim.displayName}"}}
	def.User.DisableAs = ""
	def.User.Active = []mapping.ConditionDef{{Path: "on", Is: []string{"true"}}}
	def.User.Disable = []mapping.CallDef{{Method: "POST", URL: "/users/{id}/off"}}
	def.User.Enable = []mapping.CallDef{{Method: "POST", URL: "/users/{id}/on"}}
	u := compile(t, def).User
	tests := []struct {
		path               string
		readable, writable bool
	}{
		{"userName", true, false},
		{"username", true, false},
		{"emails", true, true},
		{"emails.value", true, true},
		{"name", false, true},
		{"name.givenName", false, true},
		{"name.familyName", false, false},
		{"displayName", false, true},
		{"title", false, false},
		{"active", true, true},
		{"id", true, false},
	}
	for _, test := range tests {
		if r, w := u.Readable(test.path), u.Writable(test.path); r != test.readable || w != test.writable {
			t.Errorf("%s: readable %v, writable %v", test.path, r, w)
		}
	}
}

// What is known by a filter has the filter's values, unless other elements are shown too.
func TestKnownValues(t *testing.T) {
	tests := []struct {
		maps []string
		want []string
	}{
		{[]string{`emails[type eq "work"].value`, `emails[type eq "work"].primary`}, []string{"work"}},
		{[]string{`emails[type eq "work"].value`, `emails[type eq "home"].value`}, []string{"work", "home"}},
		{[]string{`emails[type eq "work"].value`, `emails[primary eq true].value`}, nil},
		{[]string{`emails[type eq "work"].value`, "emails.value"}, nil},
		{[]string{"displayName"}, nil},
	}
	for _, test := range tests {
		def := definition()
		def.User.Map = []mapping.MapDef{{Attribute: "userName", Value: "email"}}
		for _, m := range test.maps {
			def.User.Map = append(def.User.Map, mapping.MapDef{Attribute: m, Value: "email"})
		}
		if diff := cmp.Diff(test.want, compile(t, def).User.Values("", "emails", "type")); diff != "" {
			t.Errorf("%v: %s", test.maps, diff)
		}
	}
}

func TestUpdates(t *testing.T) {
	def := definition()
	def.User.Update = []mapping.CallDef{{Method: "PUT", URL: "/users/{id}", Edits: []mapping.EditDef{
		{Path: "email", Value: "{scim.email}"}, {Path: "first", Value: "{scim.name.givenName}"},
		{Path: "phones", Value: "{scim.phoneNumbers}"}, {Path: "home", Value: `{scim.addresses[type eq "home"].locality}`},
	}}}
	u := compile(t, def).User
	for path, want := range map[string]bool{
		"userName": true, "emails": true, `emails[type eq "work"].value`: true, "name": true, "name.givenName": true, "name.familyName": false,
		"phoneNumbers.type": true, `phoneNumbers[type eq "fax"]`: true, "addresses.locality": true, `addresses[type eq "work"].region`: false, "title": false,
	} {
		if got := u.Updates(path); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
	def.User.Email = []string{"primary", "first"}
	if compile(t, def).User.Updates("userName") {
		t.Error("userName is sent although no address comes from it")
	}
	// Without an address nothing is sent.
	_, err := compile(t, def).User.Update[0].Request(&plan.Env{ID: "1", SCIM: node(t, `{"userName":"ada@example.com"}`)})
	if wrong, ok := errors.AsType[*scim.Error](err); !ok || wrong.Status != 400 || wrong.Type != scim.InvalidValue {
		t.Errorf("the error is %v", err)
	}
	def.User.Update[0].Edits[0].Value = "{scim.email??scim.userName}"
	if _, err := compile(t, def).User.Update[0].Request(&plan.Env{ID: "1", SCIM: node(t, `{"userName":"ada"}`)}); err != nil {
		t.Error(err)
	}
}

func TestPrimaryEmail(t *testing.T) {
	all := `{"userName":"upn@example.com","emails":[{"value":" "},{"type":"home","value":"h@x"},{"type":"Work","value":"w@x"},{"primary":true,"value":"p@x"}]}`
	tests := []struct {
		name, user string
		order      []string
		want       string
	}{
		{"primary", all, nil, "p@x"},
		{"work", all, []string{"work"}, "w@x"},
		{"first that is not blank", all, []string{"first"}, "h@x"},
		{"userName", all, []string{"userName", "primary"}, "upn@example.com"},
		{"blank primary is skipped", `{"userName":"u@x","emails":[{"primary":true,"value":""},{"type":"work","value":"w@x"}]}`, nil, "w@x"},
		{"a private address is not taken", `{"userName":"u@x","emails":[{"type":"home","value":"h@x"}]}`, nil, "u@x"},
		{"no address", `{"userName":"ada"}`, nil, ""},
		{"half an address", `{"userName":"@x"}`, nil, ""},
		{"guest", `{"userName":"ada_home.example#EXT#@tenant.onmicrosoft.com"}`, nil, ""},
		{"guest in small letters", `{"userName":"ada_home.example#ext#@tenant.onmicrosoft.com"}`, nil, ""},
		{"guest that is allowed", `{"userName":"a#EXT#@t"}`, []string{"primary", "guest"}, "a#EXT#@t"},
		{"guest's userName among the e-mails", `{"userName":"ada","emails":[{"primary":true,"type":"work","value":"a#EXT#@t"},{"type":"work","value":"w@x"}]}`, nil, "w@x"},
		{"the same where it is allowed", `{"userName":"ada","emails":[{"type":"work","value":"a#EXT#@t"}]}`, []string{"work", "guest"}, "a#EXT#@t"},
		{"trimmed", `{"emails":[{"primary":true,"value":" a@x "}]}`, nil, "a@x"},
		{"no user at all", `{}`, nil, ""},
		{"emails of the wrong shape", `{"emails":"a@x"}`, nil, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := template.PrimaryEmail(node(t, test.user), test.order); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
	if got := template.PrimaryEmail(nil, nil); got != "" {
		t.Errorf("nobody has the address %q", got)
	}
}

func TestItems(t *testing.T) {
	tests := []struct {
		name, items, answer string
		want                []string
		bad                 bool
	}{
		{"array", "", `[{"id":1},{"id":2}]`, []string{`{"id":1,"s":3}`, `{"id":2,"s":3}`}, false},
		{"envelope", "data.users", `{"data":{"users":[{"id":1}]}}`, []string{`{"id":1,"s":3}`}, false},
		{"object of items", "users.@values", `{"users":{"a":{"id":1},"b":{"id":2}}}`, []string{`{"id":1,"s":3}`, `{"id":2,"s":3}`}, false},
		{"one object", "", `{"id":1}`, []string{`{"id":1,"s":3}`}, false},
		{"null", "data", `{"data":null}`, nil, false},
		{"empty", "data", `{"data":[]}`, nil, false},
		{"nothing there", "data", `{"date":[]}`, nil, true},
		{"text", "data", `{"data":"x"}`, nil, true},
		{"array of texts", "", `["x"]`, nil, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			def := definition()
			def.User.List[0].Items = test.items
			def.User.List[0].Overlay = []mapping.EditDef{{Path: "s", Value: "3"}}
			items, err := compile(t, def).User.List[0].Items(&plan.Env{}, value(t, test.answer))
			if (err != nil) != test.bad {
				t.Fatal(err)
			}
			var got []string
			for _, item := range items {
				got = append(got, string(item.Raw()))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
