package integration

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-scim/gateway/integration/entra"
)

// change is something that a provider brings about: a cycle is one attempt, made of one request or of a look-up and
// another one. It returns the last answer.
type change struct {
	name    string
	prepare func(t *testing.T, w *world)
	cycle   func(w *world) (*entra.Response, error)
}

// newcomer is somebody whom the organization knows under another name than the provider.
var newcomer = entra.User{UserName: "eve@corp.example", Mail: "eve@example.com", ExternalID: "UE", DisplayName: "Eve", GivenName: "Eve", FamilyName: "E"}

func patchUser(who, ops string) func(*world) (*entra.Response, error) {
	return func(w *world) (*entra.Response, error) {
		return w.c.Do(http.MethodPatch, "/Users/"+w.ids[who], patchOp+w.fill(ops)+"}")
	}
}

func patchGroup(which, ops string) func(*world) (*entra.Response, error) {
	return func(w *world) (*entra.Response, error) {
		return w.c.Do(http.MethodPatch, "/Groups/"+w.ids[which], patchOp+w.fill(ops)+"}")
	}
}

// provision is what a provider does to bring somebody or something about: it looks for it, and creates or corrects it.
func provision(w *world, endpoint, attribute, value string, create func() (*entra.Response, error), correct map[string]any) (*entra.Response, error) {
	res, err := w.c.Find(endpoint, attribute, value)
	if err != nil || res.Status != 200 {
		return res, err
	}
	if res.Total() == 0 {
		return create()
	}
	return w.c.Replace(endpoint, res.First()["id"].(string), correct)
}

var changes = []change{
	{name: "create a user", cycle: func(w *world) (*entra.Response, error) {
		return provision(w, "/Users", "userName", newcomer.UserName, func() (*entra.Response, error) { return w.c.Create(newcomer) },
			map[string]any{"externalId": "UE", "displayName": "Eve", "active": true})
	}},
	{name: "activate a user who waits", prepare: func(t *testing.T, w *world) {
		res, err := w.c.Do("POST", "/Users", strings.Replace(newUser, `"active":true`, `"active":false`, 1))
		if err != nil || res.Status != 201 {
			t.Fatalf("%v %s", err, res.Raw)
		}
		w.ids["U5"] = res.ID()
		if res, err := w.c.AddMembers(w.ids["G2"], w.ids["U5"]); err != nil || res.Status != 204 {
			t.Fatalf("%v %s", err, res.Raw)
		}
	}, cycle: patchUser("U5", `[{"op":"Replace","path":"active","value":"True"}]`)},
	{name: "disable", cycle: patchUser("U1", `[{"op":"Replace","path":"active","value":"False"}]`)},
	{name: "restore", cycle: patchUser("U3", `[{"op":"Replace","path":"active","value":"True"}]`)},
	{name: "disable and change", cycle: patchUser("U1", `[{"op":"Replace","value":{"active":"False","externalId":"x","displayName":"Changed"}}]`)},
	{name: "delete a user", cycle: func(w *world) (*entra.Response, error) { return w.c.Delete("/Users", w.ids["U1"]) }},
	{name: "create a group with members", cycle: func(w *world) (*entra.Response, error) {
		members := []any{map[string]any{"value": w.ids["U1"]}, map[string]any{"value": w.ids["U2"]}}
		return provision(w, "/Groups", "displayName", "New", func() (*entra.Response, error) {
			return w.c.Do("POST", "/Groups", map[string]any{"displayName": "New", "externalId": "N", "members": members})
		}, map[string]any{"externalId": "N", "members": members})
	}},
	{name: "add members", cycle: patchGroup("G2", `[{"op":"Add","path":"members","value":[{"value":"{U1}"},{"value":"{U2}"},{"value":"{U4}"}]}]`)},
	{name: "remove members", cycle: patchGroup("G1", `[{"op":"Remove","path":"members","value":[{"value":"{U1}"},{"value":"{U4}"}]}]`)},
	{name: "add, remove and rename", cycle: patchGroup("G1", `[{"op":"Add","path":"members","value":[{"value":"{U2}"}]},{"op":"Remove","path":"members","value":[{"value":"{U1}"}]},{"op":"Replace","path":"displayName","value":"Renamed"}]`)},
	{name: "replace a group", cycle: func(w *world) (*entra.Response, error) {
		return w.c.Do(http.MethodPut, "/Groups/"+w.ids["G1"], w.fill(`{"displayName":"Renamed","externalId":"A","members":[{"value":"{U2}"},{"value":"{U3}"}]}`))
	}},
	{name: "delete a group", cycle: func(w *world) (*entra.Response, error) { return w.c.Delete("/Groups", w.ids["G1"]) }},
}

// TestConvergence spoils every single call that a change makes, in every way, one at a time. Whatever happens, the
// provider is told success only where everything is as it wanted, an error is the organization's trouble and not the
// provider's, and repeating the cycle ends where it would have ended without any trouble.
//
// With SABOTAGE=all every call is spoiled in every way, which is some two thousand trials; without it every second call in
// one way.
func TestConvergence(t *testing.T) {
	for _, p := range []*platform{onEmbedded, onVaultwarden, onGitea, onDesk} {
		t.Run(p.name, func(t *testing.T) {
			ways := sabotages
			if p == onDesk {
				ways = append(slices.Clone(ways), saidSuccess)
			}
			converge(t, p, ways)
		})
	}
}

