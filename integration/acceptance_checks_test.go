package integration

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-scim/gateway/integration/entra"
)

const patchOp = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":`

// total is a list's length, and who of the world is in it.
func total(n int, names ...string) check {
	return func(t *testing.T, w *world, r *entra.Response) {
		t.Helper()
		list, ok := r.Body["Resources"].([]any)
		if !ok {
			t.Fatalf("no Resources: %s", r.Raw)
		}
		var ids []string
		groups := false
		for _, e := range list {
			one := e.(map[string]any)
			id, _ := one["id"].(string)
			meta, _ := one["meta"].(map[string]any)
			ids, groups = append(ids, id), meta["resourceType"] == "Group"
		}
		if got := w.named(groups, ids); r.Total() != n || !slices.Equal(got, names) {
			t.Errorf("totalResults %d with %v, want %d with %v", r.Total(), got, n, names)
		}
	}
}

// is tells how far somebody's membership has come; empty for nobody. SCIM must agree with the organization.
func is(mail, want string) check {
	return func(t *testing.T, w *world, _ *entra.Response) {
		t.Helper()
		p := personWith(t, w.org, mail)
		if got := p.state; got != want && (got != "active" || want == "" || want == "revoked") {
			t.Errorf("%s is %q, want %q", mail, got, want)
		}
		found := w.lookUp(t, "/Users", `emails.value eq "`+mail+`"`)
		if want == "" && found != nil || want != "" && found["active"] != (want != "revoked") {
			t.Errorf("SCIM shows %s, who should be %q, as %v", mail, want, found)
		}
	}
}

// members are the people in a group, as U1,U2…
func members(group, want string) check {
	return func(t *testing.T, w *world, _ *entra.Response) {
		t.Helper()
		for _, g := range w.org.groups(t) {
			if got := strings.Join(w.named(false, g.members), ","); g.id == w.ids[group] && got != want {
				t.Errorf("%s has %s, want %s", group, got, want)
			}
		}
		var ids []string
		list, _ := w.read(t, "/Groups/"+w.ids[group])["members"].([]any)
		for _, m := range list {
			ids = append(ids, m.(map[string]any)["value"].(string))
		}
		if got := strings.Join(w.named(false, ids), ","); got != want || len(ids) != len(w.named(false, ids)) {
			t.Errorf("SCIM shows %v in %s, want %s", ids, group, want)
		}
	}
}

// external is somebody's externalId.
func external(mail, want string) check {
	return func(t *testing.T, w *world, _ *entra.Response) {
		t.Helper()
		if got, _ := w.lookUp(t, "/Users", `userName eq "`+mail+`"`)["externalId"].(string); got != want {
			t.Errorf("SCIM shows the externalId %q for %s, want %q", got, mail, want)
		}
		if got := personWith(t, w.org, mail).externalID; w.has("users' externalId") && got != want {
			t.Errorf("%s has externalId %q, want %q", mail, got, want)
		}
	}
}

// named is a group's name and externalId.
func named(group, name, externalID string) check {
	return func(t *testing.T, w *world, _ *entra.Response) {
		t.Helper()
		g := groupNamed(t, w.org, w.spelled(name))
		if g == nil || g.id != w.ids[group] {
			t.Fatalf("there is no group %q that is %s", name, group)
		}
		if w.has("groups' externalId") && g.externalID != externalID {
			t.Errorf("%s has externalId %q, want %q", group, g.externalID, externalID)
		}
		shown := w.read(t, "/Groups/"+g.id)
		if id, _ := shown["externalId"].(string); id != externalID || shown["displayName"] != name {
			t.Errorf("SCIM shows %s as %v", group, shown)
		}
	}
}

// page is where a list begins, and how many resources it says it holds and holds: what is there, and not what was asked for.
func page(from, n int) check {
	return func(t *testing.T, _ *world, r *entra.Response) {
		t.Helper()
		list, ok := r.Body["Resources"].([]any)
		if !ok || len(list) != n || r.Body["startIndex"] != float64(from) || r.Body["itemsPerPage"] != float64(n) {
			t.Errorf("want %d resources from %d on: %s", n, from, r.Raw)
		}
	}
}

// withoutExternalID: who has no externalId is not shown one that is empty, neither by the answer nor by a GET.
func withoutExternalID(t *testing.T, w *world, r *entra.Response) {
	t.Helper()
	meta, _ := r.Body["meta"].(map[string]any)
	location, _ := meta["location"].(string)
	lacksExternalID(t, r.Body)
	lacksExternalID(t, w.read(t, strings.TrimPrefix(location, w.c.TenantURL)))
}

// anonymous: withoutExternalID of a group that was changed and not shown.
func anonymous(group string) check {
	return func(t *testing.T, w *world, _ *entra.Response) {
		t.Helper()
		lacksExternalID(t, w.read(t, "/Groups/"+w.ids[group]))
	}
}

func lacksExternalID(t *testing.T, shown map[string]any) {
	t.Helper()
	if id, ok := shown["externalId"]; ok {
		t.Errorf("the externalId is %#v", id)
	}
}

func all(checks ...check) check {
	return func(t *testing.T, w *world, r *entra.Response) {
		t.Helper()
		for _, check := range checks {
			check(t, w, r)
		}
	}
}

// lookUp is the one resource that a filter finds, nil where there is none.
func (w *world) lookUp(t *testing.T, endpoint, filter string) map[string]any {
	t.Helper()
	res, err := w.c.Do("GET", endpoint+"?filter="+url.QueryEscape(filter), nil)
	if err != nil || res.Status != 200 || res.Total() > 1 {
		t.Fatalf("%s: %v %s", filter, err, res.Raw)
	}
	return res.First()
}

func (w *world) read(t *testing.T, path string) map[string]any {
	t.Helper()
	res, err := w.c.Do("GET", path, nil)
	if err != nil || res.Status != 200 {
		t.Fatalf("%s: %v %s", path, err, res.Raw)
	}
	return res.Body
}

// must makes a request that has to be answered with a status; any will do where that is 0.
func (w *world) must(t *testing.T, status int, method, path, body string) *entra.Response {
	t.Helper()
	res, err := w.c.Do(method, w.fill(path), w.fill(body))
	if err != nil {
		t.Fatal(err)
	}
	if status != 0 && res.Status != status {
		t.Fatalf("%s %s: status %d, want %d: %s", method, path, res.Status, status, res.Raw)
	}
	return res
}
