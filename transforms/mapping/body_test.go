package mapping_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-scim/gateway/transforms/mapping"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// A body that cannot be made as the mapping says is not the organization's fault, and it must not read as if it were.
func TestUnmadeBody(t *testing.T) {
	def := definition()
	def.User.Update = []mapping.CallDef{{Method: "PUT", URL: "/users/{id}", From: "cur", Edits: []mapping.EditDef{{Path: "owner.id", Value: "{id}"}}}}
	_, err := compile(t, def).User.Update[0].Request(&mapping.Env{ID: "7", Cur: value(t, `{"owner":"secret"}`), SCIM: node(t, ada)})
	wrong, ok := errors.AsType[*scim.Error](err)
	if !ok || wrong.Status != 500 {
		t.Fatalf("the error is %v", err)
	}
	want := `the mapping does not fit: user.update[0].edits[0] cannot be carried out: owner.id: there is a string where "id" should be`
	if diff := cmp.Diff(want, wrong.Detail); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
