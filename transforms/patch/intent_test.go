package patch_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-scim/gateway/transforms/patch"
	"github.com/caddy-scim/gateway/transforms/quirks"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

func TestWhatWasMeantIsWhatIsDone(t *testing.T) {
	// What is refused by the schema, or by the RFC, whatever was meant.
	refused := []string{"E07", "E08", "E71", "E119", "H41"}
	set, err := schema.Standard().With(schema.Custom{Path: "urn:ietf:params:scim:schemas:extension:Contoso:2.0:User:level", Type: "integer"})
	if err != nil {
		t.Fatal(err)
	}
	normalizer, err := quirks.New(quirks.Config{Profile: "entra", Schemas: set})
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, row := range corpus(t) {
		if row.Sent == nil || slices.Contains(refused, row.ID) || row.Action == "policy" && row.Default != "on" {
			continue
		}
		tried++
		t.Run(row.ID, func(t *testing.T) {
			_, models := models(row.Type)
			rt := set.User
			if row.Type == "Group" {
				rt = set.Group
			}
			for _, model := range models {
				id := tree(t, model).Get("id").Text()
				want := intent(decoded(t, []byte(model)).(map[string]any))
				want.apply(decoded(t, row.Sent).(map[string]any))

				run := func(how string, body []byte) {
					d, err := normalizer.Body(rt, scim.Patch, id, scan(t, string(body)), nil)
					if err != nil {
						t.Fatalf("%s: %s: %v", row.Title, how, err)
					}
					ops, err := patch.Parse(d, rt)
					if err != nil {
						t.Fatalf("%s: %s: %v in %s", row.Title, how, err, d.Raw())
					}
					res := tree(t, model)
					if _, err := patch.Apply(res, ops, rt); err != nil {
						t.Fatalf("%s: %s: %v", row.Title, how, err)
					}
					got := decoded(t, res.AppendTo(nil)).(map[string]any)
					delete(got, "schemas")
					if diff := cmp.Diff(plain(want), plain(got)); diff != "" {
						t.Errorf("%s: %s: %s\n%s\n%s", row.Title, how, diff, body, d.Raw())
					}
				}
				delete(want, "schemas")
				run("as sent", row.Sent)
				run("canonical", []byte(envelope(string(row.Ops))))
			}
		})
	}
	if tried < 80 {
		t.Errorf("only %d requests were tried", tried)
	}
}
