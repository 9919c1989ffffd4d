package integration

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-scim/gateway/integration/entra"
	engine "github.com/caddy-scim/gateway/module/provision"
)

// TestDrift: who was invited, removed or renamed past the provider is told, and who waits; asking changes nothing.
func TestDrift(t *testing.T) {
	s := startOperated(t, gateway("", "organization acme\nview_ttl off\n"+bitwarden)+organization)
	c, api := s.entra("/scim"), newPublicAPI(t, s, "")
	drift := func(flags ...string) (d engine.Drift) {
		t.Helper()
		out := s.must(append([]string{"drift", "--json"}, flags...)...)
		if err := json.Unmarshal([]byte(out), &d); err != nil {
			t.Fatalf("%v in %s", err, out)
		}
		return d
	}
	if d := drift(); d.Users != 0 || !strings.Contains(strings.Join(d.NotKnown, "\n"), "nobody has asked for a list") {
		t.Errorf("before anything was read: %+v", d)
	}

	ids := map[string]string{}
	for _, name := range []string{"ada", "ben", "cyd"} {
		active := any(true)
		if name == "cyd" {
			active = false
		}
		res, err := c.Do(http.MethodPost, "/Users", map[string]any{
			"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:User"}, "userName": name + "@example.com", "active": active,
			"displayName": name + " E.", "externalId": "ext-" + name, "emails": []any{map[string]any{"type": "work", "value": name + "@example.com", "primary": true}},
		})
		if err != nil || res.Status != 201 {
			t.Fatalf("%s: %v, %s", name, err, res.Raw)
		}
		ids[name] = res.ID()
	}
	api.do(t, http.MethodPost, "/members", map[string]any{"email": "dora@example.com", "type": 2, "collections": []any{}, "groups": []any{}}, nil)
	api.do(t, http.MethodDelete, "/members/"+ids["ben"], nil, nil)
	look := func() *entra.Response {
		res, err := c.Do(http.MethodGet, "/Users", nil)
		if err != nil || res.Status != 200 {
			t.Fatalf("%v, %s", err, res.Raw)
		}
		return res
	}
	look()

	d := drift("--older", "0s")
	of := func(all []engine.Drifted, id string) bool {
		return slices.ContainsFunc(all, func(one engine.Drifted) bool { return one.ID == id && one.Resource == "User" })
	}
	switch {
	case len(d.NeverProvisioned) != 2 || d.NeverProvisioned[0].Name != "owner@example.com" || d.NeverProvisioned[1].Name != "dora@example.com":
		t.Errorf("never provisioned: %+v", d.NeverProvisioned)
	case len(d.Gone) != 1 || !of(d.Gone, ids["ben"]):
		t.Errorf("gone: %+v", d.Gone)
	case len(d.Waiting) != 1 || !of(d.Waiting, ids["cyd"]) || d.Waiting[0].Name != "cyd@example.com":
		t.Errorf("waiting: %+v", d.Waiting)
	case d.Users != 3 || len(d.Changed) != 0:
		t.Errorf("users: %+v", d)
	}
	out := s.must("drift", "--older", "0s")
	for _, want := range []string{"3 users and 0 groups", "dora@example.com", "cyd@example.com", ids["ben"], "who was added to a group by hand"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	if people := api.people(t); len(people) != 3 { // with the owner
		t.Errorf("asking has changed somebody: %v", people)
	}
	look()
}
