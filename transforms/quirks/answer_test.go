package quirks_test

import (
	"strings"
	"testing"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/quirks"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// What a server writes in a form of its own is answered as SCIM has it, and is never taken for settled.
func TestAnswer(t *testing.T) {
	const (
		head  = `{"schemas":["x"],"meta":{"resourceType":"T","location":"l"},`
		under = `"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":`
	)
	n := newNormalizer(t, quirks.Config{})
	std := schema.Standard()
	for _, c := range []struct {
		name     string
		rt       *schema.ResourceType
		in, want string
	}{
		{"id", std.User, `"id":7}`, `"id":"7"}`},
		{"long id", std.User, `"id":12345678901234567890123}`, `"id":"12345678901234567890123"}`},
		{"id that is no integer", std.User, `"id":7.5}`, `"id":7.5}`},
		{"members", std.Group, `"id":"1","members":[{"value":5},"6",7,{"value":"8"}]}`, `"id":"1","members":[{"value":"5"},{"value":"6"},{"value":"7"},{"value":"8"}]}`},
		{"member alone", std.Group, `"id":"1","members":{"value":5}}`, `"id":"1","members":[{"value":"5"}]}`},
		{"groups", std.User, `"id":"1","groups":[{"value":5,"display":"g"}]}`, `"id":"1","groups":[{"value":"5","display":"g"}]}`},
		{"bare group", std.User, `"id":"1","groups":["5"]}`, `"id":"1","groups":[{"value":"5"}]}`},
		{"group alone", std.User, `"id":"1","groups":5}`, `"id":"1","groups":[{"value":"5"}]}`},
		{"no member", std.Group, `"id":"1","members":{}}`, `"id":"1","members":[]}`},
		{"no reference", std.User, `"id":"1","emails":["a"]}`, `"id":"1","emails":[{"value":"a"}]}`},
		{"number that is no reference", std.User, `"id":"1","phoneNumbers":[{"value":5}]}`, `"id":"1","phoneNumbers":[{"value":5}]}`},
		{"manager", std.User, `"id":"1",` + under + `{"manager":{"value":9}}}`, `"id":"1",` + under + `{"manager":{"value":"9"}}}`},
		{"bare manager", std.User, `"id":"1",` + under + `{"manager":9}}`, `"id":"1",` + under + `{"manager":{"value":"9"}}}`},
		{"empty manager", std.User, `"id":"1",` + under + `{"manager":"","department":"d"}}`, `"id":"1",` + under + `{"department":"d"}}`},
		{"one object", std.User, `"id":"1","emails":{"value":"a","primary":"True"}}`, `"id":"1","emails":[{"value":"a","primary":true}]}`},
		{"one value", std.User, `"id":"1","emails":"a","roles":""}`, `"id":"1","emails":[{"value":"a"}],"roles":[]}`},
		{"values", std.User, `"id":"1","roles":["member",{"value":"x"},null,"",7]}`, `"id":"1","roles":[{"value":"member"},{"value":"x"},{"value":"7"}]}`},
		{"addresses", std.User, `"id":"1","addresses":["1 Main St",{"country":"DE"}]}`, `"id":"1","addresses":[{"formatted":"1 Main St"},{"country":"DE"}]}`},
		{"address alone", std.User, `"id":"1","addresses":{"country":"DE"}}`, `"id":"1","addresses":[{"country":"DE"}]}`},
		{"keys that are numbers", std.User, `"id":"1","emails":{"1":{"value":"a"},"3":"b"}}`, `"id":"1","emails":[{"value":"a"},{"value":"b"}]}`},
		{"null for a list", std.User, `"id":"1","emails":null}`, `"id":"1","emails":null}`},
		{"unknown lists", std.User, `"id":"1","tags":["a"],"one":{"b":"true"}}`, `"id":"1","tags":["a"],"one":{"b":"true"}}`},
		{"active 1", std.User, `"id":"1","active":1}`, `"id":"1","active":true}`},
		{"active 0", std.User, `"id":"1","active":"0"}`, `"id":"1","active":false}`},
		{"active 2", std.User, `"id":"1","active":2}`, `"id":"1","active":2}`},
		{"other case", std.User, `"Id":"1","UserName":"a","ACTIVE":"True","Emails":[{"Value":"a","Primary":1}],"name":{"GivenName":"g"}}`,
			`"id":"1","userName":"a","active":true,"emails":[{"value":"a","primary":true}],"name":{"givenName":"g"}}`},
		{"extension in other case", std.User, `"id":"1","URN:ietf:params:scim:schemas:extension:enterprise:2.0:user":{"Department":"d"}}`, `"id":"1",` + under + `{"department":"d"}}`},
		{"password", std.User, `"id":"1","userName":"u","password":"secret"}`, `"id":"1","userName":"u"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			op := &scim.Operation{Type: c.rt, Verb: scim.Read}
			d := scannedDoc(t, head+c.in)
			tree := doc.Tree(d.Value())
			n.Answer(op, tree, nil)
			if got := strings.TrimPrefix(string(tree.AppendTo(nil)), head); got != c.want {
				t.Errorf("got %s", got)
			}
			if c.in != c.want && n.Settled(op, d) {
				t.Error("taken for settled")
			}
			if after := tree.Doc(); strings.Contains(c.want, `"id":"1"`) && c.in != c.want && !n.Settled(op, after) {
				t.Errorf("not settled: %s", after.Raw())
			}
		})
	}
}

func scannedDoc(t *testing.T, text string) doc.Doc {
	t.Helper()
	d, err := doc.Scan([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}
