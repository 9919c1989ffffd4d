package patch_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-scim/gateway/transforms/patch"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

const (
	core       = `"schemas":["` + scim.UserSchema + `"]`
	enterprise = scim.EnterpriseSchema
)

func TestReplace(t *testing.T) {
	set, err := schema.Standard().With(schema.Custom{Path: "badge"})
	if err != nil {
		t.Fatal(err)
	}
	set.User.Attribute("", "badge", "").Mutability = schema.Immutable
	const before = `{"schemas":["` + scim.UserSchema + `","` + enterprise + `"],"id":"1","userName":"a","active":false,"badge":"7","title":"T","other":1,` +
		`"groups":[{"value":"g"}],"emails":[{"type":"work","value":"w"}],"` + enterprise + `":{"department":"D","manager":{"value":"m","displayName":"M"}},"meta":{"location":"l"}}`
	for _, test := range []struct {
		name, body, want, err string
		changed               []string
	}{
		{name: "missing attributes lose their value, but active, what is read-only and what is immutable",
			body:    `{"schemas":["` + scim.UserSchema + `"],"userName":"b"}`,
			want:    `{"schemas":["` + scim.UserSchema + `"],"id":"1","active":false,"badge":"7","groups":[{"value":"g"}],"meta":{"location":"l"},"userName":"b"}`,
			changed: []string{"userName", "title", "other", "emails", enterprise + ":department", enterprise + ":manager.value", enterprise + ":manager.displayName"}},
		{name: "what is read-only is ignored",
			body: `{"id":"other","userName":"a","active":false,"badge":"7","title":"T","other":1,"groups":[],"emails":[{"value":"w","type":"work","display":null}],"` +
				enterprise + `":{"department":"D","manager":{"value":"m","displayName":"X"}},"meta":{"location":"elsewhere"},"nickName":null,"phoneNumbers":[]}`,
			want: before},
		{name: "another manager",
			body: `{"userName":"a","badge":"7","title":"T","other":1,"emails":[{"type":"work","value":"w"}],"` + enterprise + `":{"department":"D","manager":{"value":"m2"}}}`,
			want: `{"schemas":["` + scim.UserSchema + `","` + enterprise + `"],"id":"1","active":false,"badge":"7","groups":[{"value":"g"}],"meta":{"location":"l"},` +
				`"userName":"a","title":"T","other":1,"emails":[{"type":"work","value":"w"}],"` + enterprise + `":{"department":"D","manager":{"value":"m2"}}}`,
			changed: []string{enterprise + ":manager.value", enterprise + ":manager.displayName"}},
		{name: "a blank externalId is none", body: `{"userName":"a","externalId":" ","badge":"7","title":"T","other":1,"emails":[{"type":"work","value":"w"}],"` + enterprise + `":{"department":"D","manager":{"value":"m"}}}`,
			want: before},
		{name: "an immutable attribute", body: `{"userName":"a","badge":"8"}`, err: "400 mutability"},
		{name: "without a required attribute", body: `{"active":true}`, err: "400 invalidValue"},
		{name: "with a required attribute that is null", body: `{"userName":null}`, err: "400 invalidValue"},
		{name: "active null", body: `{"userName":"a","active":null}`, err: "400 invalidValue"},
		{name: "a wrong type", body: `{"userName":"a","active":"yes"}`, err: "400 invalidValue"},
		{name: "two primaries", body: `{"userName":"a","emails":[{"value":"a","primary":true},{"value":"b","primary":true}]}`, err: "400 invalidValue"},
		{name: "no object", body: `[]`, err: "400 invalidSyntax"},
	} {
		t.Run(test.name, func(t *testing.T) {
			res := tree(t, before)
			changed, err := patch.Replace(res, scan(t, test.body), set.User)
			if got := code(t, err); got != test.err {
				t.Fatalf("want %q, got %v", test.err, err)
			}
			if test.err != "" {
				test.want = before
			}
			if diff := cmp.Diff(test.changed, changed); diff != "" {
				t.Errorf("changed: %s", diff)
			}
			if diff := cmp.Diff(decoded(t, []byte(test.want)), decoded(t, res.AppendTo(nil))); diff != "" {
				t.Error(diff)
			}
			if changed == nil && text(res) != before {
				t.Error("a resource that was not to change was printed anew")
			}
		})
	}
}

