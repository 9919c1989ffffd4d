package module_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddy-scim/gateway/module"
	_ "github.com/caddy-scim/gateway/module/relay"
)

const (
	secret = "a-key-of-at-least-sixteen-characters"
	read   = "a-second-key-that-can-read-and-no-more"
	config = `{"keys":[{"name":"entra","key":"` + secret + `"},{"name":"audit","key":"` + read + `","scope":["read"]}],` +
		`"quirks":{"profile":"entra"},"max_body":1000}`
)

// gateway is a provisioned handler in front of an upstream.
type gateway struct {
	h    *module.Handler
	next caddyhttp.HandlerFunc
	got  []string // what reached the upstream: method, URI and body
}

// newContext is the context of a configuration in which modules find each other.
func newContext(t testing.TB) caddy.Context {
	t.Helper()
	ctx, err := caddy.ProvisionContext(&caddy.Config{Admin: &caddy.AdminConfig{Disabled: true}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := caddy.NewContext(ctx)
	t.Cleanup(cancel)
	return ctx
}

func newGateway(t *testing.T, config string) *gateway {
	t.Helper()
	g := &gateway{h: new(module.Handler)}
	if err := json.Unmarshal([]byte(config), g.h); err != nil {
		t.Fatal(err)
	}
	ctx := newContext(t)
	if err := g.h.Provision(ctx); err != nil {
		t.Fatal(err)
	}
	if err := g.h.Validate(); err != nil {
		t.Fatal(err)
	}
	g.next = func(w http.ResponseWriter, r *http.Request) error {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return g
}

// do sends a request the way Caddy would.
func (g *gateway) do(t *testing.T, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, &caddyhttp.Server{})
	next := caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		g.got = append(g.got, strings.TrimSpace(r.Method+" "+r.RequestURI+" "+string(body)))
		return g.next(w, r)
	})
	if err := g.h.ServeHTTP(w, r, next); err != nil {
		t.Fatalf("the handler left the answer to Caddy: %v", err)
	}
	return w
}

func request(method, target, body string, header ...string) *http.Request {
	r := httptest.NewRequest(method, "https://gw.example"+target, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+secret)
	if body != "" {
		r.Header.Set("Content-Type", "application/scim+json; charset=utf-8")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Del(header[i])
		if header[i+1] != "" {
			r.Header.Set(header[i], header[i+1])
		}
	}
	return r
}

// scimError checks that an answer is a SCIM error (RFC 7644 §3.12) as every refusal has to be.
func scimError(t *testing.T, w *httptest.ResponseRecorder, status int) {
	t.Helper()
	var body struct {
		Schemas []string
		Status  string
		Detail  string
	}
	err := json.Unmarshal(w.Body.Bytes(), &body)
	if w.Code != status || err != nil || body.Status != fmt.Sprint(status) || len(body.Schemas) != 1 || body.Detail == "" ||
		w.Header().Get("Content-Type") != "application/scim+json" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("got %d %v %s, want %d", w.Code, w.Header(), w.Body, status)
	}
}

