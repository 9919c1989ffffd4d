package quirks_test

import (
	"testing"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/quirks"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// An element is made only where all that the operation brings goes into it, and where it is what the path asks for. Anything
// else is for the upstream to judge, as it came.
func TestMissingElements(t *testing.T) {
	const (
		user  = `{"id":"1","userName":"a"}`
		group = `{"id":"1","displayName":"g","members":[{"value":"u1"}]}`
		same  = ""
	)
	n := newNormalizer(t, quirks.Config{Enable: []string{"missing-element"}})
	for _, c := range []struct {
		name, current, op, want string
	}{
		{"a member", group, `{"op":"replace","path":"members[value eq \"u9\"].display","value":"x"}`, same},
		{"a member as a whole", group, `{"op":"add","path":"members[value eq \"u9\"]","value":{"display":"x"}}`, same},
		{"a text", user, `{"op":"replace","path":"emails[type eq \"work\"]","value":"a@x"}`,
			`{"op":"add","path":"emails","value":[{"type":"work","value":"a@x"}]}`},
		{"a list of one", user, `{"op":"replace","path":"emails[type eq \"work\"]","value":[{"value":"a@x","display":null}]}`,
			`{"op":"add","path":"emails","value":[{"type":"work","value":"a@x"}]}`},
		{"a list of one text", user, `{"op":"add","path":"emails[type eq \"work\"]","value":["a@x"]}`,
			`{"op":"add","path":"emails","value":[{"type":"work","value":"a@x"}]}`},
		{"a list of two", user, `{"op":"replace","path":"emails[type eq \"work\"]","value":[{"value":"a@x"},{"value":"b@x"}]}`, same},
		{"an empty list", user, `{"op":"replace","path":"emails[type eq \"work\"]","value":[]}`, same},
		{"an empty object", user, `{"op":"replace","path":"emails[type eq \"work\"]","value":{}}`, same},
		{"a text for an element without a value", user, `{"op":"replace","path":"addresses[type eq \"work\"]","value":"x"}`, same},
		{"a number", user, `{"op":"replace","path":"emails[type eq \"work\"]","value":7}`, same},
		{"null", user, `{"op":"add","path":"emails[type eq \"work\"].value","value":null}`, same},
		{"a text and a part", user, `{"op":"replace","path":"emails[type eq \"work\"]","value":"a@x"},{"op":"add","path":"emails[type eq \"work\"].display","value":"A"}`,
			`{"op":"add","path":"emails","value":[{"type":"work","value":"a@x","display":"A"}]}`},
		{"a contradiction", user, `{"op":"add","path":"emails[type eq \"work\" and type eq \"other\"].value","value":"a@x"}`, same},
		{"said twice", user, `{"op":"add","path":"emails[type eq \"work\" and type eq \"work\"].value","value":"a@x"}`,
			`{"op":"add","path":"emails","value":[{"type":"work","value":"a@x"}]}`},
		{"a value that contradicts", user, `{"op":"add","path":"emails[type eq \"work\"]","value":{"type":"other","value":"a@x"}}`, same},
		{"one object for the list", `{"id":"1","phoneNumbers":{"type":"work","value":"1"}}`,
			`{"op":"replace","path":"phoneNumbers[type eq \"work\"].value","value":"2"}`, same},
		{"another object for the list", `{"id":"1","phoneNumbers":{"type":"home","value":"1"}}`,
			`{"op":"replace","path":"phoneNumbers[type eq \"work\"].value","value":"2"}`,
			`{"op":"add","path":"phoneNumbers","value":[{"type":"work","value":"2"}]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			rt := schema.Standard().User
			if c.current == group {
				rt = schema.Standard().Group
			}
			d := patchOf(t, c.op)
			want := c.want
			if want == same {
				want = c.op
			}
			out, err := n.CreateElements(rt, d, doc.Tree(scanned(t, []byte(c.current))), nil)
			if got := string(out.Raw()); err != nil || got != string(patchOf(t, want).Raw()) {
				t.Errorf("got %s, %v", got, err)
			}
		})
	}
	if needs := n.NeedsElements(schema.Standard().Group, patchOf(t, `{"op":"replace","path":"members[value eq \"u9\"].display","value":"x"}`)); needs != nil {
		t.Errorf("%q is read for nothing", needs)
	}
}
