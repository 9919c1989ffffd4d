package schema_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-scim/gateway/transforms/schema"
)

const contoso = "urn:ietf:params:scim:schemas:extension:Contoso:2.0:User"

func TestAttribute(t *testing.T) {
	set := schema.Standard()
	for _, c := range []struct {
		rt             *schema.ResourceType
		uri, name, sub string
		want           string // empty: unknown
		typ            schema.Type
	}{
		{set.User, "", "userName", "", "userName", schema.String},
		{set.User, "", "USERNAME", "", "userName", schema.String},
		{set.User, "", "active", "", "active", schema.Boolean},
		{set.User, "", "emails", "", "emails", schema.Complex},
		{set.User, "", "emails", "Primary", "primary", schema.Boolean},
		{set.User, "", "emails", "$ref", "", 0},
		{set.User, "", "addresses", "primary", "primary", schema.Boolean},
		{set.User, "", "name", "familyName", "familyName", schema.String},
		{set.User, "", "name", "active", "", 0},
		{set.User, "", "id", "", "id", schema.String},
		{set.User, "", "meta", "lastModified", "lastModified", schema.DateTime},
		{set.User, schema.UserURI, "externalId", "", "externalId", schema.String},
		{set.User, strings.ToLower(schema.EnterpriseURI), "manager", "VALUE", "value", schema.String},
		{set.User, schema.EnterpriseURI, "id", "", "", 0},
		{set.User, "", "manager", "", "", 0},
		{set.User, "urn:x:y", "userName", "", "", 0},
		{set.User, schema.GroupURI, "members", "", "", 0},
		{set.Group, "", "members", "$ref", "$ref", schema.Reference},
		{set.Group, "", "userName", "", "", 0},
		{set.User, "", "paſſword", "", "", 0}, // the long s is not an ASCII letter (T3)
	} {
		a := c.rt.Attribute(c.uri, c.name, c.sub)
		switch {
		case a == nil && c.want != "":
			t.Errorf("%s %q %s.%s is unknown", c.rt.Name, c.uri, c.name, c.sub)
		case a != nil && (a.Name != c.want || a.Type != c.typ):
			t.Errorf("%s %q %s.%s = %s (%s), want %q", c.rt.Name, c.uri, c.name, c.sub, a.Name, a.Type, c.want)
		}
	}
}

// TestStandard holds what RFC 7643 says of the whole.
func TestStandard(t *testing.T) {
	set := schema.Standard()
	seen := map[string]bool{}
	check := func(where string, attributes []*schema.Attribute, parent *schema.Attribute) {
		for _, a := range attributes {
			at := where + a.Name
			if seen[strings.ToLower(at)] {
				t.Errorf("%s is there twice", at)
			}
			seen[strings.ToLower(at)] = true
			if !schema.IsName(a.Name) || a.Description == "" {
				t.Errorf("%s has no proper name or no description", at)
			}
			if (a.Type == schema.Complex) != (len(a.Sub) > 0) {
				t.Errorf("%s: a complex attribute has sub-attributes, and no other has", at)
			}
			if parent != nil && a.Type == schema.Complex {
				t.Errorf("%s: complex inside complex (RFC 7643 §2.3.8)", at)
			}
			if (a.Type == schema.Reference) != (len(a.ReferenceTypes) > 0) {
				t.Errorf("%s: referenceTypes belong to references (RFC 7643 §7)", at)
			}
			if parent != nil && parent.Mutability == schema.ReadOnly && a.Mutability != schema.ReadOnly {
				t.Errorf("%s can be written inside what cannot", at)
			}
		}
	}
	all := func(prefix string, attributes []*schema.Attribute) {
		check(prefix, attributes, nil)
		for _, a := range attributes {
			check(prefix+a.Name+".", a.Sub, a)
		}
	}
	var common []*schema.Attribute
	for _, name := range []string{"schemas", "id", "externalId", "meta"} {
		common = append(common, set.User.Attribute("", name, ""))
	}
	all("", common)
	all("User ", set.User.Core.Attributes)
	all("Enterprise ", set.User.Extensions[0].Attributes)
	all("Group ", set.Group.Core.Attributes)
	if n := len(set.User.Core.Attributes); n != 21 {
		t.Errorf("RFC 7643 §4.1 has 21 attributes of a User, not %d", n)
	}
}

