package provision

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddy-scim/gateway/module/upstream"
)

// late makes the next call of a kind go without an answer. land carries it out, as an organization does that was busy.
func late(b *bitwarden, method, suffix string) (land func()) {
	var call *http.Request
	b.fault = func(r *http.Request) *upstream.Answer {
		if r.Method != method || !strings.HasSuffix(r.URL.Path, suffix) {
			return nil
		}
		b.fault = nil
		body, _ := io.ReadAll(r.Body)
		call = httptest.NewRequest(r.Method, r.URL.String(), bytes.NewReader(body))
		call.Header = r.Header.Clone()
		return page(502)
	}
	return func() { b.serve(httptest.NewRecorder(), call) }
}

// A call that gives somebody access is not answered, and carried out only after the provider was told that the user has
// none. It does not stay so.
func TestLateCallGivesNobodyAccess(t *testing.T) {
	const mail = "jane@example.com"
	leaves := map[string]func(*testing.T, *gateway, string){
		"deactivated": func(t *testing.T, g *gateway, id string) { g.must(t, 200, "PATCH", "/Users/"+id, patchOp(disable)) },
		"replaced": func(t *testing.T, g *gateway, id string) {
			g.must(t, 200, "PUT", "/Users/"+id, strings.Replace(user(mail, "jane"), `"active":true`, `"active":false`, 1))
		},
		"deleted without an answer, and not there": func(t *testing.T, g *gateway, id string) {
			b := g.caller.(*bitwarden)
			b.after = func(r *http.Request) *upstream.Answer {
				if r.Method == http.MethodDelete {
					return page(502)
				}
				return nil
			}
			a := g.do(t, "DELETE", "/Users/"+id, "")
			if b.after = nil; a.status == 502 {
				a = g.must(t, 404, "DELETE", "/Users/"+id, "")
			}
			if a.status != 204 && a.status != 404 {
				t.Fatalf("got %d %v", a.status, a.err)
			}
		},
		"deleted": func(t *testing.T, g *gateway, id string) { g.must(t, 204, "DELETE", "/Users/"+id, "") },
	}
	calls := map[string]func(*testing.T, *gateway, *bitwarden) (id string, land func()){
		"the activation of who waits": func(t *testing.T, g *gateway, b *bitwarden) (string, func()) {
			id := g.must(t, 201, "POST", "/Users", inactive(mail, "jane")).id()
			land := late(b, "POST", "/members")
			g.must(t, 502, "PATCH", "/Users/"+id, patchOp(enable))
			return id, land
		},
		"the activation of who is revoked": func(t *testing.T, g *gateway, b *bitwarden) (string, func()) {
			id := g.must(t, 201, "POST", "/Users", user(mail, "jane")).id()
			g.must(t, 200, "PATCH", "/Users/"+id, patchOp(disable))
			land := late(b, "POST", "/restore")
			g.must(t, 502, "PATCH", "/Users/"+id, patchOp(enable))
			return id, land
		},
		"a creation, then created inactive": func(t *testing.T, g *gateway, b *bitwarden) (string, func()) {
			land := late(b, "POST", "/members")
			g.must(t, 502, "POST", "/Users", user(mail, "jane"))
			return g.must(t, 201, "POST", "/Users", inactive(mail, "jane")).id(), land
		},
		"a creation, then created again": func(t *testing.T, g *gateway, b *bitwarden) (string, func()) {
			land := late(b, "POST", "/members")
			g.must(t, 502, "POST", "/Users", user(mail, "jane"))
			return g.must(t, 201, "POST", "/Users", user(mail, "jane")).id(), land
		},
		"an activation, then activated again": func(t *testing.T, g *gateway, b *bitwarden) (string, func()) {
			id := g.must(t, 201, "POST", "/Users", inactive(mail, "jane")).id()
			land := late(b, "POST", "/members")
			g.must(t, 502, "PATCH", "/Users/"+id, patchOp(enable))
			g.must(t, 200, "PATCH", "/Users/"+id, patchOp(enable))
			return id, land
		},
		"a call after the creation, then looked for": func(t *testing.T, g *gateway, b *bitwarden) (string, func()) {
			land := late(b, "POST", "/restore")
			g.must(t, 502, "POST", "/Users", user(mail, "jane"))
			return g.find(t, "Users", `userName eq "`+mail+`"`)[0], land
		},
	}
	for call, begin := range calls {
		for leave, tell := range leaves {
			for _, policy := range []string{DeleteRemove, DeleteRevoke, "after a crash"} {
				t.Run(strings.Join([]string{call, leave, policy}, ", "), func(t *testing.T) {
					crash := policy == "after a crash"
					if crash {
						policy = DeleteRemove
					}
					g, b, s := remembering(t, func(o *Organization) {
						o.Delete = policy
						if strings.Contains(call, "after the creation") {
							o.Mapping.User.Created = o.Mapping.User.Enable
						}
					})
					id, land := begin(t, g, b)
					g.hurried = crash
					tell(t, g, id)
					if crash {
						s = s.Copy()
						g = g.restarted(t, s)
					}
					land()
					// Another change says nothing of it, though it is answered with what there is.
					g.do(t, "PATCH", "/Users/"+id, patchOp(`{"op":"replace","path":"displayName","value":"Jane Doe"}`))
					for range 2 {
						g.clock.t = g.clock.t.Add(g.settleAfter())
						g.settleAll(t.Context(), g.caller)
					}
					g.shared.ledger.Rest()
					for _, m := range b.members {
						if m["status"] != -1 {
							t.Errorf("the leaver has access: %v", m)
						}
					}
					if n := openIntents(s); n > 0 {
						t.Errorf("%d intents are left", n)
					}
				})
			}
		}
	}
}
