package integration

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-scim/gateway/integration/entra"
)

// world is the organization that the scenarios begin with: four people, one of them revoked, and three groups.
type world struct {
	t   *testing.T
	api *publicAPI
	c   *entra.Client
	ids map[string]string // U1…U4, G1…G3
}

func newWorld(t *testing.T, site string) *world {
	t.Helper()
	s := start(t, site)
	w := &world{t: t, api: newPublicAPI(t, s), c: s.entra("/scim"), ids: map[string]string{}}
	for i, ext := range []string{"UA", "UB", "UC", "UD"} {
		name := fmt.Sprintf("U%d", i+1)
		var m apiMember
		w.api.do(t, http.MethodPost, "/members", map[string]any{
			"email": fmt.Sprintf("user%d@example.com", i+1), "type": 2, "externalId": ext,
			"collections": []any{map[string]any{"id": "11111111-1111-4111-8111-11111111111" + fmt.Sprint(i), "readOnly": true, "hidePasswords": false, "manage": false}},
		}, &m)
		w.api.do(t, http.MethodPost, "/members/"+m.ID+"/accept", map[string]any{"name": fmt.Sprintf("Test User %d", i+1)}, nil)
		w.api.do(t, http.MethodPost, "/members/"+m.ID+"/confirm", nil, nil)
		w.ids[name] = m.ID
	}
	w.api.do(t, http.MethodPost, "/members/"+w.ids["U3"]+"/revoke", nil, nil)
	for i, ext := range []string{"A", "B", "C"} {
		var g apiGroup
		w.api.do(t, http.MethodPost, "/groups", map[string]any{"name": fmt.Sprintf("Test Group %d", i+1), "externalId": ext}, &g)
		w.ids[fmt.Sprintf("G%d", i+1)] = g.ID
	}
	w.api.do(t, http.MethodPut, "/groups/"+w.ids["G1"]+"/member-ids", map[string]any{"memberIds": []string{w.ids["U1"], w.ids["U4"]}}, nil)
	return w
}

// fill puts the ids into a text: {U1} becomes the first person's.
func (w *world) fill(s string) string {
	for name, id := range w.ids {
		s = strings.ReplaceAll(s, "{"+name+"}", id)
	}
	return strings.ReplaceAll(s, "{nobody}", "00000000-0000-4000-8000-000000000000")
}

func (w *world) status(mail string) int {
	w.t.Helper()
	if m := w.api.member(w.t, mail); m != nil {
		return m.Status
	}
	return -99
}

func (w *world) externalID(mail string) string {
	w.t.Helper()
	if m := w.api.member(w.t, mail); m != nil && m.ExternalID != nil {
		return *m.ExternalID
	}
	return ""
}

func (w *world) groupNamed(name string) *apiGroup {
	w.t.Helper()
	for _, g := range w.api.groups(w.t) {
		if g.Name == name {
			return &g
		}
	}
	return nil
}

// in are the people of a group, as U1,U2…
func (w *world) in(group string) string {
	w.t.Helper()
	var ids []string
	w.api.do(w.t, http.MethodGet, "/groups/"+w.ids[group]+"/member-ids", nil, &ids)
	var names []string
	for _, id := range ids {
		for name, have := range w.ids {
			if have == id {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return strings.Join(names, ",")
}

const patchOp = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":`

// scenario is one request and what must be true afterwards. The names are those of the acceptance list.
type scenario struct {
	name, method, path, body string
	status                   int
	scimType                 string
	check                    func(t *testing.T, w *world, r *entra.Response)
}

func TestAcceptance(t *testing.T) {
	for _, sc := range slices.Concat(userScenarios, groupScenarios) {
		t.Run(sc.name, func(t *testing.T) {
			w := newWorld(t, embedded)
			res, err := w.c.Do(sc.method, w.fill(sc.path), w.fill(sc.body))
			if err != nil {
				t.Fatal(err)
			}
			if res.Status != sc.status {
				t.Fatalf("status %d, want %d: %s", res.Status, sc.status, res.Raw)
			}
			if len(res.Raw) > 0 && res.Header.Get("Content-Type") != "application/scim+json" {
				t.Errorf("Content-Type %q", res.Header.Get("Content-Type"))
			}
			if sc.status >= 400 {
				if res.String("status") != fmt.Sprint(sc.status) || res.String("scimType") != sc.scimType || res.String("detail") == "" {
					t.Errorf("error %s, want scimType %q", res.Raw, sc.scimType)
				}
			}
			if sc.check != nil {
				w.t = t
				sc.check(t, w, res)
			}
		})
	}
}

func total(n int, names ...string) func(*testing.T, *world, *entra.Response) {
	return func(t *testing.T, w *world, r *entra.Response) {
		t.Helper()
		var got []string
		list, ok := r.Body["Resources"].([]any)
		if !ok {
			t.Fatalf("no Resources: %s", r.Raw)
		}
		for _, e := range list {
			id := e.(map[string]any)["id"]
			for name, have := range w.ids {
				if have == id {
					got = append(got, name)
				}
			}
		}
		slices.Sort(got)
		if r.Total() != n || !slices.Equal(got, names) {
			t.Errorf("totalResults %d with %v, want %d with %v", r.Total(), got, n, names)
		}
	}
}

func is(mail string, status int) func(*testing.T, *world, *entra.Response) {
	return func(t *testing.T, w *world, _ *entra.Response) {
		t.Helper()
		if got := w.status(mail); got != status {
			t.Errorf("%s has status %d, want %d", mail, got, status)
		}
	}
}

func members(group, want string) func(*testing.T, *world, *entra.Response) {
	return func(t *testing.T, w *world, _ *entra.Response) {
		t.Helper()
		if got := w.in(group); got != want {
			t.Errorf("%s has %s, want %s", group, got, want)
		}
	}
}

func external(mail, want string) func(*testing.T, *world, *entra.Response) {
	return func(t *testing.T, w *world, _ *entra.Response) {
		t.Helper()
		if got := w.externalID(mail); got != want {
			t.Errorf("%s has externalId %q, want %q", mail, got, want)
		}
		if m := w.api.member(t, mail); m != nil && strings.HasPrefix(mail, "user") && m.Name != nil && len(m.Collections) != 1 {
			t.Errorf("%s lost its collections: %v", mail, m.Collections)
		}
	}
}

func all(checks ...func(*testing.T, *world, *entra.Response)) func(*testing.T, *world, *entra.Response) {
	return func(t *testing.T, w *world, r *entra.Response) {
		t.Helper()
		for _, check := range checks {
			check(t, w, r)
		}
	}
}
