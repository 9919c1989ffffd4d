package quirks_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/quirks"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// The requests here are made of nothing but what rules look at, so that rules meet each other far more often than in
// requests that are like real ones. What they have to keep is in checkBody.
const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

var (
	denseKeys = []string{`"True"`, `"` + enterprise + `"`, `"` + enterprise + `:manager"`, `"` + enterprise + `.manager"`, `"` + enterprise + `:manager.value"`,
		`"urn:ietf:params:scim:schemas:extension:enterprise:2.0User"`, `"urn:ietf:params:scim:schemas:extension:enterprise:2.0User:department"`,
		`"URN:x:y:z"`, `"manager"`, `"department"`, `"schemas"`, `"id"`, `"emails"`, `"Emails"`, `"name.givenName"`, `"name"`, `"Name.FamilyName"`,
		`"urn:ietf:params:scim:schemas:core:2.0:User:active"`, `"urn:ietf:params:scim:schemas:core:2.0:User"`, `"active"`, `"members"`, `"roles"`, `"meta"`,
		`"title"`, `"password"`, `"externalId"`, `"emails[type eq \"work\"].value"`, `"emails[type eq work]"`, `"roles[primary eq \"True\"].value"`,
		`"emails.value"`, `""`, `"a b"`, `"paſſword"`, `"members[value eq \"x\"]"`, `"urn:ietf:params:scim:schemas:extension:Contoso:2.0:User:level"`, `"\u0061ctive"`}
	denseValues = []string{`"True"`, `"False"`, `"Faux"`, `"yes"`, `""`, `null`, `{}`, `[]`, `true`, `0`, `42`, `"x"`, `"7"`, `"007"`, `{"manager":""}`, `{"manager":{"value":""}}`,
		`{"manager":"x","department":null}`, `{"Department":"x"}`, `{"value":"x"}`, `{"Value":"x","$ref":null}`, `{"value":""}`, `[{"value":"x","primary":true}]`,
		`[{"value":"x","primary":"True"},{"value":"y","primary":"true"}]`, `[{}]`, `[null]`, `["x","x","y"]`, `["x"]`, `[{"value":"x"},{"value":"x","display":"y"}]`,
		`[{"$ref":null,"value":"x"},{"$ref":null,"value":"y"},{"$ref":null,"value":"z"},{"$ref":null,"value":"y"}]`, `[{"$ref":null,"value":""}]`,
		`[{"$ref":null,"value":"False"}]`, `[{"value":null}]`, `[{"value":["x"]}]`, `[[{"value":"x"}]]`, `[{"value":42},43]`, `{"members":[{"value":"x"}]}`,
		`{"members":{"members":["x"]}}`, `[{"value":"{\"value\":\"25\",\"displayName\":\"R\"}"}]`, `[{"value":"25","displayName":"R"}]`, `"5171a35d82074e068ce2"`,
		`[{"value":"5171a35d82074e068ce2"}]`, `"a\u0000"`, `["a\u0000"]`, `["` + schema.UserURI + `"]`, `{"givenName":null,"FamilyName":"x"}`, `{"a":{"b":[1,2]}}`,
		`[{"type":"work","value":"a","primary":"False"},"b"]`, `{"value":42}`, `{"value":"a\u0000"}`, `[{"value":42},{"value":"42"},"42",42,{"value":7,"display":"x"}]`,
		`"{\"value\":\"25\",\"displayName\":\"R\"}"`, `["{\"id\":\"1\",\"value\":\"25\"}","x","{\"value\":\"{}\"}"]`}
	denseOps = []string{`"add"`, `"replace"`, `"remove"`, `"Add"`, `"Replace"`, `"Remove"`, `"REMOVE"`, `"delete"`, `" add "`, `"r\u0065place"`, `"move"`}
)

func denseNormalizer(t testing.TB, rt *rapid.T) *quirks.Normalizer {
	var ids []string
	for _, r := range quirks.Rules() {
		ids = append(ids, r.ID)
	}
	enable := rapid.SliceOfNDistinct(rapid.SampledFrom(ids), 0, 20, rapid.ID).Draw(rt, "enable")
	disable := slices.DeleteFunc(rapid.SliceOfNDistinct(rapid.SampledFrom(ids), 0, 6, rapid.ID).Draw(rt, "disable"),
		func(id string) bool { return slices.Contains(enable, id) })
	set, err := schema.Standard().With(schema.Custom{Path: "urn:ietf:params:scim:schemas:extension:Contoso:2.0:User:level", Type: "integer"},
		schema.Custom{Path: "urn:ietf:params:scim:schemas:extension:Contoso:2.0:User:tags", MultiValued: true},
		schema.Custom{Path: "urn:ietf:params:scim:schemas:extension:Contoso:2.0:User:numbers", Type: "integer", MultiValued: true})
	if err != nil {
		t.Fatal(err)
	}
	return newNormalizer(t, quirks.Config{Profile: rapid.SampledFrom(quirks.Profiles()).Draw(rt, "profile"), Enable: enable, Disable: disable, Schemas: set})
}

func denseObject(rt *rapid.T, keys int) string {
	var fields []string
	for _, key := range rapid.SliceOfNDistinct(rapid.SampledFrom(denseKeys), 0, keys, rapid.ID).Draw(rt, "keys") {
		fields = append(fields, key+":"+rapid.SampledFrom(denseValues).Draw(rt, "value"))
	}
	return "{" + strings.Join(fields, ",") + "}"
}

func TestDenseResources(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := []byte(denseObject(rt, 5))
		if _, err := doc.Scan(text); err != nil {
			return
		}
		n := denseNormalizer(t, rt)
		for _, typ := range []*schema.ResourceType{n.Schemas().User, n.Schemas().Group} {
			for _, verb := range []scim.Verb{scim.Create, scim.Replace} {
				checkBody(failer{t, rt}, n, typ, verb, text)
			}
		}
	})
}

func TestDensePatches(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var ops []string
		for range rapid.IntRange(0, 4).Draw(rt, "operations") {
			op := `"op":` + rapid.SampledFrom(denseOps).Draw(rt, "op")
			value := rapid.SampledFrom(denseValues).Draw(rt, "value")
			if rapid.Bool().Draw(rt, "object") {
				value = denseObject(rt, 4)
			}
			parts := []string{op, `"path":` + rapid.SampledFrom(append(denseKeys, `null`)).Draw(rt, "path"), `"value":` + value, `"name":"x"`}
			switch rapid.IntRange(0, 5).Draw(rt, "form") {
			case 0:
				parts = parts[:2]
			case 1:
				parts = []string{parts[0], parts[2]}
			case 2:
				parts = []string{parts[2], parts[1], parts[0]}
			case 3:
				parts = []string{parts[3], ` "Path"` + parts[1][6:], parts[0], parts[2]}
			default:
				parts = parts[:3]
			}
			ops = append(ops, "{"+strings.Join(parts, ",")+"}")
		}
		head := rapid.SampledFrom([]string{patchHead, `{"Operations" : [`, `{"id":"x","operations":[`}).Draw(rt, "head")
		text := []byte(head + strings.Join(ops, ",") + `]}`)
		if _, err := doc.Scan(text); err != nil {
			return
		}
		n := denseNormalizer(t, rt)
		for _, typ := range []*schema.ResourceType{n.Schemas().User, n.Schemas().Group} {
			checkBody(failer{t, rt}, n, typ, scim.Patch, text)
		}
	})
}