func TestCreate(t *testing.T) {
	for _, test := range []struct{ name, body, want, err string }{
		{name: "what a client cannot set is left out, null is no value",
			body: `{` + core + `,"id":"x","UserName":"a","active":true,"title":null,"groups":[],"roles":[],"meta":{"resourceType":"User"},"emails":[{"type":"work","value":"a","primary":true,"display":null}],"` +
				enterprise + `":{"manager":{"value":"m","displayName":"M"},"department":null}}`,
			want: `{"userName":"a","active":true,"emails":[{"type":"work","value":"a","primary":true}],"` + enterprise + `":{"manager":{"value":"m"}},"schemas":["` + scim.UserSchema + `","` + enterprise + `"]}`},
		{name: "schemas of an extension without attributes",
			body: `{"schemas":["` + scim.UserSchema + `","` + enterprise + `"],"userName":"a"}`,
			want: `{"userName":"a","schemas":["` + scim.UserSchema + `"]}`},
		{name: "a blank externalId is none", body: `{` + core + `,"userName":"a","externalId":" \t"}`, want: `{"userName":"a",` + core + `}`},
		{name: "no userName", body: `{` + core + `}`, err: "400 invalidValue"},
		{name: "two primaries", body: `{"userName":"a","phoneNumbers":[{"value":"a","primary":true},{"value":"b","primary":true}]}`, err: "400 invalidValue"},
		{name: "active is a word", body: `{"userName":"a","active":"no"}`, err: "400 invalidValue"},
		{name: "a string", body: `"x"`, err: "400 invalidSyntax"},
	} {
		t.Run(test.name, func(t *testing.T) {
			res, err := patch.Create(scan(t, test.body), schema.Standard().User)
			if got := code(t, err); got != test.err {
				t.Fatalf("want %q, got %v", test.err, err)
			}
			if err == nil {
				if diff := cmp.Diff(test.want, text(res)); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

func TestDiff(t *testing.T) {
	for _, test := range []struct {
		name, before, after string
		want                []string
	}{
		{"order, case and what has no value", `{"emails":[{"type":"a","value":"1"},{"value":"2"}],"Title":"x","nickName":null,"name":{"givenName":null},"roles":[]}`,
			`{"title":"x","emails":[{"value":"2","display":null},{"value":"1","type":"a"}]}`, nil},
		{"escapes", `{"title":"\u0041\/"}`, `{"title":"A/"}`, nil},
		{"case of a value", `{"userName":"a"}`, `{"userName":"A"}`, []string{"userName"}},
		{"a value twice is not a value once", `{"tags":["a","a"]}`, `{"tags":["a"]}`, []string{"tags"}},
		{"parts", `{"name":{"givenName":"a","familyName":"b"}}`, `{"name":{"GivenName":"c","familyName":"b"}}`, []string{"name.givenName"}},
		{"a complex attribute that came", `{}`, `{"name":{"givenName":"c","familyName":"b"}}`, []string{"name.givenName", "name.familyName"}},
		{"schemas and meta follow from the rest", `{"schemas":["a"],"meta":{"version":"1"}}`, `{"schemas":["b"]}`, nil},
		{"an extension", `{"` + enterprise + `":{"department":"a"}}`, `{"URN:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"Department":"b"}}`, []string{enterprise + ":department"}},
		{"an extension that nobody declared", `{}`, `{"urn:x:y:z":{"a":{"b":1}}}`, []string{"urn:x:y:z:a.b"}},
		{"what is not even an object", `{"urn:x:y:z":1}`, `{"urn:x:y:z":2}`, []string{"urn:x:y:z"}},
		{"types", `{"active":true,"tags":"a"}`, `{"active":"true","tags":["a"]}`, []string{"active", "tags"}},
		{"numbers by their text", `{"n":9007199254740993}`, `{"n":9007199254740992}`, []string{"n"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, patch.Diff(tree(t, test.before), tree(t, test.after), schema.Standard().User)); diff != "" {
				t.Error(diff)
			}
			back := patch.Diff(tree(t, test.after), tree(t, test.before), schema.Standard().User)
			if len(back) != len(test.want) {
				t.Errorf("the other way round: %v", back)
			}
		})
	}
}

func TestTouches(t *testing.T) {
	changed := []string{"name.givenName", "emails", enterprise + ":department"}
	for path, want := range map[string]bool{
		"name": true, "NAME.givenname": true, "name.familyName": false, "emails": true, "emails.value": true, `emails[type eq "work"].value`: true,
		"email": false, enterprise: true, enterprise + ":department": true, enterprise + ":dep": false, "department": false,
	} {
		if got := patch.Touches(changed, path); got != want {
			t.Errorf("%s: got %v", path, got)
		}
	}
}