const user = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"a@example.com"}`

// Whatever is refused is a SCIM error, and nothing of it reaches the upstream.
func TestRefused(t *testing.T) {
	tests := []struct {
		name   string
		r      *http.Request
		status int
		header [2]string
	}{
		{name: "no key", r: request("GET", "/scim/Users", "", "Authorization", ""), status: 401, header: [2]string{"WWW-Authenticate", "Bearer"}},
		{name: "wrong key", r: request("GET", "/scim/Users", "", "Authorization", "Bearer wrong"), status: 401, header: [2]string{"WWW-Authenticate", "Bearer"}},
		{name: "no key at no endpoint", r: request("GET", "/oauth/token", "", "Authorization", ""), status: 401},
		{name: "key good for reading", r: request("POST", "/scim/Users", user, "Authorization", "Bearer "+read), status: 403},
		{name: "unknown endpoint", r: request("GET", "/scim/Things", ""), status: 404},
		{name: "Bulk", r: request("POST", "/scim/Bulk", "{}"), status: 501},
		{name: "Me", r: request("GET", "/scim/Me", ""), status: 501},
		{name: "TRACE", r: request("TRACE", "/scim/Users", ""), status: 405, header: [2]string{"Allow", "GET, POST"}},
		{name: "HEAD", r: request("HEAD", "/scim/Users/1", ""), status: 405, header: [2]string{"Allow", "GET, PUT, PATCH, DELETE"}},
		{name: "POST on a resource", r: request("POST", "/scim/Users/1", user, "X-Http-Method-Override", "DELETE"), status: 405},
		{name: "PUT discovery", r: request("PUT", "/scim/Schemas", user), status: 405, header: [2]string{"Allow", "GET"}},
		{name: "text", r: request("POST", "/scim/Users", user, "Content-Type", "text/plain"), status: 415},
		{name: "no UTF-8", r: request("POST", "/scim/Users", "{\"userName\":\"J\xfcrgen\"}", "Content-Type", "application/json; charset=iso-8859-1"), status: 400},
		{name: "broken type", r: request("POST", "/scim/Users", user, "Content-Type", "application/json;;=x"), status: 415},
		{name: "compressed", r: request("POST", "/scim/Users", user, "Content-Encoding", "gzip"), status: 415},
		{name: "announced too large", r: request("POST", "/scim/Users", strings.Repeat(" ", 1001)), status: 413},
		{name: "too large", r: chunked(request("POST", "/scim/Users", strings.Repeat(" ", 1001))), status: 413},
		{name: "URL too long", r: request("GET", "/scim/Users?filter="+strings.Repeat("x", 9000), ""), status: 414},
		{name: "no JSON", r: request("POST", "/scim/Users", `{"a":`), status: 400},
		{name: "no body", r: request("POST", "/scim/Users", ""), status: 400},
		{name: "no object", r: request("POST", "/scim/Users", `[]`), status: 400},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := newGateway(t, config)
			w := g.do(t, tt.r)
			scimError(t, w, tt.status)
			if tt.header[0] != "" && w.Header().Get(tt.header[0]) != tt.header[1] {
				t.Errorf("%s is %q", tt.header[0], w.Header().Get(tt.header[0]))
			}
			if len(g.got) > 0 {
				t.Errorf("it reached the upstream: %q", g.got)
			}
			if strings.Contains(w.Body.String(), secret) {
				t.Error("the answer holds the key")
			}
		})
	}
}

func chunked(r *http.Request) *http.Request {
	r.ContentLength = -1
	return r
}

func TestMediaTypes(t *testing.T) {
	for _, media := range []string{
		"application/scim+json", "application/json", `Application/SCIM+JSON; Charset="UTF-8"`, "application/json;charset=utf8;x=y", "",
		"application/scim+json; charset=ISO-8859-1", "application/scim+json;charset=us-ascii", "application/json; charset=utf-16",
	} {
		g := newGateway(t, config)
		w := g.do(t, request("PATCH", "/scim/Users/1",
			`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"displayName","value":"x"}]}`,
			"Content-Type", media))
		if w.Code != http.StatusNoContent {
			t.Errorf("%q: %d %s", media, w.Code, w.Body)
		}
	}
}

// What is canonical already arrives byte for byte, under the root of the request, with the id as it was written.
func TestCarriedOn(t *testing.T) {
	g := newGateway(t, config)
	const patch = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"] , "Operations":[{"op":"replace","path":"displayName","value":"x"}]}`
	for _, r := range []*http.Request{
		request("PATCH", "/a/b/Users/x%40y", patch),
		request("DELETE", "/a/b/Groups/7/", ""),
		request("GET", "/a/b/Users/7?attributes=userName", ""),
	} {
		g.next = func(w http.ResponseWriter, r *http.Request) error {
			if r.Method == http.MethodGet {
				_, err := io.WriteString(w, `{"id":"7","userName":"u"}`)
				return err
			}
			w.WriteHeader(http.StatusNoContent)
			return nil
		}
		if w := g.do(t, r); w.Code >= 400 {
			t.Errorf("%s %s: %d %s", r.Method, r.URL, w.Code, w.Body)
		}
	}
	want := []string{"PATCH /a/b/Users/x%40y " + patch, "DELETE /a/b/Groups/7", "GET /a/b/Users/7?attributes=userName"}
	if diff := cmp.Diff(want, g.got); diff != "" {
		t.Error(diff)
	}
}

