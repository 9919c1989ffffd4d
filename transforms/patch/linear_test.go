package patch_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/patch"
	"github.com/caddy-scim/gateway/transforms/quirks"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

const (
	enterpriseURI = schema.EnterpriseURI
	userHead      = `{"userName":"a","schemas":["` + schema.UserURI + `"],`
	patchHead     = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[`
)

// long are documents with n parts of one kind; there is no other list in a document that a client can make longer.
var long = []struct {
	name string
	verb scim.Verb
	text func(n int) string
}{
	{"schemas", scim.Create, func(n int) string { return `{"userName":"a","schemas":[` + parts(n, `"urn:a:b%d"`) + `]}` }},
	{"schemas, one repaired", scim.Create, func(n int) string {
		return `{"userName":"a","schemas":["urn:ietf:params:scim:schemas:extension:enterprise:2.0User",` + parts(n, `"urn:a:b%d"`) + `]}`
	}},
	{"extensions", scim.Create, func(n int) string { return userHead + parts(n, `"urn:a:b%d":{"a":1}`) + `}` }},
	{"extensions in a PUT", scim.Replace, func(n int) string { return userHead + parts(n, `"urn:a:b:2.0:User%d":{"a":1}`) + `}` }},
	{"unknown attributes", scim.Create, func(n int) string { return userHead + parts(n, `"a%d":1`) + `}` }},
	{"attributes of an extension", scim.Create, func(n int) string { return userHead + `"` + enterpriseURI + `":{` + parts(n, `"a%d":1`) + `}}` }},
	{"sub-attributes", scim.Create, func(n int) string { return userHead + `"name":{` + parts(n, `"a%d":1`) + `}}` }},
	{"dotted keys", scim.Create, func(n int) string { return userHead + parts(n, `"a%d.b":1`) + `}` }},
	{"dotted keys of one attribute", scim.Create, func(n int) string { return userHead + parts(n, `"name.a%d":1`) + `}` }},
	{"elements", scim.Create, func(n int) string { return userHead + `"emails":[` + parts(n, `{"value":"a%d","type":"work"}`) + `]}` }},
	{"elements in a PUT", scim.Replace, func(n int) string { return userHead + `"emails":[` + parts(n, `{"value":"a%d","type":"work"}`) + `]}` }},
	{"URNs in paths", scim.Patch, eachOperation(`{"op":"add","path":"urn:a:b%d:2.0:User:c","value":"x"}`)},
	{"attributes in paths", scim.Patch, eachOperation(`{"op":"add","path":"a%d","value":"x"}`)},
	{"lists in paths", scim.Patch, eachOperation(`{"op":"add","path":"a%d","value":["x"]}`)},
	{"sub-attributes in paths", scim.Patch, eachOperation(`{"op":"add","path":"foo.a%d","value":"x"}`)},
	{"value paths", scim.Patch, eachOperation(`{"op":"add","path":"emails[type eq \"work\"].display","value":"x%d"}`)},
	{"value paths that find nothing", scim.Patch, eachOperation(`{"op":"add","path":"emails[type eq \"home\"].display","value":"x%d"}`)},
	{"adds to one list", scim.Patch, eachOperation(`{"op":"add","path":"roles","value":[{"value":"x%d"}]}`)},
	{"operations without a path", scim.Patch, eachOperation(`{"op":"add","value":{"urn:a:b%d:2.0:User":{"c":"x"}}}`)},
	{"URNs in keys", scim.Patch, keys(`"urn:a:b%d:2.0:User:c":"x"`)},
	{"objects of URNs", scim.Patch, keys(`"urn:a:b%d:2.0:User":{"c":"x"}`)},
	{"keys with a dot", scim.Patch, keys(`"` + enterpriseURI + `.a%d":"x"`)},
	{"lists in keys", scim.Patch, keys(`"a%d":["x"]`)},
	{"an extension's keys", scim.Patch, func(n int) string {
		return patchHead + `{"op":"add","path":"` + enterpriseURI + `","value":{` + parts(n, `"a%d":"x"`) + `}}]}`
	}},
	{"elements to remove", scim.Patch, func(n int) string {
		return patchHead + `{"op":"remove","path":"emails","value":[` + parts(n, `{"value":"x%d"}`) + `]}]}`
	}},
	{"elements of an unknown list", scim.Patch, func(n int) string {
		return patchHead + `{"op":"add","path":"foo","value":[` + parts(n, `{"value":"x%d"}`) + `]}]}`
	}},
	{"attributes that come and go", scim.Patch, comeAndGo("a%d")},
	{"attributes of an extension that come and go", scim.Patch, comeAndGo("urn:a:b:2.0:User:a%d")},
	{"extensions that come and go", scim.Patch, comeAndGo("urn:a:b%d:2.0:User:a")},
}

func parts(n int, format string) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf(format, i)
	}
	return strings.Join(all, ",")
}

func eachOperation(format string) func(int) string {
	return func(n int) string { return patchHead + parts(n, format) + `]}` }
}

func keys(format string) func(int) string {
	return func(n int) string { return patchHead + `{"op":"add","value":{` + parts(n, format) + `}}]}` }
}

func comeAndGo(path string) func(int) string {
	return func(n int) string {
		return patchHead + parts(n, `{"op":"add","path":"`+path+`","value":"x"}`) + "," + parts(n, `{"op":"remove","path":"`+path+`"}`) + `]}`
	}
}

// TestLinear takes documents with lists of every kind through all that is done about a request, and compares the time for
// sixteen times as many parts with the time for one, in one run and by the quickest of several: where something is done for
// each pair of parts it is 256 times as long. Others use the machine too, so that a suspicion is looked into again.
func TestLinear(t *testing.T) {
	n, err := quirks.New(quirks.Config{Profile: quirks.OneLogin, Enable: []string{"dotted-keys-create", "missing-element", "bare-extension", "empty-lists"}})
	if err != nil {
		t.Fatal(err)
	}
	const few, many = 250, 4000
	for _, c := range long {
		texts := [2][]byte{[]byte(c.text(few)), []byte(c.text(many))}
		took := [2]time.Duration{time.Hour, time.Hour}
		suspicious := func() bool { return took[1] > 110*took[0] }
		for round := 0; round < 3 || round < 12 && suspicious(); round++ {
			for i, text := range texts {
				start := time.Now()
				carryOut(t, n, c.verb, text)
				took[i] = min(took[i], time.Since(start))
			}
		}
		if suspicious() {
			t.Errorf("%s: %v for %d, %v for %d", c.name, took[0], few, took[1], many)
		}
	}
}

// carryOut does what is done about a request, whatever is refused on the way.
func carryOut(t *testing.T, n *quirks.Normalizer, verb scim.Verb, text []byte) {
	d, err := n.Scan(text, nil)
	if err != nil {
		t.Fatal(err)
	}
	rt := n.Schemas().User
	quirks.Deactivates(d)
	current := func() *doc.Node {
		d, err := doc.Scan([]byte(`{"schemas":["` + schema.UserURI + `"],"id":"1","userName":"a","emails":[{"type":"work","value":"w"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		return doc.Tree(d.Value())
	}
	if d, err = n.Body(rt, verb, "1", d, nil); err != nil {
		return
	}
	switch verb {
	case scim.Create:
		_, _ = patch.Create(d, rt)
	case scim.Replace:
		_, _ = patch.Replace(current(), d, rt)
	case scim.Patch:
		if len(n.NeedsElements(rt, d)) > 0 {
			_, _ = n.CreateElements(rt, d, current(), nil)
		}
		if ops, err := patch.Parse(d, rt); err == nil {
			_, _ = patch.Apply(current(), ops, rt)
		}
	}
}
