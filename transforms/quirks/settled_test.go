package quirks

import (
	"strings"
	"testing"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// What is settled is not changed by Answer, whatever it is; and a plain good answer is settled, or the shortcut is none.
func TestSettled(t *testing.T) {
	n, err := New(Config{Profile: Entra})
	if err != nil {
		t.Fatal(err)
	}
	const (
		good = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"7","active":true,"name":{"givenName":"Trueman"},` +
			`"emails":[{"value":"a@b","primary":true}],"meta":{"resourceType":"User","location":"http://u/Users/7"}}`
		list = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":1,"startIndex":1,"itemsPerPage":1,"Resources":[` + good + `]}`
	)
	variants := []string{good, list}
	for _, r := range [][2]string{
		{`"active":true`, `"active":"True"`}, {`"primary":true`, `"primary":"false"`}, {`"resourceType":"User",`, ``},
		{`"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],`, ``}, {`"id":"7"`, `"id":"7","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":"9"}`},
		{`"id":"7",`, ``}, {`"id":"7"`, `"id":""`}, {`"totalResults":1`, `"totalResults":"1"`}, {`"Resources"`, `"resources"`}, {`"startIndex":1,`, ``}, {`"Trueman"`, `"True"`},
		{`"active":true`, `"active":1`}, {`"active"`, `"Active"`}, {`"value"`, `"Value"`}, {`"resourceType"`, `"ResourceType"`}, {`"itemsPerPage":1`, `"itemsPerPage":50`},
		{`[{"value":"a@b","primary":true}]`, `["a@b"]`}, {`[{"value":"a@b","primary":true}]`, `{"value":"a@b"}`}, {`[{"value":"a@b","primary":true}]`, `"a@b"`}, {`"active":true`, `"password":"x"`},
	} {
		variants = append(variants, strings.Replace(good, r[0], r[1], 1), strings.Replace(list, r[0], r[1], 1))
	}
	for _, text := range variants {
		op := &scim.Operation{Type: schema.Standard().User, Verb: scim.Read, Query: scim.Query{StartIndex: 1}}
		if strings.Contains(text, "ListResponse") {
			op.Verb = scim.List
		}
		d, err := doc.Scan([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		tree := doc.Tree(d.Value())
		n.Answer(op, tree, nil)
		same := string(tree.AppendTo(nil)) == text
		if settled := n.Settled(op, d); settled && !same {
			t.Errorf("taken for settled: %s", text)
		} else if !settled && (text == good || text == list) {
			t.Errorf("a good answer is not settled: %s", text)
		} else if settled && !strings.Contains(text, `"id":"7"`) {
			t.Errorf("no resource without an id is a whole answer: %s", text)
		}
	}
}