// Handlers behind see who asks and for what, and nothing of the key.
func TestPlaceholders(t *testing.T) {
	g := newGateway(t, config)
	var line string
	g.next = func(w http.ResponseWriter, r *http.Request) error {
		repl := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
		line = repl.ReplaceAll("{http.auth.user.id} {http.scim.verb} {http.scim.resource} {http.scim.id} {http.scim.root} {http.request.header.Authorization}", "-")
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	g.do(t, request("DELETE", "/s/Users/a%40b", ""))
	if want := "entra delete User a%40b /s -"; line != want {
		t.Errorf("got %q, want %q", line, want)
	}
}

func TestDiscovery(t *testing.T) {
	g := newGateway(t, config)
	g.next = func(w http.ResponseWriter, _ *http.Request) error { return caddyhttp.Error(404, nil) }
	for path, want := range map[string]string{
		"/s/ServiceProviderConfig?x=y": `"patch":{"supported":true}`,
		"/s/Schemas":                   `"totalResults":3`,
		"/s/Schemas/urn:ietf:params:scim:schemas:core:2.0:Group": `"location":"https://gw.example/s/Schemas/urn:ietf:params:scim:schemas:core:2.0:Group"`,
		"/s/ResourceTypes":      `"totalResults":2`,
		"/s/ResourceTypes/User": `"endpoint":"/Users"`,
	} {
		if w := g.do(t, request("GET", path, "")); w.Code != 200 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	scimError(t, g.do(t, request("GET", "/s/Schemas/urn:none", "")), 404)
}

// The public URL is what the provider used: the path before anything was stripped from it, the host it asked for.
func TestPublicURL(t *testing.T) {
	tests := []struct {
		name, config string
		prepare      func(*http.Request) *http.Request
		want         string
	}{
		{"as asked", config, nil, "https://gw.example/s/Users/7"},
		{"configured", `{"public_url":"https://public.example/tenant/",` + config[1:], nil, "https://public.example/tenant/Users/7"},
		{"behind handle_path", config, func(r *http.Request) *http.Request {
			r.URL.Path = "/Users"
			return r
		}, "https://gw.example/s/Users/7"},
		{"untrusted proxy", config, func(r *http.Request) *http.Request {
			r.Header.Set("X-Forwarded-Host", "evil.example")
			return r
		}, "https://gw.example/s/Users/7"},
		{"trusted proxy", config, func(r *http.Request) *http.Request {
			r.Header.Set("X-Forwarded-Host", "front.example")
			r.Header.Set("X-Forwarded-Proto", "http")
			caddyhttp.SetVar(r.Context(), caddyhttp.TrustedProxyVarKey, true)
			return r
		}, "http://front.example/s/Users/7"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := newGateway(t, tt.config)
			w := httptest.NewRecorder()
			r := caddyhttp.PrepareRequest(request("POST", "/s/Users", user), caddy.NewReplacer(), w, &caddyhttp.Server{})
			if tt.prepare != nil {
				r = tt.prepare(r)
			}
			next := caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
				w.Header().Set("Location", "http://10.0.0.1/internal/Users/7")
				w.WriteHeader(http.StatusCreated)
				_, err := io.WriteString(w, `{"id":"7","meta":{"location":"http://10.0.0.1/internal/Users/7"}}`)
				return err
			})
			if err := g.h.ServeHTTP(w, r, next); err != nil {
				t.Fatal(err)
			}
			if got := w.Header().Get("Location"); w.Code != 201 || got != tt.want || !strings.Contains(w.Body.String(), tt.want) || strings.Contains(w.Body.String(), "10.0.0.1") {
				t.Errorf("%d, Location %q, body %s", w.Code, got, w.Body)
			}
		})
	}
}

// A leaver whose deactivation is refused stays active until somebody acts: it is said loudly, without values (Q53).
func TestRefusedDeactivation(t *testing.T) {
	core, logs := observer.New(zapcore.ErrorLevel)
	g := newGateway(t, config)
	module.SetLogger(g.h, zap.New(core))
	g.next = func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Content-Type", "application/scim+json")
		w.WriteHeader(http.StatusBadRequest)
		_, err := io.WriteString(w, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"400","scimType":"invalidPath","detail":"no such attribute"}`)
		return err
	}
	const envelope = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"displayName","value":"Jane Doe"},%s]}`
	for op, want := range map[string]int{
		`{"op":"Replace","path":"active","value":"False"}`: 1,
		`{"op":"replace","value":{"active":false}}`:        1,
		`{"op":"replace","path":"active","value":true}`:    0,
		`{"op":"replace","path":"title","value":"False"}`:  0,
	} {
		logs.TakeAll()
		w := g.do(t, request("PATCH", "/s/Users/1", fmt.Sprintf(envelope, op), "Adscimversion", "Date:x, ActivityId:6c2b\x07,"))
		scimError(t, w, 400)
		entries := logs.FilterMessageSnippet("still active").TakeAll()
		if len(entries) != want {
			t.Errorf("%s: %d lines", op, len(entries))
		}
		for _, e := range entries {
			if text := fmt.Sprint(e.ContextMap()); strings.Contains(text, "Jane") || e.ContextMap()["activity"] != "6c2b" {
				t.Errorf("logged %s", text)
			}
		}
	}
}