func converge(t *testing.T, p *platform, ways []sabotage) {
	all := os.Getenv("SABOTAGE") == "all"
	type trial struct {
		change int
		at     int
		way    sabotage
	}
	var trials []trial
	calls, want := make([]int, len(changes)), make([]string, len(changes))
	t.Run("without trouble", func(t *testing.T) { // what it comes to, and how many calls it takes
		watch := make([]*saboteur, len(changes))
		open := p.open(t, len(changes), func(i int, org http.Handler) http.Handler { watch[i] = &saboteur{org: org}; return watch[i] })
		for i, c := range changes {
			w := c.begin(t, open, i)
			watch[i].spoil(0, sabotage{})
			res, err := c.cycle(w)
			if err != nil || res.Status >= 300 {
				t.Fatalf("%s: %v %s", c.name, err, res.Raw)
			}
			calls[i], want[i] = watch[i].made(), portrait(t, w)
			for at := range calls[i] {
				for n, way := range ways {
					if all || (i+at)%2 == 0 && n == (i+at)/2%len(ways) {
						trials = append(trials, trial{i, at + 1, way})
					}
				}
			}
		}
	})
	t.Logf("%s: %d trials, calls of each change: %v", p.name, len(trials), calls)

	watch := make([]*saboteur, len(trials))
	open := p.open(t, len(trials), func(i int, org http.Handler) http.Handler { watch[i] = &saboteur{org: org}; return watch[i] })
	for i, try := range trials {
		c := changes[try.change]
		t.Run(fmt.Sprintf("%s/call %d of %d/%s", c.name, try.at, calls[try.change], try.way.name), func(t *testing.T) {
			w := c.begin(t, open, i)
			watch[i].spoil(try.at, try.way)
			res, err := c.cycle(w)
			if err != nil {
				t.Fatal(err)
			}
			if res.Status < 300 {
				if diff := cmp.Diff(want[try.change], portrait(t, w)); diff != "" {
					t.Fatalf("the provider was told success, status %d: %s\n%s", res.Status, diff, res.Raw)
				}
				return
			}
			mustBeTrouble(t, res, try.way.name)
			for attempt := 1; ; attempt++ {
				if res, err = c.cycle(w); err != nil {
					t.Fatal(err)
				}
				if res.Status < 300 || res.Status == 404 && strings.HasPrefix(c.name, "delete") {
					break
				}
				// Somebody who was created and could not be told of is found out to exist, and then found.
				if attempt > 1 || res.Status != 409 {
					t.Fatalf("the provider's next cycle fails too: %s", res.Raw)
				}
			}
			if diff := cmp.Diff(want[try.change], portrait(t, w)); diff != "" {
				t.Errorf("after another cycle: %s", diff)
			}
		})
	}
}

func (c change) begin(t *testing.T, open func(*testing.T, int) *world, i int) *world {
	t.Helper()
	w := open(t, i)
	if c.prepare != nil {
		c.prepare(t, w)
	}
	return w
}

// mustBeTrouble checks an error that is the organization's fault.
func mustBeTrouble(t *testing.T, res *entra.Response, way string) {
	t.Helper()
	want := []int{502, 503}
	if way == "429" {
		want = []int{429}
		if res.Header.Get("Retry-After") != "7" {
			t.Errorf("Retry-After %q", res.Header.Get("Retry-After"))
		}
	}
	if !slices.Contains(want, res.Status) || res.String("status") != fmt.Sprint(res.Status) || res.String("detail") == "" {
		t.Errorf("status %d, want one of %v: %s", res.Status, want, res.Raw)
	}
	if strings.Contains(string(res.Raw), "db01") {
		t.Errorf("the answer shows what is inside: %s", res.Raw)
	}
}

// portrait is all there is to see of an organization, in the organization itself and through SCIM, without the ids that
// differ from one to the next.
func portrait(t *testing.T, w *world) string {
	t.Helper()
	var lines []string
	mails := map[string]string{}
	for _, p := range w.org.people(t) {
		mails[p.id] = p.mail
		lines = append(lines, fmt.Sprintf("%s is %s, externalId %q, %s", p.mail, p.state, p.externalID, p.rest))
	}
	for _, g := range w.org.groups(t) {
		var in []string
		for _, id := range g.members {
			in = append(in, mails[id])
		}
		slices.Sort(in)
		lines = append(lines, fmt.Sprintf("group %s, externalId %q, %s has %v", g.name, g.externalID, g.rest, in))
	}
	names := map[string]string{}
	for _, endpoint := range []string{"/Users", "/Groups"} {
		list, _ := w.read(t, endpoint+"?count=100")["Resources"].([]any)
		for _, e := range list {
			r := e.(map[string]any)
			name, _ := r["userName"].(string)
			names[r["id"].(string)] = name
			var in []string
			members, _ := r["members"].([]any)
			for _, m := range members {
				in = append(in, names[m.(map[string]any)["value"].(string)])
			}
			slices.Sort(in)
			lines = append(lines, fmt.Sprintf("SCIM: %v %v %v %v %v", r["userName"], r["displayName"], r["externalId"], r["active"], in))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
