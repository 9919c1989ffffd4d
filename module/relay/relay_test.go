package relay_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"github.com/caddy-scim/gateway/module/relay"
	"github.com/caddy-scim/gateway/module/upstream"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/quirks"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// server is a SCIM server that answers one way, but for reading what was changed where that is answered by another one.
type server struct {
	status int
	header http.Header
	body   string
	reads  *server
	got    *http.Request
	sent   string
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) error {
	if s.reads != nil && r.Method == http.MethodGet {
		return s.reads.ServeHTTP(w, r)
	}
	body, _ := io.ReadAll(r.Body)
	s.got, s.sent = r, string(body)
	maps.Copy(w.Header(), s.header)
	w.WriteHeader(s.status)
	_, err := io.WriteString(w, s.body)
	return err
}

const base = "https://gw.example/scim"

type harness struct {
	relay *relay.Relay
	norm  *quirks.Normalizer
	set   *schema.Set
}

func newHarness(t *testing.T, r *relay.Relay) *harness {
	t.Helper()
	set := schema.Standard()
	norm, err := quirks.New(quirks.Config{Profile: quirks.Entra, Schemas: set})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Validate(); err != nil {
		t.Fatal(err)
	}
	if err := r.Prepare(upstream.Gateway{Schemas: set, Quirks: norm, Logger: zap.NewNop()}); err != nil {
		t.Fatal(err)
	}
	return &harness{r, norm, set}
}

func (h *harness) caller(s *server, path string, header http.Header) (context.Context, *upstream.Caller) {
	r := httptest.NewRequest(http.MethodGet, base+path, nil)
	r.Header = header
	if header == nil {
		r.Header = http.Header{}
	}
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), httptest.NewRecorder(), &caddyhttp.Server{})
	return r.Context(), upstream.New(s, r, upstream.Config{Root: "/scim", Path: path, Account: new(quirks.Account)})
}

func (h *harness) carry(t *testing.T, s *server, verb scim.Verb, path, query, body string, header http.Header) (*scim.Answer, error) {
	t.Helper()
	op := &scim.Operation{Type: h.set.User, Verb: verb, Base: base, Query: scim.Query{StartIndex: 1, Count: -1}}
	if strings.HasPrefix(path, "/Groups") {
		op.Type = h.set.Group
	}
	if _, id, ok := strings.Cut(path[1:], "/"); ok {
		op.ID = id
	}
	var err error
	if op.Query, err = h.norm.Query(op.Type, verb, query, nil); err != nil {
		t.Fatal(err)
	}
	if body != "" {
		if op.Body, err = doc.Scan([]byte(body)); err != nil {
			t.Fatal(err)
		}
		op.Deactivates = op.Type == h.set.User && quirks.Deactivates(op.Body)
	}
	ctx, c := h.caller(s, path, header)
	return h.relay.Carry(ctx, c, op)
}

const (
	patch = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":false}]}`
	found = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"7","userName":"u","meta":{"resourceType":"User","location":"http://10.0.0.1/v2/Users/7"}}`
	here  = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"7","userName":"u","meta":{"resourceType":"User","location":"https://gw.example/scim/Users/7"}}`
)