// A server that answers a deactivation with success and shows the user active has deactivated nobody.
func TestIgnoredDeactivation(t *testing.T) {
	core, logs := observer.New(zapcore.ErrorLevel)
	g := newGateway(t, config)
	module.SetLogger(g.h, zap.New(core))
	for shown, want := range map[string]int{`true`: 502, `"True"`: 502, `1`: 502, `false`: 200, `"False"`: 200} {
		g.next = func(w http.ResponseWriter, _ *http.Request) error {
			_, err := io.WriteString(w, `{"id":"1","userName":"u","active":`+shown+`}`)
			return err
		}
		logs.TakeAll()
		w := g.do(t, request("PATCH", "/s/Users/1", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"active","value":"False"}]}`))
		if said := logs.FilterMessageSnippet("still active").Len(); w.Code != want || (said == 1) != (want == 502) {
			t.Errorf("active %s: status %d, said %d times: %s", shown, w.Code, said, w.Body)
		}
	}
}

// A fault of ours, or of a handler behind, is an answer with its cause in the log, and no broken connection.
func TestPanic(t *testing.T) {
	core, logs := observer.New(zapcore.ErrorLevel)
	g := newGateway(t, config)
	module.SetLogger(g.h, zap.New(core))
	g.next = func(http.ResponseWriter, *http.Request) error { panic("the roof is on fire") }
	scimError(t, g.do(t, request("GET", "/scim/v2/Users/1", "")), 500)
	if n := logs.FilterMessage("the operation could not be carried out").Len(); n != 1 || !strings.Contains(fmt.Sprint(logs.All()[0].ContextMap()["cause"]), "on fire") {
		t.Errorf("%d lines: %v", n, logs.All())
	}
	g.next = func(w http.ResponseWriter, _ *http.Request) error { return nil }
	scimError(t, g.do(t, request("GET", "/scim/v2/Users/1", "")), 502)
}

// A client that does not wait for the answer has nothing done for it, unless somebody is to lose access.
func TestClientIsGone(t *testing.T) {
	const off = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"active","value":"False"}]}`
	for _, tc := range []struct {
		method, target, body string
		carried              bool
	}{
		{"GET", "/scim/v2/Users/1", "", false},
		{"POST", "/scim/v2/Users", user, false},
		{"PATCH", "/scim/v2/Users/1", strings.Replace(off, "False", "True", 1), false},
		{"DELETE", "/scim/v2/Groups/1", "", false},
		{"PATCH", "/scim/v2/Users/1", off, true},
		{"PUT", "/scim/v2/Users/1", strings.Replace(user, "{", `{"active":false,`, 1), true},
		{"DELETE", "/scim/v2/Users/1", "", true},
	} {
		g := newGateway(t, config)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		w := g.do(t, request(tc.method, tc.target, tc.body).WithContext(ctx))
		if carried := len(g.got) > 0; carried != tc.carried || !carried && (w.Code != 499 || w.Body.Len() > 0) {
			t.Errorf("%s %s: %d %s, upstream: %v", tc.method, tc.target, w.Code, w.Body, g.got)
		}
	}
}

func TestMistakesInTheConfiguration(t *testing.T) {
	for config, want := range map[string]string{
		`{}`: "there is no key",
		`{"keys":[{"name":"a","key":"{env.SURELY_NOT_SET_ANYWHERE}"}]}`:                             "SURELY_NOT_SET_ANYWHERE",
		`{"keys":[{"name":"a","key":"` + secret + `"}],"quirks":{"profile":"entre"}}`:               "entra",
		`{"keys":[{"name":"a","key":"` + secret + `"}],"attributes":[{"path":"x","type":"color"}]}`: "attributes",
		`{"keys":[{"name":"a","key":"` + secret + `"}],"upstream":{"kind":"nothing"}}`:              "upstream",
		`{"keys":[{"name":"a","key":"` + secret + `"}],"public_url":"gw.example/scim"}`:             "public_url",
		`{"keys":[{"name":"a","key":"` + secret + `"}],"max_body":-1}`:                              "max_body",
	} {
		h := new(module.Handler)
		if err := json.Unmarshal([]byte(config), h); err != nil {
			t.Fatal(err)
		}
		ctx := newContext(t)
		err := h.Provision(ctx)
		if err == nil {
			err = h.Validate()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", config, err, want)
		}
	}
}
