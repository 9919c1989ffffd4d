package integration

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/caddy-scim/gateway/integration/entra"
)

// scribe stands between a gateway and an organization, and counts the calls that write.
type scribe struct {
	org http.Handler

	mu     sync.Mutex
	writes []string
}

func (s *scribe) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && !strings.HasSuffix(r.URL.Path, "/token") {
		s.mu.Lock()
		s.writes = append(s.writes, r.Method+" "+r.URL.Path)
		s.mu.Unlock()
	}
	s.org.ServeHTTP(w, r)
}

// written are the calls since the last time.
func (s *scribe) written() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.writes
	s.writes = nil
	return all
}

// TestAcceptanceCalls is about scenarios in which it matters what is not written: what is so already costs no call. Where
// a row does not say otherwise it is a PATCH of the first group.
func TestAcceptanceCalls(t *testing.T) {
	rows := []struct {
		scenario
		writes int
	}{
		{scenario{name: "G-A6 add a member", body: `[{"op":"Add","path":"members","value":[{"value":"{U1}"}]}]`, check: members("G1", "U1,U4")}, 0},
		{scenario{name: "G-A6 add a member by the path", body: `[{"op":"Add","path":"members[value eq \"{U4}\"]","value":{}}]`, check: members("G1", "U1,U4")}, 0},
		{scenario{name: "G-A8 add a member twice", body: `[{"op":"Add","path":"members","value":[{"value":"{U4}"},{"value":"{U4}"}]}]`, check: members("G1", "U1,U4")}, 0},
		{scenario{name: "replace members by themselves", body: `[{"op":"Replace","path":"members","value":[{"value":"{U4}"},{"value":"{U1}"}]}]`, check: members("G1", "U1,U4")}, 0},
		{scenario{name: "remove a stranger", body: `[{"op":"Remove","path":"members","value":[{"value":"{U2}"}]}]`, check: members("G1", "U1,U4")}, 0},
		{scenario{name: "G-A18 same externalId", body: `[{"op":"Replace","path":"externalId","value":"A"}]`, check: named("G1", "Test Group 1", "A")}, 0},
		{scenario{name: "same name", body: `[{"op":"Replace","path":"displayName","value":"Test Group 1"}]`, check: named("G1", "Test Group 1", "A")}, 0},
		{scenario{name: "G-A21 no operations", body: `[]`, check: members("G1", "U1,U4")}, 0},
		{scenario{name: "G-P3 put without members", method: "PUT", body: `{"displayName":"Test Group 1"}`, check: all(named("G1", "Test Group 1", "A"), members("G1", "U1,U4"))}, 0},
		{scenario{name: "G-C4 create without members", method: "POST", path: "/Groups", status: 201, body: `{"displayName":"New","externalId":"N","members":[]}`, check: func(t *testing.T, w *world, r *entra.Response) {
			w.ids["G4"] = r.ID()
			all(named("G4", "New", "N"), members("G4", ""))(t, w, r)
		}}, 1},
		{scenario{name: "U-A5 no operations", path: "/Users/{U2}", body: `[]`, check: is("user2@example.com", "confirmed")}, 0},
		{scenario{name: "U-A3 active who is active", path: "/Users/{U2}", body: `[{"op":"Replace","path":"active","value":"True"}]`, check: is("user2@example.com", "confirmed")}, 0},
		{scenario{name: "U-A3 disable who is disabled", path: "/Users/{U3}", body: `[{"op":"Replace","path":"active","value":"False"}]`, check: is("user3@example.com", "revoked")}, 0},
		{scenario{name: "U-C10 create inactive", method: "POST", path: "/Users", status: 201, body: off(newUser)}, 0},
	}
	for _, p := range []*platform{onEmbedded, onVaultwarden, onGitea, onDesk} {
		t.Run(p.name, func(t *testing.T) {
			scribes := make([]*scribe, len(rows))
			open := p.open(t, len(rows), func(i int, org http.Handler) http.Handler { scribes[i] = &scribe{org: org}; return scribes[i] })
			for i, row := range rows {
				t.Run(row.name, func(t *testing.T) {
					w := open(t, i)
					if row.method == "" {
						row.method, row.body = "PATCH", patchOp+row.body+"}"
					}
					row.path = cmp.Or(row.path, "/Groups/{G1}")
					if row.status = cmp.Or(row.status, 200); row.status == 200 && row.method == "PATCH" && row.path == "/Groups/{G1}" {
						row.status = 204
					}
					scribes[i].written()
					row.run(t, w)
					if calls := scribes[i].written(); len(calls) != row.writes {
						t.Errorf("%d calls that write, want %d: %v", len(calls), row.writes, calls)
					}
				})
			}
		})
	}
}

