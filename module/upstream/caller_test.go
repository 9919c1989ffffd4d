package upstream_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
	"github.com/google/go-cmp/cmp"

	"github.com/caddy-scim/gateway/module/upstream"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// inbound is a provider's request as Caddy hands it to the gateway.
func inbound(t *testing.T, header http.Header) *http.Request {
	t.Helper()
	r := httptest.NewRequest(http.MethodPatch, "https://gw.example/scim/v2/Users/1?x=y", strings.NewReader("secret body"))
	maps.Copy(r.Header, header)
	return caddyhttp.PrepareRequest(r, caddy.NewReplacer(), httptest.NewRecorder(), &caddyhttp.Server{})
}

func handler(f func(http.ResponseWriter, *http.Request) error) caddyhttp.Handler {
	return caddyhttp.HandlerFunc(f)
}

func TestCallArrives(t *testing.T) {
	r := inbound(t, http.Header{
		"Authorization": {"Bearer inbound"}, "Cookie": {"a=b"}, "Accept-Encoding": {"gzip"}, "If-Match": {`"1"`},
		"X-Forwarded-For": {"6.6.6.6"}, "Remote-User": {"root"}, "X-Http-Method-Override": {"DELETE"},
		"Traceparent": {"00-1-2-01"}, "Adscimversion": {"5.0"}, "Te": {"trailers"}, "Incremental": {"?1"},
	})
	r.Trailer = http.Header{"X": nil}
	r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer).Set("http.auth.user.id", "entra")
	caddyhttp.SetVar(r.Context(), "tenant", "acme")

	var got *http.Request
	var body, user, tenant, uri string
	next := handler(func(w http.ResponseWriter, r *http.Request) error {
		got = r
		b, _ := io.ReadAll(r.Body)
		body = string(b)
		repl := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
		user = repl.ReplaceAll("{http.auth.user.id}", "")
		uri = repl.ReplaceAll("{http.request.uri}", "")
		tenant, _ = caddyhttp.GetVar(r.Context(), "tenant").(string)
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("X-Internal", "1")
		w.WriteHeader(http.StatusConflict)
		_, err := io.WriteString(w, "taken")
		return err
	})
	c := upstream.New(next, r, upstream.Config{})
	a, err := c.Do(r.Context(), upstream.Call{
		Method: http.MethodPut, Path: "/public/members/a%2Fb%40c?all=1", Body: []byte("{}"),
		Header: http.Header{"Authorization": {"Bearer upstream"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := &upstream.Answer{Status: http.StatusConflict, Header: http.Header{"X-Internal": {"1"}}, Body: []byte("taken")}
	if diff := cmp.Diff(want, a); diff != "" {
		t.Error(diff)
	}
	wantHeader := http.Header{
		"Authorization": {"Bearer upstream"}, "Traceparent": {"00-1-2-01"}, "Adscimversion": {"5.0"}, "User-Agent": {""},
		"Accept": {"application/scim+json, application/json"}, "Content-Type": {"application/scim+json"},
	}
	if diff := cmp.Diff(wantHeader, got.Header); diff != "" {
		t.Errorf("header: %s", diff)
	}
	for what, pair := range map[string][2]string{
		"method": {got.Method, "PUT"}, "escaped path": {got.URL.EscapedPath(), "/public/members/a%2Fb%40c"},
		"uri": {got.RequestURI, "/public/members/a%2Fb%40c?all=1"}, "placeholder": {uri, "/public/members/a%2Fb%40c?all=1"},
		"body": {body, "{}"}, "user": {user, "entra"}, "var": {tenant, "acme"}, "host": {got.Host, "gw.example"},
		"length": {fmt.Sprint(got.ContentLength), "2"}, "trailers": {fmt.Sprint(len(got.Trailer)), "0"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: got %q, want %q", what, pair[0], pair[1])
		}
	}
	if r.Method != http.MethodPatch || r.Header.Get("Authorization") == "" {
		t.Error("the provider's own request was changed")
	}
	if c.Calls() != 1 || c.Spent() <= 0 {
		t.Errorf("calls %d, spent %v", c.Calls(), c.Spent())
	}
}

// What Connection names is meant for this hop (RFC 9110 §7.6.1); who asks is not for the client to take away.
func TestConnectionNames(t *testing.T) {
	r := inbound(t, http.Header{
		"Connection": {"keep-alive, traceparent", "X-Forwarded-For"}, "Traceparent": {"00-1-2-01"}, "X-Request-Id": {"7"},
		"X-Forwarded-For": {"192.0.2.7"},
	})
	caddyhttp.SetVar(r.Context(), caddyhttp.TrustedProxyVarKey, true)
	var got http.Header
	next := handler(func(w http.ResponseWriter, r *http.Request) error {
		got = r.Header
		w.WriteHeader(http.StatusNoContent)
		return nil
	})
	if _, err := upstream.New(next, r, upstream.Config{}).Do(r.Context(), upstream.Call{Method: http.MethodGet, Path: "/"}); err != nil {
		t.Fatal(err)
	}
	if got.Get("Traceparent") != "" || got.Get("Connection") != "" || got.Get("X-Request-Id") != "7" || got.Get("X-Forwarded-For") != "192.0.2.7" {
		t.Errorf("sent on: %v", got)
	}
}

// X-Forwarded-* of a client that Caddy trusts is what reverse_proxy completes; anyone else's must not be believed.
func TestForwardedOnlyFromTrusted(t *testing.T) {
	r := inbound(t, http.Header{"X-Forwarded-For": {"192.0.2.7"}, "X-Forwarded-Proto": {"https"}})
	caddyhttp.SetVar(r.Context(), caddyhttp.TrustedProxyVarKey, true)
	caddyhttp.SetVar(r.Context(), caddyhttp.ClientIPVarKey, "192.0.2.7")
	next := handler(func(w http.ResponseWriter, r *http.Request) error {
		if r.Header.Get("X-Forwarded-For") != "192.0.2.7" || caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey) != "192.0.2.7" {
			t.Errorf("got %v, client %v", r.Header, caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey))
		}
		w.WriteHeader(http.StatusOK)
		return nil
	})
	if _, err := upstream.New(next, r, upstream.Config{}).Do(r.Context(), upstream.Call{Method: "GET", Path: "/"}); err != nil {
		t.Fatal(err)
	}
}

func TestNoWholeAnswer(t *testing.T) {
	dial := refusedDial(t)
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	tests := []struct {
		name    string
		next    func(http.ResponseWriter, *http.Request) error
		ctx     context.Context //nolint:containedctx // the point of the case
		timeout time.Duration
		status  int
	}{
		{name: "nothing answered", status: 502, next: func(http.ResponseWriter, *http.Request) error { return nil }},
		{name: "only early hints", status: 502, next: func(w http.ResponseWriter, _ *http.Request) error {
			w.WriteHeader(http.StatusEarlyHints)
			return nil
		}},
		{name: "cut short", status: 502, next: func(w http.ResponseWriter, _ *http.Request) error {
			_, _ = io.WriteString(w, `{"half":`)
			panic(http.ErrAbortHandler)
		}},
		{name: "too large", status: 502, next: func(w http.ResponseWriter, _ *http.Request) error {
			for range 3 {
				if _, err := io.WriteString(w, strings.Repeat("x", 50)); err != nil {
					panic(http.ErrAbortHandler) // as reverse_proxy does
				}
			}
			return nil
		}},
		{name: "says it is too large", status: 502, next: func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("Content-Length", "101")
			w.WriteHeader(http.StatusOK)
			return nil
		}},
		{name: "unreachable", status: 503, next: func(http.ResponseWriter, *http.Request) error {
			return caddyhttp.Error(502, dial)
		}},
		{name: "unreachable in time", status: 503, next: func(http.ResponseWriter, *http.Request) error {
			return caddyhttp.Error(504, fmt.Errorf("try: %w", dial))
		}},
		{name: "no upstreams", status: 503, next: func(http.ResponseWriter, *http.Request) error {
			return caddyhttp.Error(503, errors.New("no upstreams available"))
		}},
		{name: "slow header", status: 504, next: func(http.ResponseWriter, *http.Request) error {
			return caddyhttp.Error(504, errors.New("timeout awaiting response headers"))
		}},
		{name: "hung up", status: 502, next: func(http.ResponseWriter, *http.Request) error {
			return caddyhttp.Error(502, io.EOF)
		}},
		{name: "plain error", status: 502, next: func(http.ResponseWriter, *http.Request) error { return io.EOF }},
		{name: "slower than our limit", timeout: time.Millisecond, status: 504, next: func(_ http.ResponseWriter, r *http.Request) error {
			<-r.Context().Done()
			return caddyhttp.Error(502, r.Context().Err())
		}},
		{name: "slower than our limit, in the body", timeout: time.Millisecond, status: 504, next: func(w http.ResponseWriter, r *http.Request) error {
			w.WriteHeader(http.StatusOK)
			<-r.Context().Done()
			panic(http.ErrAbortHandler)
		}},
		{name: "says that the client went away", status: 502, next: func(w http.ResponseWriter, _ *http.Request) error {
			w.WriteHeader(499)
			_, err := io.WriteString(w, `{"status":"499"}`)
			return err
		}},
		{name: "fails as if the client went away", status: 502, next: func(http.ResponseWriter, *http.Request) error {
			return caddyhttp.Error(499, context.Canceled)
		}},
		{name: "client went away", status: 499, ctx: canceled, next: func(w http.ResponseWriter, _ *http.Request) error {
			w.WriteHeader(499)
			return nil
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := inbound(t, nil)
			ctx := r.Context()
			if tt.ctx != nil {
				ctx = tt.ctx
			}
			c := upstream.New(handler(tt.next), r, upstream.Config{MaxResponse: 100, Timeout: tt.timeout})
			a, err := c.Do(ctx, upstream.Call{Method: http.MethodGet, Path: "/Users"})
			e, ok := errors.AsType[*scim.Error](err)
			if a != nil || !ok || e.Status != tt.status {
				t.Fatalf("got %v, %v, want status %d", a, err, tt.status)
			}
			if strings.Contains(e.Detail, "127.0.0.1") {
				t.Errorf("the detail names an internal host: %s", e.Detail)
			}
		})
	}
}

