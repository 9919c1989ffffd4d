package quirks_test

import (
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/patch"
	"github.com/caddy-scim/gateway/transforms/quirks"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// routes are the ways in which an operation may say the same about an attribute of the core schema.
var routes = map[string]string{
	"path":                       `{"op":%[1]q,"path":%[2]q,"value":%[3]s}`,
	"no path":                    `{"op":%[1]q,"value":{%[2]q:%[3]s}}`,
	"no path, in a list":         `{"op":%[1]q,"value":[{%[2]q:%[3]s}]}`,
	"no path, beside a path":     `{"op":%[1]q,"value":{%[2]q:%[3]s,"name.middleName":"m"}}`,
	"URN in the path":            `{"op":%[1]q,"path":"urn:ietf:params:scim:schemas:core:2.0:User:%[2]s","value":%[3]s}`,
	"URN in the key":             `{"op":%[1]q,"value":{"urn:ietf:params:scim:schemas:core:2.0:User:%[2]s":%[3]s}}`,
	"object of the core":         `{"op":%[1]q,"value":{"urn:ietf:params:scim:schemas:core:2.0:User":{%[2]q:%[3]s}}}`,
	"path of the core":           `{"op":%[1]q,"path":"urn:ietf:params:scim:schemas:core:2.0:User","value":{%[2]q:%[3]s}}`,
	"path of the core, and more": `{"op":%[1]q,"path":"urn:ietf:params:scim:schemas:core:2.0:User","value":{%[2]q:%[3]s,"name.middleName":"m"}}`,
}

// TestValueOnEveryRoute checks that a value becomes the same whatever way it comes: rules look at the change, not at its form.
func TestValueOnEveryRoute(t *testing.T) {
	attributes := []string{"active", "title", "emails", "roles", "name", "profileUrl", "Addresses", "userName"}
	values := append([]string{`{"givenName":"g","FamilyName":null}`, `"Vrai"`, `{"formatted":"x"}`, `[{"type":"work","primary":"True"}]`}, denseValues...)
	rapid.Check(t, func(rt *rapid.T) {
		optional := []string{"null-boolean", "empty-string", "number-string", "roles-json", "roles-display", "localized-boolean", "strip-id"}
		enable := rapid.SliceOfNDistinct(rapid.SampledFrom(optional), 0, 4, rapid.ID).Draw(rt, "enable")
		n := newNormalizer(t, quirks.Config{Profile: rapid.SampledFrom(quirks.Profiles()).Draw(rt, "profile"), Enable: enable})
		op := rapid.SampledFrom([]string{"add", "replace", "Replace"}).Draw(rt, "op")
		attribute := rapid.SampledFrom(attributes).Draw(rt, "attribute")
		value := rapid.SampledFrom(values).Draw(rt, "value")
		want := ""
		for _, route := range []string{"path", "no path", "no path, in a list", "no path, beside a path", "URN in the path", "URN in the key", "object of the core", "path of the core", "path of the core, and more"} {
			text := fmt.Sprintf(routes[route], op, attribute, value)
			d, err := doc.Scan([]byte(patchHead + text + `]}`))
			if err != nil {
				rt.Fatal(err)
			}
			got := outcomeOf(n.Body(n.Schemas().User, scim.Patch, "x", d, nil))(n.Schemas().User)
			if want == "" {
				want = got
			}
			if got != want {
				rt.Errorf("%s\n%s gives %s\nas a path %s", text, route, got, want)
			}
		}
	})
}

// outcomeOf is what a normalized PATCH makes of a user, or the kind of error.
func outcomeOf(d doc.Doc, err error) func(rt *schema.ResourceType) string {
	return func(rt *schema.ResourceType) string {
		res := doc.NewObject()
		if err == nil {
			var ops []patch.Operation
			if ops, err = patch.Parse(d, rt); err == nil {
				_, err = patch.Apply(res, ops, rt)
			}
		}
		if e, ok := errors.AsType[*scim.Error](err); ok {
			return fmt.Sprint(e.Status, " ", e.Type)
		}
		if name := res.Get("name"); name != nil {
			name.Delete("middleName")
			if name.Len() == 0 {
				res.Delete("name")
			}
		}
		return string(res.AppendTo(nil))
	}
}
