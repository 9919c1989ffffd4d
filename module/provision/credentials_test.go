package provision

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-scim/gateway/module/provision/api"
	"github.com/caddy-scim/gateway/module/upstream"
	"github.com/caddy-scim/gateway/transforms/mapping"
)

// Token endpoints take a few requests a minute: one token for everybody, for as long as it lives.
func TestOneToken(t *testing.T) {
	g, b := onBitwarden(t, nil)
	now := g.clock
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() { g.must(t, 200, "GET", "/Users", "") })
	}
	wg.Wait()
	if b.tokens != 1 {
		t.Errorf("%d tokens", b.tokens)
	}
	// Refused although it should live: fetched anew once, and the request goes on.
	b.token = "another"
	g.seen.users.Expire()
	g.must(t, 200, "GET", "/Users", "")
	if b.tokens != 2 {
		t.Errorf("%d tokens", b.tokens)
	}
	now.t = now.t.Add(2 * time.Hour)
	g.must(t, 200, "GET", "/Users", "")
	g.seen.users.Expire()
	g.must(t, 200, "GET", "/Users", "")
	if b.tokens != 3 {
		t.Errorf("%d tokens after the second one ended", b.tokens)
	}
	// Refused again and again: the provider's own key is not at fault.
	b.fault = func(*http.Request) *upstream.Answer { return &upstream.Answer{Status: 401, Header: http.Header{}} }
	g.seen.users.Expire()
	b.took()
	if a := g.do(t, "GET", "/Users", ""); a.status != 502 {
		t.Errorf("got %d", a.status)
	}
	if calls := b.took(); len(calls) != 2 {
		t.Errorf("tried %d times", len(calls))
	}
}