// refusedDial is the error of a reverse_proxy that finds nobody at the other end.
func refusedDial(t *testing.T) error {
	t.Helper()
	var transport reverseproxy.HTTPTransport
	ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
	t.Cleanup(cancel)
	if err := transport.Provision(ctx); err != nil {
		t.Fatal(err)
	}
	r := inbound(t, nil)
	r.URL = &url.URL{Scheme: "http", Host: "127.0.0.1:1", Path: "/"}
	res, err := transport.RoundTrip(r)
	if err == nil {
		_ = res.Body.Close()
		t.Fatal("somebody listens on port 1")
	}
	return err
}

// A chain that returns a client error decided something: that is an answer, as "respond 404" is.
func TestHandlerErrorIsAnswer(t *testing.T) {
	r := inbound(t, nil)
	next := handler(func(http.ResponseWriter, *http.Request) error { return caddyhttp.Error(404, nil) })
	a, err := upstream.New(next, r, upstream.Config{}).Do(r.Context(), upstream.Call{Method: "GET", Path: "/x"})
	if err != nil || a.Status != 404 {
		t.Fatalf("got %v, %v", a, err)
	}
}

func TestOtherPanicsAreNotOurs(t *testing.T) {
	defer func() {
		if v := recover(); v != "bug" {
			t.Errorf("recovered %v", v)
		}
	}()
	r := inbound(t, nil)
	next := handler(func(http.ResponseWriter, *http.Request) error { panic("bug") })
	_, _ = upstream.New(next, r, upstream.Config{}).Do(r.Context(), upstream.Call{Method: "GET", Path: "/x"})
}