func TestCalls(t *testing.T) {
	tests := []struct {
		name        string
		relay       relay.Relay
		verb        scim.Verb
		path, query string
		body        string
		header      http.Header
		wantLine    string
		wantSent    string
		wantType    string
		wantIfMatch string
	}{
		{name: "same root", verb: scim.Read, path: "/Users/a%40b", wantLine: "GET /scim/Users/a%40b"},
		{name: "other root", relay: relay.Relay{Root: "/v2/"}, verb: scim.Delete, path: "/Groups/7", wantLine: "DELETE /v2/Groups/7"},
		{name: "no root", relay: relay.Relay{Root: "/"}, verb: scim.Read, path: "/Users/7", wantLine: "GET /Users/7"},
		{
			name: "query", verb: scim.List, path: "/Users", query: "filter=userName+eq+%22a%22&aadOptscim062020&count=5",
			wantLine: "GET /scim/Users?filter=userName%20eq%20%22a%22&count=5",
		},
		{
			name: "body", verb: scim.Patch, path: "/Users/7", body: patch, header: http.Header{"If-Match": {`W/"3"`}},
			wantLine: "PATCH /scim/Users/7", wantSent: patch, wantType: "application/scim+json", wantIfMatch: `W/"3", "3"`,
		},
		{
			name: "type of the body", relay: relay.Relay{ContentType: "application/json"}, verb: scim.Replace, path: "/Users/7", body: found,
			wantLine: "PUT /scim/Users/7", wantSent: found, wantType: "application/json",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &server{status: 200, body: strings.Replace(found, `"id"`, `"active":false,"id"`, 1)}
			if tt.verb == scim.List {
				s.body = `{"totalResults":0}`
			}
			if _, err := newHarness(t, &tt.relay).carry(t, s, tt.verb, tt.path, tt.query, tt.body, tt.header); err != nil {
				t.Fatal(err)
			}
			got := []string{s.got.Method + " " + s.got.RequestURI, s.sent, s.got.Header.Get("Content-Type"), s.got.Header.Get("If-Match")}
			if diff := cmp.Diff([]string{tt.wantLine, tt.wantSent, tt.wantType, tt.wantIfMatch}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A PATCH in which nothing is left to do is a success without being sent (Q49), if there is such a resource.
func TestNothingToDo(t *testing.T) {
	const nothing = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[]}`
	s := &server{status: 200, body: `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"7","userName":"a"}`}
	a, err := newHarness(t, new(relay.Relay)).carry(t, s, scim.Patch, "/Users/7", "", nothing, nil)
	if err != nil || a.Status != 204 || s.got == nil || s.got.Method != http.MethodGet {
		t.Errorf("got %v, %v; the server got %v", a, err, s.got)
	}
	s = &server{status: 404}
	_, err = newHarness(t, new(relay.Relay)).carry(t, s, scim.Patch, "/Users/7", "", nothing, nil)
	if e, ok := errors.AsType[*scim.Error](err); !ok || e.Status != 404 {
		t.Errorf("nobody is there: %v", err)
	}
}

func TestAnswers(t *testing.T) {
	const scimError = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"400","scimType":"mutability","detail":"userName\ncannot change"}`
	list := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":1,"startIndex":1,"itemsPerPage":1,"Resources":[`
	empty := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":0,"startIndex":1,"itemsPerPage":0,"Resources":[]}`
	const filter = "filter=userName+eq+%22a%22"
	on, off := strings.Replace(found, `"id"`, `"active":true,"id"`, 1), strings.Replace(found, `"id"`, `"active":false,"id"`, 1)
	shows := func(user string) *server { return &server{status: 200, body: user} }
	h := func(pairs ...string) http.Header {
		out := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			out.Set(pairs[i], pairs[i+1])
		}
		return out
	}
	tests := []struct {
		name   string
		verb   scim.Verb
		query  string
		server server
		want   scim.Answer // Status of an error is in wantErr
		err    *scim.Error
	}{
		{name: "read", verb: scim.Read, server: server{status: 200, body: found, header: h("Etag", `"5"`)}, want: scim.Answer{Status: 200, Body: []byte(here), ETag: `W/"5"`}},
		{name: "not modified", verb: scim.Read, server: server{status: 304, header: h("Etag", `W/"5"`)}, want: scim.Answer{Status: 304, ETag: `W/"5"`}},
		{name: "list", verb: scim.List, server: server{status: 200, body: list + found + "]}"}, want: scim.Answer{Status: 200, Body: []byte(list + here + "]}")}},
		{name: "weak server", verb: scim.Read, server: server{status: 200, body: `{"id":"7","active":"True"}`}, want: scim.Answer{Status: 200, Body: []byte(`{"id":"7","active":true,"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"meta":{"resourceType":"User","location":"https://gw.example/scim/Users/7"}}`)}},
		{name: "create", verb: scim.Create, server: server{status: 201, body: found, header: h("Location", "http://10.0.0.1/v2/Users/7")}, want: scim.Answer{Status: 201, Body: []byte(here), Location: base + "/Users/7"}},
		{name: "id that is a number", verb: scim.Read, server: server{status: 200, body: strings.Replace(found, `"7"`, "7", 1)}, want: scim.Answer{Status: 200, Body: []byte(here)}},
		{name: "create of a number", verb: scim.Create, server: server{status: 201, body: strings.Replace(found, `"7"`, "7", 1)}, want: scim.Answer{Status: 201, Body: []byte(here), Location: base + "/Users/7"}},
		{name: "patch 200", verb: scim.Patch, server: server{status: 200, body: found}, want: scim.Answer{Status: 200, Body: []byte(here)}},
		{name: "patch 204", verb: scim.Patch, server: server{status: 204, reads: shows(off)}, want: scim.Answer{Status: 204}},
		{name: "patch 200 without body", verb: scim.Patch, server: server{status: 200, reads: shows(off)}, want: scim.Answer{Status: 204}},
		{name: "patch 204 of who is gone", verb: scim.Patch, server: server{status: 204, reads: &server{status: 404}}, want: scim.Answer{Status: 204}},
		{name: "patch 204 of a server that shows no active", verb: scim.Patch, server: server{status: 204, reads: shows(found)}, want: scim.Answer{Status: 204}},
		{name: "patch that leaves active out", verb: scim.Patch, server: server{status: 200, body: found, reads: shows(off)}, want: scim.Answer{Status: 200, Body: []byte(here)}},
		{name: "delete 200", verb: scim.Delete, server: server{status: 200, body: "{}"}, want: scim.Answer{Status: 204}},
		{name: "delete 200 with what was deleted", verb: scim.Delete, server: server{status: 200, body: found}, want: scim.Answer{Status: 204}},
		{name: "delete 200 that says so", verb: scim.Delete, server: server{status: 200, body: `{"success":true,"status":200,"error":null,"errors":[]}`}, want: scim.Answer{Status: 204}},
		{name: "read with a location", verb: scim.Read, server: server{status: 200, body: found, header: h("Location", "http://10.0.0.1/v2/Users/7")}, want: scim.Answer{Status: 200, Body: []byte(here), Location: base + "/Users/7"}},
		{name: "patch with a location", verb: scim.Patch, server: server{status: 200, body: found, header: h("Location", "/v2/Users/7")}, want: scim.Answer{Status: 200, Body: []byte(here), Location: base + "/Users/7"}},
		{name: "location that is null", verb: scim.Read, server: server{status: 200, body: strings.Replace(found, `"http://10.0.0.1/v2/Users/7"`, "null", 1)}, want: scim.Answer{Status: 200, Body: []byte(here)}},
		{name: "attributes that were ignored", verb: scim.Read, query: "attributes=id", server: server{status: 200, body: strings.Replace(found, `"meta"`, `"password":"p","meta"`, 1)}, want: scim.Answer{Status: 200, Body: []byte(strings.Replace(here, `"userName":"u",`, "", 1))}},
		{name: "excluded attributes that were ignored", verb: scim.List, query: "excludedAttributes=userName", server: server{status: 200, body: list + found + "]}"}, want: scim.Answer{Status: 200, Body: []byte(list + strings.Replace(here, `"userName":"u",`, "", 1) + "]}")}},
		{name: "deactivated", verb: scim.Patch, server: server{status: 200, body: strings.Replace(found, `"id"`, `"active":false,"id"`, 1)}, want: scim.Answer{Status: 200, Body: []byte(strings.Replace(here, `"id"`, `"active":false,"id"`, 1))}},
		{name: "filtered list not found", verb: scim.List, query: filter, server: server{status: 404}, want: scim.Answer{Status: 200, Body: []byte(empty)}},

		{name: "filtered list page", verb: scim.List, query: filter, server: server{status: 404, body: "<html>", header: h("Content-Type", "text/html")}, err: &scim.Error{Status: 502}},
		{name: "delete page", verb: scim.Delete, server: server{status: 200, body: "<html>please log in</html>"}, err: &scim.Error{Status: 502}},
		{name: "delete 200 with an error of SCIM", verb: scim.Delete, server: server{status: 200, body: scimError}, err: &scim.Error{Status: 502}},
		{name: "delete 200 without success", verb: scim.Delete, server: server{status: 200, body: `{"success":false}`}, err: &scim.Error{Status: 502}},
		{name: "delete 200 with an error", verb: scim.Delete, server: server{status: 200, body: `{"error":{"message":"in use"}}`}, err: &scim.Error{Status: 502}},
		{name: "delete 200 with errors", verb: scim.Delete, server: server{status: 200, body: `{"data":null,"errors":["in use"]}`}, err: &scim.Error{Status: 502}},
		{name: "delete 200 with the status of an error", verb: scim.Delete, server: server{status: 200, body: `{"status":"500","detail":"x"}`}, err: &scim.Error{Status: 502}},
		{name: "delete 200 that failed", verb: scim.Delete, server: server{status: 200, body: `{"status":"failed"}`}, err: &scim.Error{Status: 502}},
		{name: "patch that deactivated nobody", verb: scim.Patch, server: server{status: 200, body: strings.Replace(found, `"id"`, `"active":true,"id"`, 1)}, err: &scim.Error{Status: 502}},
		{name: "patch that deactivated nobody, in words", verb: scim.Patch, server: server{status: 200, body: strings.Replace(found, `"id"`, `"active":"True","id"`, 1)}, err: &scim.Error{Status: 502}},
		{name: "patch 204 that deactivated nobody", verb: scim.Patch, server: server{status: 204, reads: shows(on)}, err: &scim.Error{Status: 502}},
		{name: "patch 204 that deactivated nobody, in words", verb: scim.Patch, server: server{status: 204, reads: shows(strings.Replace(on, "true", `"True"`, 1))}, err: &scim.Error{Status: 502}},
		{name: "put 204 that deactivated nobody", verb: scim.Replace, server: server{status: 204, reads: shows(on)}, err: &scim.Error{Status: 502}},
		{name: "patch that leaves active out, of who is active", verb: scim.Patch, server: server{status: 200, body: found, reads: shows(on)}, err: &scim.Error{Status: 502}},
		{name: "patch 204 that cannot be read back", verb: scim.Patch, server: server{status: 204, reads: &server{status: 500}}, err: &scim.Error{Status: 502}},
		{name: "patch 204 that may be read back later", verb: scim.Patch, server: server{status: 204, reads: &server{status: 429, header: h("Retry-After", "7")}}, err: &scim.Error{Status: 429, RetryAfter: 7 * time.Second}},
		{name: "delete not found", verb: scim.Delete, server: server{status: 404}, err: &scim.Error{Status: 404}},
		{name: "list not found", verb: scim.List, server: server{status: 404}, err: &scim.Error{Status: 502}},
		{name: "create not found", verb: scim.Create, server: server{status: 404}, err: &scim.Error{Status: 502}},
		{name: "gone", verb: scim.Read, server: server{status: 404}, err: &scim.Error{Status: 404}},
		{name: "404 page", verb: scim.Read, server: server{status: 404, body: "<html>", header: h("Content-Type", "text/html; charset=utf-8")}, err: &scim.Error{Status: 502}},
		{name: "200 page", verb: scim.Read, server: server{status: 200, body: "<html>"}, err: &scim.Error{Status: 502}},
		{name: "half", verb: scim.Read, server: server{status: 200, body: found[:40]}, err: &scim.Error{Status: 502}},
		{name: "empty", verb: scim.Read, server: server{status: 200}, err: &scim.Error{Status: 502}},
		{name: "empty create", verb: scim.Create, server: server{status: 201}, err: &scim.Error{Status: 502}},
		{name: "no list", verb: scim.List, server: server{status: 200, body: `{"error":"x"}`}, err: &scim.Error{Status: 502}},
		{name: "no resource", verb: scim.Read, server: server{status: 200, body: `{"ok":true}`}, err: &scim.Error{Status: 502}},
		{name: "401", verb: scim.Read, server: server{status: 401}, err: &scim.Error{Status: 502}},
		{name: "403", verb: scim.Patch, server: server{status: 403}, err: &scim.Error{Status: 502}},
		{name: "redirect", verb: scim.Patch, server: server{status: 307, header: h("Location", "/x")}, err: &scim.Error{Status: 502}},
		{name: "503", verb: scim.Read, server: server{status: 503, header: h("Retry-After", "7")}, err: &scim.Error{Status: 502, RetryAfter: 7 * time.Second}},
		{name: "429 for days", verb: scim.Read, server: server{status: 429, header: h("Retry-After", "999999")}, err: &scim.Error{Status: 429, RetryAfter: time.Hour}},
		{name: "429", verb: scim.Read, server: server{status: 429, header: h("Retry-After", "7")}, err: &scim.Error{Status: 429, RetryAfter: 7 * time.Second}},
		{name: "409", verb: scim.Create, server: server{status: 409, body: "exists"}, err: &scim.Error{Status: 409, Type: "uniqueness"}},
		{name: "409 of a delete", verb: scim.Delete, server: server{status: 409, body: "in use"}, err: &scim.Error{Status: 409}},
		{name: "replace that means 409", verb: scim.Replace, server: server{status: 422, body: `{"message":"duplicate key on db01"}`}, err: &scim.Error{Status: 409, Type: "uniqueness"}},
		{name: "400 that means 409", verb: scim.Create, server: server{status: 400, body: `{"message":"E11000 duplicate key on db01"}`}, err: &scim.Error{Status: 409, Type: "uniqueness"}},
		{name: "500 that means 409", verb: scim.Create, server: server{status: 500, body: `user already exists`}, err: &scim.Error{Status: 409, Type: "uniqueness"}},
		{name: "500", verb: scim.Create, server: server{status: 500, body: `oops`}, err: &scim.Error{Status: 502}},
		{name: "412", verb: scim.Patch, server: server{status: 412}, err: &scim.Error{Status: 412}},
		{name: "SCIM error", verb: scim.Patch, server: server{status: 400, body: scimError}, err: &scim.Error{Status: 400, Type: "mutability", Detail: "userName cannot change"}},
		{name: "framework's error", verb: scim.Patch, server: server{status: 400, body: `{"message":["secret host db01","b"]}`}, err: &scim.Error{Status: 400}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path, body := "/Users/7", ""
			switch tt.verb {
			case scim.List:
				path = "/Users"
			case scim.Create:
				path, body = "/Users", found
			case scim.Patch:
				body = patch
			case scim.Replace:
				body = off
			}
			a, err := newHarness(t, new(relay.Relay)).carry(t, &tt.server, tt.verb, path, tt.query, body, nil)
			if tt.err == nil {
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(&tt.want, a); diff != "" {
					t.Error(diff)
				}
				return
			}
			e, ok := errors.AsType[*scim.Error](err)
			if !ok || e.Status != tt.err.Status || e.Type != tt.err.Type || e.RetryAfter != tt.err.RetryAfter || tt.err.Detail != "" && e.Detail != tt.err.Detail {
				t.Errorf("got %v, %v, want %v", a, err, tt.err)
			}
			if ok && strings.Contains(e.Detail, "db01") {
				t.Errorf("the detail is the framework's: %s", e.Detail)
			}
		})
	}
}