// TestAcceptanceNoOrganization is G-A3: an organization that is not there. Bitwarden answers 404 by the id in the path; here
// the organization is part of the configuration, so that it is the upstream that does not know it. Whether that is told
// from a group that is gone depends on whether somebody has to sign in first. Nothing is ever said to be done.
func TestAcceptanceNoOrganization(t *testing.T) {
	requests := []struct {
		method, path, body string
		want               []int
	}{
		{"PATCH", "/Groups/{G1}", patchOp + `[{"op":"Add","path":"members","value":[{"value":"{U2}"}]}]}`, []int{404, 502}},
		{"PATCH", "/Users/{U2}", disable, []int{404, 502}},
		{"GET", "/Groups?filter=displayName+eq+%22Test+Group+1%22", "", []int{502}},
		{"GET", "/Users?filter=userName+eq+%22user1@example.com%22", "", []int{502}},
		{"POST", "/Groups", `{"displayName":"New"}`, []int{502}},
		{"POST", "/Users", newUser, []int{502}},
	}
	for _, p := range []*platform{onEmbedded, onVaultwarden, onGitea, onDesk} {
		t.Run(p.name, func(t *testing.T) {
			scribes := make([]*scribe, len(requests))
			open := p.open(t, len(requests), func(i int, org http.Handler) http.Handler { scribes[i] = &scribe{org: org}; return scribes[i] })
			for i, r := range requests {
				t.Run(r.method+" "+r.path, func(t *testing.T) {
					w := open(t, i)
					scribes[i].org = http.NotFoundHandler()
					if p == onGitea && r.method == "GET" {
						r.want = []int{200, 502} // it is asked by a search, which has found nobody where it answers 404
					}
					res := w.must(t, 0, r.method, r.path, r.body)
					if !slices.Contains(r.want, res.Status) {
						t.Fatalf("want one of %v: %s", r.want, res.Raw)
					}
					if res.Status != 200 {
						mustBeError(t, res, res.Status)
					}
				})
			}
		})
	}
}

// TestAcceptanceRelay: what a blank externalId means, and whom a path names, is for a SCIM server itself to say.
func TestAcceptanceRelay(t *testing.T) {
	rec := newRecorder(t)
	c := start(t, gateway(rec.Listener.Addr().String(), "upstream scim /v2")).entra("/scim")
	for _, r := range []struct{ method, path, body string }{
		{"POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"a@example.com","externalId":"  "}`},
		{"PUT", "/Users/1", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"a@example.com","externalId":""}`},
		{"PATCH", "/Users/1", patchOp + `[{"op":"replace","path":"externalId","value":""},{"op":"add","value":{"externalId":" "}}]}`},
		{"PATCH", "/Groups/1", patchOp + `[{"op":"add","path":"members[value eq \"u\"]","value":{}}]}`},
	} {
		rec.take(nil)
		res, err := c.Do(r.method, r.path, r.body)
		if err != nil || res.Status >= 300 {
			t.Fatalf("%v %s", err, res.Raw)
		}
		if seen := rec.take(nil); len(seen) != 1 || string(seen[0].Body) != r.body {
			t.Errorf("%s became %v", r.body, seen)
		}
	}
}