func TestBadTargets(t *testing.T) {
	for path, status := range map[string]int{
		"/Users/..": 400, "/Users/%2e%2e/x": 400, "/Users/.": 400, "Users": 500, "//evil/x": 500, "/a\x00b": 500, "": 500,
	} {
		r := inbound(t, nil)
		next := handler(func(http.ResponseWriter, *http.Request) error { t.Error("called"); return nil })
		_, err := upstream.New(next, r, upstream.Config{}).Do(r.Context(), upstream.Call{Method: "GET", Path: path})
		if e, ok := errors.AsType[*scim.Error](err); !ok || e.Status != status {
			t.Errorf("%q: got %v, want %d", path, err, status)
		}
	}
}

// Eight calls at once on one request, through a chain that writes variables and placeholders: run with -race. Every one
// must reach the handler although a route group lets only one of its routes match per request.
func TestParallel(t *testing.T) {
	ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
	defer cancel()
	routes := caddyhttp.RouteList{{Group: "g", HandlersRaw: []json.RawMessage{
		json.RawMessage(`{"handler":"vars","n":"{http.request.uri.path}"}`),
		json.RawMessage(`{"handler":"static_response","status_code":200,"body":"{http.vars.n}{http.auth.user.id}"}`),
	}}}
	if err := routes.Provision(ctx); err != nil {
		t.Fatal(err)
	}
	next := routes.Compile(handler(func(http.ResponseWriter, *http.Request) error { return nil }))
	r := inbound(t, nil)
	r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer).Set("http.auth.user.id", "k")
	c := upstream.New(next, r, upstream.Config{})
	var wg sync.WaitGroup
	for i := range 400 {
		wg.Go(func() {
			a, err := c.Do(r.Context(), upstream.Call{Method: "GET", Path: fmt.Sprintf("/m/%d", i)})
			if err != nil {
				t.Error(err)
			} else if want := fmt.Sprintf("/m/%dk", i); string(a.Body) != want {
				t.Errorf("got %q, want %q", a.Body, want)
			}
		})
		if i%8 == 7 {
			wg.Wait()
		}
	}
	wg.Wait()
	if c.Calls() != 400 {
		t.Errorf("%d calls counted", c.Calls())
	}
}

func TestRoundTripper(t *testing.T) {
	r := inbound(t, nil)
	next := handler(func(w http.ResponseWriter, r *http.Request) error {
		if err := r.ParseForm(); err != nil {
			return err
		}
		w.Header().Set("Content-Type", "application/json")
		_, err := fmt.Fprintf(w, "%s %s %s %s", r.Method, r.Host, r.URL.Path, r.PostForm.Get("grant_type"))
		return err
	})
	client := &http.Client{Transport: upstream.New(next, r, upstream.Config{}).RoundTripper()}
	for target, want := range map[string]string{
		"/connect/token":                         "POST gw.example /connect/token client_credentials",
		"https://identity.example/connect/token": "POST identity.example /connect/token client_credentials",
	} {
		req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, target,
			strings.NewReader(url.Values{"grant_type": {"client_credentials"}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if string(b) != want {
			t.Errorf("got %q, want %q", b, want)
		}
	}
}

func TestDocOfHTML(t *testing.T) {
	_, err := (&upstream.Answer{Status: 200, Body: []byte("<html>")}).Doc()
	if e, ok := errors.AsType[*scim.Error](err); !ok || e.Status != 502 {
		t.Errorf("got %v", err)
	}
}
