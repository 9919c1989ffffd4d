package module_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-scim/gateway/module"
)

// BenchmarkServe is what the gateway itself costs for a PATCH of a user, with an upstream that costs nothing.
func BenchmarkServe(b *testing.B) {
	h := new(module.Handler)
	if err := json.Unmarshal([]byte(strings.Replace(config, `"max_body":1000`, `"max_body":100000`, 1)), h); err != nil {
		b.Fatal(err)
	}
	ctx := newContext(b)
	if err := h.Provision(ctx); err != nil {
		b.Fatal(err)
	}
	const answer = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],` +
		`"id":"5171a35d82074e068ce2","userName":"alexandra.morgan@example.com","displayName":"Alexandra Morgan-Whitfield","active":true,` +
		`"name":{"givenName":"Alexandra","familyName":"Morgan-Whitfield"},"emails":[{"type":"work","primary":true,"value":"alexandra.morgan@example.com"}],` +
		`"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"Tour Operations","manager":{"value":"7f4bc1a3-285e-48ae-8202-5accb43efb0e"}},` +
		`"meta":{"resourceType":"User","location":"https://upstream.example.com/v2/Users/5171a35d82074e068ce2"}}`
	const patch = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` +
		`{"op":"Replace","path":"displayName","value":"Alexandra Morgan-Whitfield"},` +
		`{"op":"Replace","path":"emails[type eq \"work\"].value","value":"alexandra.morgan@example.com"},` +
		`{"op":"Replace","path":"name.givenName","value":"Alexandra"},` +
		`{"op":"Replace","path":"name.familyName","value":"Morgan-Whitfield"},` +
		`{"op":"Add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department","value":"Tour Operations"},` +
		`{"op":"Add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","value":"7f4bc1a3-285e-48ae-8202-5accb43efb0e"},` +
		`{"op":"Replace","path":"active","value":"True"}]}`
	next := caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Content-Type", "application/scim+json")
		_, err := io.WriteString(w, answer)
		return err
	})
	server := &caddyhttp.Server{}
	for _, bench := range []struct {
		name string
		f    func(http.ResponseWriter, *http.Request)
	}{
		{"plain", func(w http.ResponseWriter, r *http.Request) { _ = next(w, r) }},
		{"gateway", func(w http.ResponseWriter, r *http.Request) { _ = h.ServeHTTP(w, r, next) }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := request("PATCH", "/scim/Users/5171a35d82074e068ce2", patch)
				w := httptest.NewRecorder()
				bench.f(w, caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, server))
			}
		})
	}
}