func TestSplitURN(t *testing.T) {
	set, err := schema.Standard().With(
		schema.Custom{Path: contoso + ":level", Type: "integer"},
		schema.Custom{Path: contoso + ":Badge:1.0:number"},
	)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		in, uri, rest string
		ok            bool
	}{
		{"userName", "", "userName", false},
		{"name.familyName", "", "name.familyName", false},
		{"urx:a", "", "urx:a", false},
		{"urn", "", "urn", false},
		{schema.EnterpriseURI + ":department", schema.EnterpriseURI, "department", true},
		{strings.ToUpper(schema.EnterpriseURI) + ":Manager.value", schema.EnterpriseURI, "Manager.value", true},
		{schema.UserURI + ":active", schema.UserURI, "active", true},
		{schema.EnterpriseURI, schema.EnterpriseURI, "", true},
		{contoso + ":level", contoso, "level", true},
		{contoso + ":Badge:1.0:number", contoso + ":Badge:1.0", "number", true}, // the longest wins
		{contoso + ":Badge", contoso, "Badge", true},
		{"urn:ietf:params:scim:schemas:extension:contoso:1.1:User:costCenter.code", "urn:ietf:params:scim:schemas:extension:contoso:1.1:User", "costCenter.code", true},
		{"urn:x", "urn", "x", true},
	} {
		uri, rest, ok := set.User.SplitURN(c.in)
		if uri != c.uri || rest != c.rest || ok != c.ok {
			t.Errorf("SplitURN(%q) = %q, %q, %v", c.in, uri, rest, ok)
		}
	}
	if known, rest := set.User.Prefix(schema.EnterpriseURI + ".department"); known == nil || known.ID != schema.EnterpriseURI || rest != ".department" {
		t.Errorf("Prefix does not see the dot of Q40: %v, %q", known, rest)
	}
	if known, rest := set.User.Prefix(schema.UserURI + "s:x"); known != nil || rest != schema.UserURI+"s:x" {
		t.Errorf("Prefix takes half a word for a URI: %v, %q", known, rest)
	}
}

func TestWith(t *testing.T) {
	standard := schema.Standard()
	set, err := standard.With(
		schema.Custom{Path: contoso + ":address.street"}, // before its parent: the order is the operator's
		schema.Custom{Path: contoso + ":address", Type: "complex"},
		schema.Custom{Path: contoso + ":level", Type: "INTEGER"},
		schema.Custom{Path: contoso + ":contacts", Type: "complex", MultiValued: true},
		schema.Custom{Path: "badge", Type: "reference"},
		schema.Custom{Path: "emails.verified", Type: "boolean"},
		schema.Custom{Resource: "group", Path: "description", CaseExact: true},
		schema.Custom{Path: schema.EnterpriseURI + ":vip", Type: "boolean"},
	)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		rt             *schema.ResourceType
		uri, name, sub string
		typ            schema.Type
	}{
		{set.User, contoso, "address", "street", schema.String},
		{set.User, contoso, "LEVEL", "", schema.Integer},
		{set.User, contoso, "contacts", "primary", schema.Boolean},
		{set.User, contoso, "contacts", "$ref", schema.Reference},
		{set.User, "", "badge", "", schema.Reference},
		{set.User, "", "emails", "verified", schema.Boolean},
		{set.Group, "", "description", "", schema.String},
		{set.User, schema.EnterpriseURI, "vip", "", schema.Boolean},
	} {
		if a := c.rt.Attribute(c.uri, c.name, c.sub); a == nil || a.Type != c.typ {
			t.Errorf("%s:%s.%s = %v", c.uri, c.name, c.sub, a)
		}
	}
	if s := set.User.Schema(contoso); s.Name != "Contoso" || len(set.User.Extensions) != 2 {
		t.Errorf("the new extension is %q, one of %d", s.Name, len(set.User.Extensions))
	}
	if d := cmp.Diff(schema.Standard(), standard); d != "" {
		t.Errorf("With changed the set it was called on:\n%s", d)
	}
	if _, err := set.With(schema.Custom{Path: contoso + ":level"}); err == nil {
		t.Error("With forgets what an earlier With declared")
	}
}

