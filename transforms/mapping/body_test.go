package mapping_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-scim/gateway/transforms/mapping"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// A body that cannot be made as the mapping says is not the organization's fault, and it must not read as if it were. Whether
// there is a place for a line often depends on values, so that no check of the mapping can know.
func TestUnmadeBody(t *testing.T) {
	edit := func(action, path, value string) mapping.EditDef {
		return mapping.EditDef{Action: action, Path: path, Value: value}
	}
	for _, test := range []struct {
		edits []mapping.EditDef
		want  string
	}{
		{[]mapping.EditDef{edit("set", "owner.id", "{id}")}, `edits[0] cannot be carried out: owner.id: there is a string where "id" should be`},
		{[]mapping.EditDef{edit("append", "owner", "{id}")}, `edits[0] cannot be carried out: owner is no array`},
		{[]mapping.EditDef{edit("set", "tags", "[]"), edit("set", "tags.0", "{scim.userName}"), edit("set", "tags.0.name", "b")},
			`edits[2] cannot be carried out: tags.0.name: there is a string where "name" should be`},
		{[]mapping.EditDef{edit("set", "tags", `["a"]`), edit("set", "tags.2", "b")},
			`edits[1] cannot be carried out: tags.2: the array has too few elements for the index 2`},
		{[]mapping.EditDef{edit("set", "who", `{"is":"{scim.userName}"}`), edit("set", "who.is.id", "{id}")},
			`edits[1] cannot be carried out: who.is.id: there is a string where "id" should be`},
		{[]mapping.EditDef{edit("set", "tags", "{scim.userName}"), edit("append", "tags", "c")},
			`edits[1] cannot be carried out: tags is no array`},
	} {
		def := definition()
		def.User.Update = []mapping.CallDef{{Method: "PUT", URL: "/users/{id}", From: "cur", Edits: test.edits}}
		_, err := compile(t, def).User.Update[0].Request(&plan.Env{ID: "7", Cur: value(t, `{"owner":"secret"}`), SCIM: node(t, ada)})
		wrong, ok := errors.AsType[*scim.Error](err)
		if !ok || wrong.Status != 500 {
			t.Errorf("the error is %v", err)
			continue
		}
		if diff := cmp.Diff("the mapping does not fit: user.update[0]."+test.want, wrong.Detail); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
}

// Names in the organization's JSON are compared exactly, as the paths that read them: Name is another member than name.
func TestBodyKeepsSpelling(t *testing.T) {
	def := definition()
	def.User.Update = []mapping.CallDef{{Method: "PUT", URL: "/users/{id}", From: "cur", Edits: []mapping.EditDef{
		{Path: "Name", Value: "{scim.userName}"}, {Path: "id", Value: "{id|int}"},
	}}}
	req, err := compile(t, def).User.Update[0].Request(&plan.Env{ID: "9007199254740993", Cur: value(t, `{"name": "a", "n": 1e400}`), SCIM: node(t, `{"userName":"b"}`)})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(`{"name": "a", "n": 1e400,"Name":"b","id":9007199254740993}`, string(req.Body)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
