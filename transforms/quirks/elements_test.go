package quirks_test

import (
	"strings"
	"testing"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/quirks"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// TestMembersInAnyForm checks that a member is the same one in whatever form it comes: alone or in a list, an object or
// not, a number or a string.
func TestMembersInAnyForm(t *testing.T) {
	n := newNormalizer(t, quirks.Config{Profile: quirks.Entra, Enable: []string{"member-number"}})
	member := func(op, value string) string { return `{"op":"` + op + `","path":"members","value":` + value + `}` }
	for _, value := range []string{`{"value":2}`, `{"value":"2"}`, `"2"`, `2`, `[{"value":2}]`, `[2]`, `[2,{"value":"2"}]`, `[{"value":2},{"value":"2"}]`, `["2",2]`,
		`[{"value":"2"},{"value":2,"display":"x"},2]`, `{"members":[2,"2"]}`, `{"members":{"value":2}}`} {
		out, err := checkBody(t, n, n.Schemas().Group, scim.Patch, []byte(patchHead+member("add", value)+`]}`))
		if want := patchHead + member("add", `[{"value":"2"}]`) + `]}`; err != nil || string(out) != want {
			t.Errorf("add %s: %v\n%s, want\n%s", value, err, out, want)
		}
		out, err = checkBody(t, n, n.Schemas().Group, scim.Patch, []byte(patchHead+member("remove", value)+`]}`))
		if want := patchHead + `{"op":"remove","path":"members[value eq \"2\"]"}]}`; err != nil || string(out) != want {
			t.Errorf("remove %s: %v\n%s, want\n%s", value, err, out, want)
		}
	}
	for _, value := range []string{`{"value":"a\u0000b"}`, `"a\u0000b"`, `[{"value":"a\u0000b"}]`, `["a\u0000b"]`, `{"members":{"value":"a\u0000b"}}`} {
		for _, op := range []string{"add", "remove"} {
			_, err := checkBody(t, n, n.Schemas().Group, scim.Patch, []byte(patchHead+member(op, value)+`]}`))
			if err == nil || !strings.Contains(err.Error(), "control characters") {
				t.Errorf("%s %s: %v", op, value, err)
			}
		}
	}
}

// TestMemberInThePath checks that an add that says in its path who is added needs no value, and is not lost for want of
// one (RFC 7644 §3.5.2.1). Whatever value it has is not told here from any other.
func TestMemberInThePath(t *testing.T) {
	n := newNormalizer(t, quirks.Config{Profile: quirks.Entra})
	for _, value := range []string{``, `,"value":null`, `,"value":{}`, `,"value":[{"value":"2"}]`} {
		in := patchHead + `{"op":"add","path":"members[value eq \"2\"]"` + value + `}]}`
		if out, err := checkBody(t, n, n.Schemas().Group, scim.Patch, []byte(in)); err != nil || string(out) != in {
			t.Errorf("%s became %s, %v", in, out, err)
		}
	}
	for _, path := range []string{`members`, `members[type eq \"User\"]`, `members[value ne \"2\"]`, `members[value eq \"2\"].display`, `displayName`} {
		in := patchHead + `{"op":"add","path":"` + path + `"}]}`
		if out, err := checkBody(t, n, n.Schemas().Group, scim.Patch, []byte(in)); err == nil {
			t.Errorf("%s became %s", in, out)
		}
	}
	in := patchHead + `{"op":"replace","path":"members[value eq \"2\"]"}]}`
	if out, err := checkBody(t, n, n.Schemas().Group, scim.Patch, []byte(in)); err == nil {
		t.Errorf("%s became %s", in, out)
	}
}

// TestMembersInsideOfAnObject checks that the members of an object are not mixed up with those of the objects inside of it.
func TestMembersInsideOfAnObject(t *testing.T) {
	set, err := schema.Standard().With(schema.Custom{Path: "box", Type: "complex"}, schema.Custom{Path: "box.label"},
		schema.Custom{Path: "box.members", MultiValued: true}, schema.Custom{Path: "box.closed", Type: "boolean"})
	if err != nil {
		t.Fatal(err)
	}
	n := newNormalizer(t, quirks.Config{Profile: quirks.Entra, Schemas: set})
	in := `{"op":"add","path":"box","value":{"members":[{"a":1,"b":[2],"value":"x","c":3},{"value":"y"},"z"],"LABEL":"l","$ref":null,"Closed":"True"}}]}`
	want := `{"op":"add","path":"box","value":{"members":[{"a":1,"b":[2],"value":"x","c":3},{"value":"y"},"z"],"label":"l","closed":true}}]}`
	if out, err := checkBody(t, n, set.User, scim.Patch, []byte(patchHead+in)); err != nil || string(out) != patchHead+want {
		t.Errorf("%v\n%s, want\n%s", err, out, patchHead+want)
	}
}

// TestTextThatHoldsJSON checks that a role whose text is JSON of a hostile kind (H9) stays the text that it is: what is
// inside has limits of its own.
func TestTextThatHoldsJSON(t *testing.T) {
	n := newNormalizer(t, quirks.Config{Profile: quirks.Entra, Enable: []string{"roles-json"}})
	roles := func(inner string) []byte {
		return []byte(patchHead + `{"op":"add","path":"roles","value":[{"value":` + string(doc.AppendString(nil, inner)) + `}]}]}`)
	}
	if out, err := checkBody(t, n, n.Schemas().User, scim.Patch, roles(`{"value":"25"}`)); err != nil || !strings.Contains(string(out), `[{"value":"25"}]`) {
		t.Errorf("a role as Entra sends it: %v\n%s", err, out)
	}
	for name, inner := range map[string]string{
		"deep":              strings.Repeat(`{"value":`, 1000) + `"25"` + strings.Repeat(`}`, 1000),
		"long":              `{"value":"` + strings.Repeat("x", 1<<20) + `"}`,
		"two of a name":     `{"value":"25","value":"26"}`,
		"half a character":  `{"value":"\ud800"}`,
		"a number":          `{"value":1e400}`,
		"another key":       `{"value":"25","primary":"true"}`,
		"JSON in JSON":      `"{\"value\":\"25\"}"`,
		"broken":            `{"value":"25"`,
		"more than one":     `{"value":"25"}{"value":"26"}`,
		"a list":            `[{"value":"25"}]`,
		"nothing":           `{}`,
		"no text":           `{"value":null}`,
		"with control keys": "{\"value\u0000\":\"25\"}",
	} {
		in := roles(inner)
		out, err := checkBody(t, n, n.Schemas().User, scim.Patch, in)
		if err != nil || string(out) != string(in) {
			t.Errorf("%s: %v, became %.300s", name, err, out)
		}
	}
}
