package scim_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

const enterprise = scim.EnterpriseSchema

func tree(t *testing.T, s string) *doc.Node {
	t.Helper()
	d, err := doc.Scan([]byte(s))
	if err != nil {
		t.Fatalf("%v in %s", err, s)
	}
	return doc.Tree(d.Value())
}

func TestListResponse(t *testing.T) {
	for _, test := range []struct {
		name         string
		total, start int
		resources    []*doc.Node
		want         string
	}{
		{"nothing", 0, 1, nil, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":0,"startIndex":1,"itemsPerPage":0,"Resources":[]}`},
		{"a page in the middle", 7, 3, []*doc.Node{tree(t, `{"id": "a"}`), tree(t, `{"id":"b"}`)},
			`{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":7,"startIndex":3,"itemsPerPage":2,"Resources":[{"id": "a"},{"id":"b"}]}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := scim.ListResponse(test.total, test.start, test.resources)
			if diff := cmp.Diff(test.want, string(got)); diff != "" {
				t.Error(diff)
			}
			if !json.Valid(got) {
				t.Error("not valid JSON")
			}
		})
	}
}

func TestProject(t *testing.T) {
	set, err := schema.Standard().With(schema.Custom{Path: "urn:example:params:Custom:2.0:User:level"})
	if err != nil {
		t.Fatal(err)
	}
	set.User.Attribute("urn:example:params:Custom:2.0:User", "level", "").Returned = schema.OnRequest
	const res = `{"schemas":["` + scim.UserSchema + `"],"id":"1","userName":"a","password":"p","name":{"givenName":"G","familyName":"F"},` +
		`"emails":[{"type":"work","value":"w"},{"value":"h"}],"other":{"x":1},` +
		`"` + enterprise + `":{"department":"D","manager":{"value":"m","displayName":"M"}},` +
		`"urn:example:params:Custom:2.0:User":{"level":"5"},"meta":{"resourceType":"User","location":"l"}}`
	const always = `{"schemas":["` + scim.UserSchema + `"],"id":"1",`
	const meta = `"meta":{"resourceType":"User","location":"l"}}`
	for _, test := range []struct {
		name           string
		attributes, ex []string
		want           string
	}{
		{"default", nil, nil, strings.Replace(strings.Replace(res, `"password":"p",`, "", 1), `"urn:example:params:Custom:2.0:User":{"level":"5"},`, "", 1)},
		{"id only", []string{"id"}, nil, always + meta},
		{"other case", []string{"USERNAME"}, nil, always + `"userName":"a",` + meta},
		{"sub-attribute", []string{"name.givenName"}, nil, always + `"name":{"givenName":"G"},` + meta},
		{"sub-attributes together", []string{"name.givenName", "name.familyName"}, nil, always + `"name":{"givenName":"G","familyName":"F"},` + meta},
		{"sub-attribute of a list", []string{"emails.type"}, nil, always + `"emails":[{"type":"work"}],` + meta},
		{"sub-attribute that nothing has", []string{"emails.display"}, nil, always + meta},
		{"sub-attribute of meta", []string{"meta.location"}, nil, always + meta},
		{"qualified", []string{enterprise + ":department"}, nil, always + `"` + enterprise + `":{"department":"D"},` + meta},
		{"qualified sub-attribute", []string{enterprise + ":manager.value"}, nil, always + `"` + enterprise + `":{"manager":{"value":"m"}},` + meta},
		{"whole extension", []string{strings.ToLower(enterprise)}, nil, always + `"` + enterprise + `":{"department":"D","manager":{"value":"m","displayName":"M"}},` + meta},
		{"core qualified", []string{scim.UserSchema + ":userName"}, nil, always + `"userName":"a",` + meta},
		{"on request", []string{"urn:example:params:Custom:2.0:User:level"}, nil, always + `"urn:example:params:Custom:2.0:User":{"level":"5"},` + meta},
		{"never", []string{"password"}, nil, always + meta},
		{"unknown, not there", []string{"nothing"}, nil, always + meta},
		{"unknown, there", []string{"other"}, nil, always + `"other":{"x":1},` + meta},
		{"a path is no pattern", []string{"name.*"}, nil, always + meta},
		{"excluded", nil, []string{"emails", "name", "other", enterprise}, always + `"userName":"a",` + meta},
		{"excluded sub-attribute", nil, []string{"emails.value", "name.familyName", "other", enterprise + ":manager"},
			always + `"userName":"a","name":{"givenName":"G"},"emails":[{"type":"work"}],"` + enterprise + `":{"department":"D"},` + meta},
		{"always returned", nil, []string{"id", "schemas", "meta", "emails", "name", "other", enterprise + ":department", enterprise + ":manager"}, always + `"userName":"a",` + meta},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := tree(t, res)
			got := scim.Project(in, set.User, scim.Query{Attributes: test.attributes, Excluded: test.ex})
			if diff := cmp.Diff(test.want, string(got.AppendTo(nil))); diff != "" {
				t.Error(diff)
			}
			if string(in.AppendTo(nil)) != res {
				t.Error("the resource itself was changed")
			}
		})
	}
}

func TestProjectLeavesAloneWhatIsWhole(t *testing.T) {
	in := tree(t, `{ "id" : "1", "members": [ {"value":"a"} ] }`)
	if got := scim.Project(in, schema.Standard().Group, scim.Query{}); got != in {
		t.Error("a copy was made although nothing had to be left out")
	}
}

// Members are printed as the tree of them would be, whatever their ids are made of.
func TestMembers(t *testing.T) {
	users := schema.Standard().User
	for _, base := range []string{"https://gw.example/scim/v2", `https://gw.example/a"b\c`} {
		for _, ids := range [][]string{nil, {"a"}, {"7d420df3", `q"uo\te`, "a/b?c#d", "ä \x01\xff<&>", ""}} {
			list := make([]*doc.Node, len(ids))
			for i, id := range ids {
				list[i] = doc.NewObject()
				list[i].Set("value", doc.NewString(id))
				list[i].Set("$ref", doc.NewString(scim.Location(base, users, strings.ToValidUTF8(id, "\ufffd"))))
				list[i].Set("type", doc.NewString("User"))
			}
			got := scim.Members(doc.NewStrings(ids...), users, base)
			if want := doc.NewArray(list...); !bytes.Equal(got.AppendTo(nil), want.AppendTo(nil)) || len(got.Items()) != len(ids) {
				t.Errorf("got %s, want %s", got.AppendTo(nil), want.AppendTo(nil))
			}
			if d, err := doc.Scan(got.AppendTo(nil)); err != nil {
				t.Errorf("%s is no JSON: %v", d.Raw(), err)
			}
		}
	}
}

func TestComplete(t *testing.T) {
	set := schema.Standard()
	for _, test := range []struct {
		name     string
		rt       *schema.ResourceType
		in, want string
	}{
		{"nothing there", set.User, `{"id":"a/b ü"}`,
			`{"id":"a/b ü","schemas":["` + scim.UserSchema + `"],"meta":{"resourceType":"User","location":"https://h/scim/Users/a%2Fb%20%C3%BC"}}`},
		{"no id", set.User, `{}`, `{"schemas":["` + scim.UserSchema + `"],"meta":{"resourceType":"User"}}`},
		{"an extension", set.User, `{"schemas":["` + scim.UserSchema + `"],"` + strings.ToUpper(enterprise) + `":{"department":"D"},"meta":{"created":"c","location":"inside"},"id":"1"}`,
			`{"schemas":["` + scim.UserSchema + `","` + enterprise + `"],"` + strings.ToUpper(enterprise) + `":{"department":"D"},"meta":{"created":"c","location":"https://h/scim/Users/1","resourceType":"User"},"id":"1"}`},
		{"an extension that is not there, and a foreign schema", set.User, `{"schemas":["` + scim.UserSchema + `","` + enterprise + `","urn:x:y"],"meta":{}}`,
			`{"schemas":["` + scim.UserSchema + `","urn:x:y"],"meta":{"resourceType":"User"}}`},
		{"a group without members", set.Group, `{"schemas":["` + scim.GroupSchema + `"],"members":null}`,
			`{"schemas":["` + scim.GroupSchema + `"],"members":[],"meta":{"resourceType":"Group"}}`},
		{"a group with members", set.Group, `{"schemas":["` + scim.GroupSchema + `"],"members":[{"value":"1"}]}`,
			`{"schemas":["` + scim.GroupSchema + `"],"members":[{"value":"1"}],"meta":{"resourceType":"Group"}}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := tree(t, test.in)
			scim.Complete(n, test.rt, "https://h/scim")
			if diff := cmp.Diff(test.want, string(n.AppendTo(nil))); diff != "" {
				t.Error(diff)
			}
			again := n.Clone()
			scim.Complete(again, test.rt, "https://h/scim")
			if string(again.AppendTo(nil)) != string(n.AppendTo(nil)) {
				t.Error("a complete resource was changed")
			}
		})
	}
}