// A server's own documents are told as far as they are true of the gateway: what it does not route, offer or take, and where
// the server is, they do not say. What a document of its kind must have and has not is added (RFC 7643 §5, §6, §7).
func TestDiscovery(t *testing.T) {
	const (
		config = "/ServiceProviderConfig"
		urn    = "urn:ietf:params:scim:schemas:core:2.0:"
		rest   = `"bulk":{"supported":false,"maxOperations":0,"maxPayloadSize":0},"authenticationSchemes":[{"type":"oauthbearertoken","name":"SCIM API key",` +
			`"description":"The SCIM API key as a bearer token in the Authorization header.","specUri":"https://www.rfc-editor.org/info/rfc6750","primary":true}],` +
			`"meta":{"resourceType":"ServiceProviderConfig","location":"` + base + `/ServiceProviderConfig"}}`
		own = `{"schemas":["` + urn + `ServiceProviderConfig"],"documentationUri":"http://10.0.0.1/docs","patch":{"supported":false},` +
			`"filter":{"supported":true,"maxResults":7},"changePassword":{"supported":true},"sort":{"supported":true},"etag":{"supported":true},` +
			`"bulk":{"supported":true,"maxOperations":1000,"maxPayloadSize":1048576},"authenticationSchemes":[{"type":"httpbasic","name":"Basic"}],` +
			`"meta":{"resourceType":"ServiceProviderConfig","location":"http://10.0.0.1/v2/ServiceProviderConfig"}}`
		told = `{"schemas":["` + urn + `ServiceProviderConfig"],"patch":{"supported":false},` +
			`"filter":{"supported":true,"maxResults":7},"changePassword":{"supported":true},"sort":{"supported":true},"etag":{"supported":true},` + rest
		half = `{"Patch":true,"filter":{"supported":"True","maxResults":"50"},"sort":{}}`
		full = `{"patch":{"supported":true},"filter":{"supported":true,"maxResults":50},"sort":{"supported":false},"changePassword":{"supported":false},` +
			`"etag":{"supported":false},` + rest
		user    = `{"schemas":["` + urn + `ResourceType"],"id":"User","name":"User","endpoint":"/Users","schema":"u","meta":{"resourceType":"ResourceType","location":"` + base + `/ResourceTypes/User"}}`
		group   = `{"schemas":["` + urn + `ResourceType"],"id":"Group","name":"Group","endpoint":"/Groups","schema":"g","meta":{"resourceType":"ResourceType","location":"` + base + `/ResourceTypes/Group"}}`
		groupAt = `{"schemas":["` + urn + `ResourceType"],"id":"Group","name":"Group","endpoint":"http://10.0.0.1/v2/Groups","schema":"g","meta":{"resourceType":"ResourceType","location":"http://10.0.0.1/v2/ResourceTypes/Group"}}`
		device  = `{"id":"Device","endpoint":"/Devices","schema":"d"}`
		bare    = `{"endpoint":"/Users"}`
		bareIs  = `{"endpoint":"/Users","id":"User","name":"User","schema":"` + urn + `User","schemas":["` + urn + `ResourceType"],"meta":{"resourceType":"ResourceType","location":"` + base + `/ResourceTypes/User"}}`
		schema  = `{"id":"d","attributes":[]}`
		whole   = `{"id":"d","attributes":[],"schemas":["` + urn + `Schema"],"meta":{"resourceType":"Schema","location":"` + base + `/Schemas/d"}}`
	)
	list := func(items ...string) string {
		return fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":%d,"startIndex":1,"itemsPerPage":%d,"Resources":[%s]}`,
			len(items), len(items), strings.Join(items, ","))
	}
	for _, tt := range []struct {
		name   string
		path   string
		server server
		body   string // empty: it is left to the gateway
		status int    // of the error
	}{
		{name: "its own", path: config, server: server{status: 200, body: own}, body: told},
		{name: "half of it", path: config, server: server{status: 200, body: half}, body: strings.Replace(full, `,"meta"`, `,"schemas":["`+urn+`ServiceProviderConfig"],"meta"`, 1)},
		{name: "none", path: config, server: server{status: 404}},
		{name: "a list", path: config, server: server{status: 200, body: "[]"}},
		{name: "a page", path: config, server: server{status: 200, body: "<html>"}},
		{name: "broken", path: config, server: server{status: 500}, status: 502},
		{name: "types", path: "/ResourceTypes", server: server{status: 200, body: `{"totalResults":3, "Resources":[` + device + "," + user + "," + groupAt + `]}`}, body: list(user, group)},
		{name: "types without a list", path: "/ResourceTypes", server: server{status: 200, body: "[" + user + "," + bare + "]"}, body: list(user, bareIs)},
		{name: "types under another name", path: "/ResourceTypes", server: server{status: 200, body: `{"resource_types":[` + user + `]}`}, body: list(user)},
		{name: "one type for the list", path: "/ResourceTypes", server: server{status: 200, body: user}, body: list(user)},
		{name: "no types", path: "/ResourceTypes", server: server{status: 200, body: `{"Resources":{}}`}},
		{name: "a type", path: "/ResourceTypes/User", server: server{status: 200, body: user}, body: user},
		{name: "a type that is not routed", path: "/ResourceTypes/Device", server: server{status: 200, body: device}, status: 404},
		{name: "no type", path: "/ResourceTypes/User", server: server{status: 200, body: "{}"}},
		{name: "schemas", path: "/Schemas", server: server{status: 200, body: `{"totalResults":1,"Resources":[` + schema + `]}`}, body: list(whole)},
		{name: "schemas without a list", path: "/Schemas", server: server{status: 200, body: "[" + schema + "]"}, body: list(whole)},
		{name: "a schema", path: "/Schemas/d", server: server{status: 200, body: schema}, body: whole},
		{name: "no schema", path: "/Schemas/d", server: server{status: 200, body: `{"error":"x"}`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHarness(t, &relay.Relay{Root: "/v2"})
			ctx, c := h.caller(&tt.server, tt.path, nil)
			a, err := h.relay.Discover(ctx, c, tt.path, base)
			if e, _ := errors.AsType[*scim.Error](err); (e == nil) != (tt.status == 0) || e != nil && e.Status != tt.status {
				t.Fatalf("got %v", err)
			}
			var got string
			if a != nil {
				got = string(a.Body)
			}
			if got != tt.body {
				t.Errorf("got %s, want %s", got, tt.body)
			}
			if tt.server.got.RequestURI != "/v2"+tt.path {
				t.Errorf("asked for %s", tt.server.got.RequestURI)
			}
		})
	}
}

func TestMistakes(t *testing.T) {
	for _, r := range []relay.Relay{{Root: "v2"}, {Root: "https://x/v2"}, {Root: "//x/v2"}, {Root: "/v2?x"}, {ContentType: "json;;"}} {
		if err := r.Validate(); err == nil {
			t.Errorf("%+v was accepted", r)
		}
	}
}