// Some token endpoints want to be told more, in header fields.
func TestTokenHeaders(t *testing.T) {
	m := bitwardenMapping()
	auth := m.Auths["default"]
	auth.Headers = map[string]string{"X-Tenant": "acme"}
	m.Auths["default"] = auth
	g, b := onBitwarden(t, func(o *Organization) { o.Mapping = m })
	g.must(t, 200, "GET", "/Users", "")
	if b.asked.Get("X-Tenant") != "acme" {
		t.Errorf("asked with %v", b.asked)
	}
	for _, name := range []string{"Content-Type", "X Tenant"} {
		auth.Headers = map[string]string{name: "x"}
		m.Auths["default"] = auth
		if err := (&Organization{Mapping: m}).Check(); err == nil || !strings.Contains(err.Error(), "auths.default.headers."+name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWrongSecret(t *testing.T) {
	m := bitwardenMapping()
	m.Auths["default"].Params[1].Value = "wrong"
	g, b := onBitwarden(t, func(o *Organization) { o.Mapping = m })
	if a := g.do(t, "GET", "/Users", ""); a.status != 502 {
		t.Errorf("got %d", a.status)
	}
	if calls := b.took(); len(calls) > 0 {
		t.Errorf("calls without a credential: %v", calls)
	}
	// It is not tried again for each request: many servers shut out who tries often.
	for range 3 {
		if a := g.do(t, "GET", "/Groups", ""); a.status != 502 {
			t.Errorf("got %d", a.status)
		}
	}
	if b.logins != 1 {
		t.Errorf("%d logins", b.logins)
	}
	g.clock.t = g.clock.t.Add(time.Minute)
	if a := g.do(t, "GET", "/Users", ""); a.status != 502 || b.logins != 2 {
		t.Errorf("got %d, %d logins", a.status, b.logins)
	}
}

func TestLogin(t *testing.T) {
	m := bitwardenMapping()
	m.Auths["default"] = mapping.AuthDef{Kind: "login", URL: "/identity/connect/token", Body: "form", Token: "access_token",
		Params: []mapping.ParamDef{{Name: "client_id", Value: "organization.1"}, {Name: "client_secret", Value: "secret"}}}
	g, b := onBitwarden(t, func(o *Organization) { o.Mapping = m })
	g.must(t, 200, "GET", "/Users", "")
	g.must(t, 200, "GET", "/Groups", "")
	if b.tokens != 1 {
		t.Errorf("%d logins", b.tokens)
	}
}

// A limit of the upstream is kept by waiting, and by sending the provider away where that would take too long; but not
// in the middle of a change.
func TestPace(t *testing.T) {
	const per = 200 * time.Millisecond
	g, _ := onBitwarden(t, func(o *Organization) {
		o.Pace = []api.Pace{{Methods: []string{"POST", "PUT"}, Calls: 2, Per: caddy.Duration(per)}}
		o.PaceWait = caddy.Duration(per / 10)
	})
	now := g.clock
	u := g.people(t, "a")
	now.t = now.t.Add(per / 4)
	u = append(u, g.people(t, "b")...)
	a := g.do(t, "POST", "/Users", user("c@example.com", "c"))
	if a.status != 429 || a.err.RetryAfter < time.Second {
		t.Fatalf("got %d, retry after %v", a.status, a.err)
	}
	now.t = now.t.Add(per * 3 / 4) // one call is free, the next one only after a wait that no new operation may have
	g.makeGroup(t, "Sales", u...)
	if a := g.do(t, "POST", "/Users", user("c@example.com", "c")); a.status != 429 {
		t.Errorf("got %d", a.status)
	}
	now.t = now.t.Add(a.err.RetryAfter)
	g.must(t, 201, "POST", "/Users", user("c@example.com", "c"))
	g.must(t, 200, "GET", "/Users/"+u[0], "")
}

// A token endpoint may be another server than the API's, as with Bitwarden's cloud. It is asked directly, it cannot send
// the secret elsewhere, and whatever it answers is not the provider's fault.
func TestTokenFromElsewhere(t *testing.T) {
	var asked []string
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = append(asked, r.URL.Path+" "+strconv.FormatBool(strings.Contains(string(body), "secret")))
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/token", http.StatusTemporaryRedirect)
		case "/page":
			_, _ = io.WriteString(w, "<html>")
		case "/busy":
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusTooManyRequests)
		default:
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"access_token":"elsewhere","token_type":"Bearer","expires_in":3600}`)
		}
	}))
	defer elsewhere.Close()
	for _, kind := range []string{"oauth2", "login"} {
		for _, test := range []struct {
			path   string
			status int
		}{{"/token", 200}, {"/moved", 502}, {"/page", 502}, {"/busy", 429}} {
			m := bitwardenMapping()
			auth := m.Auths["default"]
			if auth.Kind, auth.URL = kind, elsewhere.URL+test.path; kind == "login" {
				auth.Token = "access_token"
			}
			m.Auths["default"] = auth
			g, b := onBitwarden(t, func(o *Organization) { o.Mapping = m })
			b.token, asked = "elsewhere", nil
			a := g.do(t, "GET", "/Users", "")
			if a.status != test.status || b.tokens > 0 {
				t.Errorf("%s %s: got %d %v", kind, test.path, a.status, a.err)
			}
			if test.status == 429 && a.err.RetryAfter != 7*time.Second {
				t.Errorf("%s %s: retry after %v", kind, test.path, a.err.RetryAfter)
			}
			if !slices.Equal(asked, []string{test.path + " true"}) {
				t.Errorf("%s %s: asked %v", kind, test.path, asked)
			}
		}
	}
	m := bitwardenMapping()
	auth := m.Auths["default"]
	auth.URL = elsewhere.URL + "/token"
	m.Auths["default"] = auth
	elsewhere.Close()
	g, _ := onBitwarden(t, func(o *Organization) { o.Mapping = m })
	if a := g.do(t, "GET", "/Users", ""); a.status != 503 {
		t.Errorf("nobody is there: got %d %v", a.status, a.err)
	}
}

// A login that was refused a moment ago is tried again for whoever is to lose access: it may have been a fault.
func TestLeaversWaitForNoLogin(t *testing.T) {
	g, b := onBitwarden(t, nil)
	id := g.people(t, "jane")[0]
	b.mu.Lock()
	b.token, b.secret = "ended", "another"
	b.mu.Unlock()
	g.must(t, 502, "GET", "/Users/"+id, "")
	b.mu.Lock()
	b.secret = ""
	b.mu.Unlock()
	g.must(t, 502, "GET", "/Users/"+id, "") // the pause
	g.must(t, 200, "PATCH", "/Users/"+id, patchOp(disable))
	if b.member(t, id)["status"] != -1 {
		t.Error("the leaver has access")
	}
}