func TestWithErrors(t *testing.T) {
	for _, c := range []struct {
		custom schema.Custom
		want   string
	}{
		{schema.Custom{}, "not an attribute name"},
		{schema.Custom{Path: "a b"}, "not an attribute name"},
		{schema.Custom{Path: "__proto__"}, "not an attribute name"},
		{schema.Custom{Path: "1st"}, "not an attribute name"},
		{schema.Custom{Path: "a."}, "not an attribute name"},
		{schema.Custom{Path: "a.b.c"}, "not an attribute name"},
		{schema.Custom{Path: schema.EnterpriseURI}, "not an attribute name"},
		{schema.Custom{Path: schema.EnterpriseURI + ":manager:x"}, "is an attribute and no schema"},
		{schema.Custom{Path: "urn:x"}, "not the URI of a schema"},
		{schema.Custom{Path: "urn:x::y"}, "not the URI of a schema"},
		{schema.Custom{Path: "urn:a:b[c]:y"}, "not the URI of a schema"},
		{schema.Custom{Path: "x", Type: "text"}, `unknown type "text": one of string, boolean`},
		{schema.Custom{Path: "x", Resource: "Device"}, `unknown resource type "Device"`},
		{schema.Custom{Path: "userName"}, "exists already"},
		{schema.Custom{Path: "externalID"}, "exists already"},
		{schema.Custom{Path: schema.EnterpriseURI + ":Manager.value"}, "exists already"},
		{schema.Custom{Path: "meta.color"}, "cannot be extended"},
		{schema.Custom{Path: "nickName.x"}, "of type string"},
		{schema.Custom{Path: "box.x"}, "declare box as complex too"},
		{schema.Custom{Path: "name.x", Type: "complex"}, "cannot be complex"},
		{schema.Custom{Path: "box", Type: "complex"}, "declare its sub-attributes"},
		{schema.Custom{Path: schema.GroupURI + ":x"}, "resource type Group"},
		{schema.Custom{Path: schema.UserURI + ":x", Resource: "Group"}, "resource type User"},
	} {
		if _, err := schema.Standard().With(c.custom); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.custom, err, c.want)
		}
	}
	for _, pair := range [][2]string{
		{"urn:a:b:c", "urn:a:b:C"},   // the same twice
		{"urn:a:b:c:d", "urn:a:b:c"}, // urn:a:b:c would be a schema and an attribute
		{"urn:a:b:c", "urn:a:b:c:d"},
	} {
		if _, err := schema.Standard().With(schema.Custom{Path: pair[0]}, schema.Custom{Path: pair[1], Type: "boolean"}); err == nil {
			t.Errorf("%s and %s is no error", pair[0], pair[1])
		}
	}
}

func TestLookupDoesNotAllocate(t *testing.T) {
	rt := schema.Standard().User
	urn := strings.ToUpper(schema.EnterpriseURI) + ":manager.value"
	n := testing.AllocsPerRun(100, func() {
		uri, _, _ := rt.SplitURN(urn)
		rt.Attribute(uri, "manager", "value")
		rt.Attribute("", "x509Certificates", "PRIMARY")
		rt.Attribute("", "nobody", "")
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAttribute(b *testing.B) {
	rt := schema.Standard().User
	for b.Loop() {
		rt.Attribute("", "x509Certificates", "primary")
	}
}
