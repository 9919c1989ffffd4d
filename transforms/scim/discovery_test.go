package scim_test

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

const base = "https://scim.example.com/scim/v2"

func decode(t *testing.T, b []byte) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	return v
}

func TestServiceProviderConfig(t *testing.T) {
	got := scim.ServiceProviderConfig(scim.Features{
		Patch: true, Filter: true, MaxResults: 100,
	}, base)
	want := `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],` +
		`"patch":{"supported":true},"bulk":{"supported":false,"maxOperations":0,"maxPayloadSize":0},"filter":{"supported":true,"maxResults":100},` +
		`"changePassword":{"supported":false},"sort":{"supported":false},"etag":{"supported":false},` +
		`"authenticationSchemes":[{"type":"oauthbearertoken","name":"SCIM API key","description":"The SCIM API key as a bearer token in the Authorization header.",` +
		`"specUri":"https://www.rfc-editor.org/info/rfc6750","primary":true}],` +
		`"meta":{"resourceType":"ServiceProviderConfig","location":"https://scim.example.com/scim/v2/ServiceProviderConfig"}}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	with := string(scim.ServiceProviderConfig(scim.Features{Clients: true}, base))
	if !strings.Contains(with, `"primary":true},{"type":"oauth2","name":"OAuth 2.0 client credentials"`) {
		t.Errorf("with clients: %s", with)
	}
}

// advertised lists a schema's attributes as "name mutability", sub-attributes dotted.
func advertised(t *testing.T, f scim.Features, uri string) []string {
	t.Helper()
	b, err := scim.Schema(schema.Standard(), f, base, uri)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	var walk func(prefix string, attributes any)
	walk = func(prefix string, attributes any) {
		for _, a := range attributes.([]any) {
			a := a.(map[string]any)
			list = append(list, prefix+a["name"].(string)+" "+a["mutability"].(string))
			if sub, ok := a["subAttributes"]; ok {
				walk(prefix+a["name"].(string)+".", sub)
			}
		}
	}
	walk("", decode(t, b)["attributes"])
	return list
}

func TestFeaturesShapeTheSchemas(t *testing.T) {
	kept := map[string]bool{"userName.": true, "active.": true, "emails.value": true, "emails.primary": true, "name.formatted": true}
	f := scim.Features{
		Keeps: func(rt *schema.ResourceType, uri, name, sub string) bool {
			return rt.Name == "User" && uri == "" && kept[name+"."+sub]
		},
		Shape: func(_ *schema.ResourceType, _, name, sub string, a *schema.Attribute) {
			if name == "name" || sub == "primary" {
				a.Mutability = schema.ReadOnly
			}
		},
	}
	want := []string{"userName readWrite", "name readOnly", "name.formatted readOnly", "active readWrite", "emails readWrite", "emails.value readWrite", "emails.primary readOnly"}
	if diff := cmp.Diff(want, advertised(t, f, scim.UserSchema)); diff != "" {
		t.Error(diff)
	}
	if _, err := scim.Schema(schema.Standard(), f, base, scim.GroupSchema); err == nil {
		t.Error("a resource type of which nothing is kept was advertised")
	}
	if _, err := scim.Schema(schema.Standard(), f, base, scim.EnterpriseSchema); err == nil {
		t.Error("an extension of which nothing is kept was advertised")
	}
	types := decode(t, scim.ResourceTypes(schema.Standard(), f, base))
	if types["totalResults"] != 1.0 {
		t.Errorf("want the resource type User alone, got %v", types)
	}
	if ext := types["Resources"].([]any)[0].(map[string]any)["schemaExtensions"].([]any); len(ext) != 0 {
		t.Errorf("want no extension, got %v", ext)
	}
	if got := schema.Standard().User.Attribute("", "name", ""); got.Mutability != schema.ReadWrite {
		t.Error("the set itself was changed")
	}
}

func TestResourceType(t *testing.T) {
	got, err := scim.ResourceType(schema.Standard(), scim.Features{}, base, "User")
	if err != nil {
		t.Fatal(err)
	}
	want := `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],"id":"User","name":"User","endpoint":"/Users","description":"User Account",` +
		`"schema":"urn:ietf:params:scim:schemas:core:2.0:User","schemaExtensions":[{"schema":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User","required":false}],` +
		`"meta":{"resourceType":"ResourceType","location":"https://scim.example.com/scim/v2/ResourceTypes/User"}}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	_, err = scim.ResourceType(schema.Standard(), scim.Features{}, base, "Device")
	if e, ok := errors.AsType[*scim.Error](err); !ok || e.Status != 404 {
		t.Errorf("want 404, got %v", err)
	}
}

// Entra's schema discovery wants neither nulls nor names in other than camel case (Q13), and RFC 7643 §7 says which
// characteristics every attribute has.
func TestSchemaDocuments(t *testing.T) {
	camel := regexp.MustCompile(`^[a-z][a-zA-Z0-9]*$|^\$ref$|^Resources$`)
	var walk func(where string, v any)
	walk = func(where string, v any) {
		switch v := v.(type) {
		case nil:
			t.Errorf("%s is null", where)
		case []any:
			for _, item := range v {
				walk(where+"[]", item)
			}
		case map[string]any:
			for key, item := range v {
				if !camel.MatchString(key) {
					t.Errorf("%s has the key %q", where, key)
				}
				walk(where+"."+key, item)
			}
			if _, attribute := v["multiValued"]; attribute {
				for _, key := range []string{"name", "type", "description", "required", "mutability", "returned", "uniqueness"} {
					if v[key] == nil {
						t.Errorf("%s %v lacks %s", where, v["name"], key)
					}
				}
				if (v["type"] == "complex") != (v["subAttributes"] != nil) {
					t.Errorf("%v: only complex attributes have sub-attributes", v["name"])
				}
			}
		}
	}
	set := schema.Standard()
	all := decode(t, scim.Schemas(set, scim.Features{}, base))
	walk("", all)
	walk("", decode(t, scim.ResourceTypes(set, scim.Features{}, base)))
	walk("", decode(t, scim.ServiceProviderConfig(scim.Features{}, base)))
	if all["totalResults"] != 3.0 {
		t.Errorf("want three schemas, got %v", all["totalResults"])
	}
	for _, s := range all["Resources"].([]any) {
		s := s.(map[string]any)
		one, err := scim.Schema(set, scim.Features{}, base, s["id"].(string))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(s, decode(t, one)); diff != "" {
			t.Errorf("listed and read alone differ: %s", diff)
		}
		if want := base + "/Schemas/" + s["id"].(string); s["meta"].(map[string]any)["location"] != want {
			t.Errorf("want location %s, got %v", want, s["meta"])
		}
	}
}

func TestErrorBody(t *testing.T) {
	got := scim.Errorf(400, scim.InvalidPath, "no attribute %q", "x").Body()
	want := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"400","scimType":"invalidPath","detail":"no attribute \"x\""}`
	if string(got) != want {
		t.Errorf("got %s", got)
	}
}
