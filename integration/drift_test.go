package integration

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-scim/gateway/integration/entra"
	"github.com/caddy-scim/gateway/module/drift"
)

// TestDrift: who was invited, removed or renamed past the provider is told, and who waits; asking changes nothing.
func TestDrift(t *testing.T) {
	s := startOperated(t, gateway("", "organization acme\nview_ttl off\n"+bitwarden)+organization)
	c, api := s.entra("/scim"), newPublicAPI(t, s, "")
	report := func(flags ...string) (d drift.Report) {
		t.Helper()
		out := s.must(append([]string{"drift", "--json"}, flags...)...)
		if err := json.Unmarshal([]byte(out), &d); err != nil {
			t.Fatalf("%v in %s", err, out)
		}
		return d
	}
	if d := report(); d.Users != 0 || !strings.Contains(strings.Join(d.NotKnown, "\n"), "nobody has asked for a list") {
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
	made, err := c.CreateGroup("Team", "ext-team")
	if err != nil || made.Status != 201 {
		t.Fatalf("%v, %s", err, made.Raw)
	}
	if res, err := c.AddMembers(made.ID(), ids["ada"]); err != nil || res.Status >= 300 {
		t.Fatalf("%v, %s", err, res.Raw)
	}
	dora := personWith(t, api, "dora@example.com").id
	api.do(t, http.MethodPut, "/groups/"+made.ID()+"/member-ids", map[string]any{"memberIds": []string{dora}}, nil)
	look := func() *entra.Response {
		res, err := c.Do(http.MethodGet, "/Users", nil)
		if err != nil || res.Status != 200 {
			t.Fatalf("%v, %s", err, res.Raw)
		}
		return res
	}
	look()

	d := report("--older", "0s")
	of := func(all []drift.One, id string) bool {
		return slices.ContainsFunc(all, func(one drift.One) bool { return one.ID == id && one.Resource == "User" })
	}
	switch {
	case len(d.NeverProvisioned) != 2 || d.NeverProvisioned[0].Name != "owner@example.com" || d.NeverProvisioned[1].Name != "dora@example.com":
		t.Errorf("never provisioned: %+v", d.NeverProvisioned)
	case len(d.Gone) != 1 || !of(d.Gone, ids["ben"]):
		t.Errorf("gone: %+v", d.Gone)
	case len(d.Waiting) != 1 || !of(d.Waiting, ids["cyd"]) || d.Waiting[0].Name != "cyd@example.com":
		t.Errorf("waiting: %+v", d.Waiting)
	case d.Users != 3 || d.Groups != 1 || len(d.Changed) != 0:
		t.Errorf("users: %+v", d)
	case len(d.AddedByHand) != 1 || !of(d.AddedByHand, dora) || d.AddedByHand[0].GroupName != "Team" || d.AddedByHand[0].Name != "dora@example.com":
		t.Errorf("added by hand: %+v", d.AddedByHand)
	case len(d.TakenOut) != 1 || !of(d.TakenOut, ids["ada"]):
		t.Errorf("taken out: %+v", d.TakenOut)
	}
	out := s.must("drift", "--older", "0s")
	for _, want := range []string{"3 users and 1 group", "dora@example.com", "cyd@example.com", ids["ben"], "Not known is"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	if people := api.people(t); len(people) != 3 { // with the owner
		t.Errorf("asking has changed somebody: %v", people)
	}
	look()
}

// TestDriftOfAServer: in front of a SCIM server there is nothing to compare, and that is what is said.
func TestDriftOfAServer(t *testing.T) {
	s := startOperated(t, `scim_gateway /scim/* {
		key entra {KEY}
		organization acme
	}
	respond 404`)
	if out := s.must("drift"); !strings.Contains(out, "Not known is") || !strings.Contains(out, "what stands behind this gateway is a SCIM server") || strings.Contains(out, "0 users") {
		t.Errorf("%s", out)
	}
}
