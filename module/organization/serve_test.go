package organization

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestToken(t *testing.T) {
	a := start(t, Handler{})
	good := func(change ...string) url.Values {
		form := url.Values{
			"grant_type": {"client_credentials"}, "scope": {"api.organization"},
			"client_id": {testClient}, "client_secret": {testSecret},
			"device_identifier": {"1"}, "device_name": {"gateway"}, "device_type": {"0"},
		}
		for i := 0; i < len(change); i += 2 {
			if form.Set(change[i], change[i+1]); change[i+1] == "" {
				form.Del(change[i])
			}
		}
		return form
	}
	tests := []struct {
		name   string
		path   string
		form   url.Values
		refuse string
	}{
		{"self-hosted", "/identity/connect/token", good(), ""},
		{"cloud", "/connect/token", good(), ""},
		{"in any case", "/Identity/Connect/Token/", good(), ""},
		{"no scope is every scope", "/connect/token", good("scope", ""), ""},
		{"wrong secret", "/connect/token", good("client_secret", "x"), "invalid_client"},
		{"no secret", "/connect/token", good("client_secret", ""), "invalid_client"},
		{"another organization", "/connect/token", good("client_id", "organization."+nobody), "invalid_client"},
		{"no client", "/connect/token", good("client_id", ""), "invalid_client"},
		{"wrong scope", "/connect/token", good("scope", "api"), "invalid_scope"},
		{"one scope too many", "/connect/token", good("scope", "api.organization api"), "invalid_scope"},
		{"wrong grant", "/connect/token", good("grant_type", "password"), "unsupported_grant_type"},
		{"no grant", "/connect/token", good("grant_type", ""), "unsupported_grant_type"},
		{"nothing", "/connect/token", nil, "invalid_client"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res := a.form(tt.path, tt.form)
			if res.Header().Get("Cache-Control") != "no-store" {
				t.Error("the answer may be cached")
			}
			if tt.refuse != "" {
				if want := `{"error":"` + tt.refuse + `"}`; res.Code != 400 || res.Body.String() != want {
					t.Errorf("got %d %s, want 400 %s", res.Code, res.Body, want)
				}
				return
			}
			var answer map[string]any
			decodeInto(t, res, &answer)
			a.token, _ = answer["access_token"].(string)
			if res.Code != 200 || answer["expires_in"] != 3600.0 || answer["token_type"] != "Bearer" || answer["scope"] != "api.organization" {
				t.Errorf("got %d %v", res.Code, answer)
			}
			a.want("GET", "groups", "", 200, "*")
		})
	}
	if res := a.serve(httptest.NewRequest(http.MethodGet, "/connect/token", nil)); res.Code != 405 || res.Header().Get("Allow") != "POST" {
		t.Errorf("GET: %d", res.Code)
	}
	r := httptest.NewRequest(http.MethodPost, "/connect/token", strings.NewReader(`{}`))
	r.Header.Set("Content-Type", "application/json")
	if res := a.serve(r); res.Code != 400 || res.Body.String() != `{"error":"invalid_request"}` {
		t.Errorf("JSON: %d %s", res.Code, res.Body)
	}
	r = httptest.NewRequest(http.MethodPost, "/connect/token", strings.NewReader("grant_type=client_credentials"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(testClient, url.QueryEscape(testSecret))
	if res := a.serve(r); res.Code != 200 {
		t.Errorf("basic: %d %s", res.Code, res.Body)
	}
}

func TestAuthorization(t *testing.T) {
	a := start(t, Handler{})
	const invalidToken = `Bearer error="invalid_token"`
	tests := []struct {
		name      string
		headers   []string
		status    int
		challenge string
	}{
		{"right", []string{"Bearer " + a.token}, 200, ""},
		{"scheme in any case", []string{"bearer " + a.token}, 200, ""},
		{"none", nil, 401, "Bearer"},
		{"wrong", []string{"Bearer x"}, 401, invalidToken},
		{"empty", []string{""}, 401, invalidToken},
		{"no scheme", []string{a.token}, 401, invalidToken},
		{"other scheme", []string{"Basic " + a.token}, 401, invalidToken},
		{"the secret itself", []string{"Bearer " + testSecret}, 401, invalidToken},
		{"two headers", []string{"Bearer " + a.token, "Bearer " + a.token}, 401, invalidToken},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, path := range []string{"/api/public/members", "/public/members"} {
				r := httptest.NewRequest(http.MethodGet, path, nil)
				r.Header["Authorization"] = tt.headers
				res := a.serve(r)
				if res.Code != tt.status || res.Header().Get("WWW-Authenticate") != tt.challenge {
					t.Errorf("%s: got %d %q", path, res.Code, res.Header().Get("WWW-Authenticate"))
				}
				if tt.status == 401 && res.Body.Len() > 0 {
					t.Errorf("%s: body %s", path, res.Body)
				}
			}
		})
	}
	// Every route asks for a token, before it looks at anything else.
	for path, methods := range routes {
		for method := range methods {
			path = strings.Replace(path, "{id}", nobody, 1)
			res := a.serve(httptest.NewRequest(method, "/public/"+path, strings.NewReader("{")))
			if res.Code != 401 {
				t.Errorf("%s %s: %d", method, path, res.Code)
			}
		}
	}
}

func TestTokensEnd(t *testing.T) {
	c, err := newClient(testClient, testSecret)
	if err != nil {
		t.Fatal(err)
	}
	other, err := newClient(testClient, "another secret")
	if err != nil {
		t.Fatal(err)
	}
	var tk tokens
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	first := tk.issue(c, now)
	later := tk.issue(c, now.Add(time.Minute))
	if !tk.valid(first, c, now.Add(tokenLifetime-time.Second)) || tk.valid(first, other, now) {
		t.Error("a token is its client's for an hour")
	}
	if tk.valid(first, c, now.Add(tokenLifetime)) || !tk.valid(later, c, now.Add(tokenLifetime)) {
		t.Error("a token ends after an hour, and no other with it")
	}
	for range maxTokens {
		tk.issue(c, now)
	}
	if len(tk.issued) != maxTokens || tk.valid(later, c, now) {
		t.Errorf("%d tokens are kept", len(tk.issued))
	}
}

func TestHashedSecretAndPlaceholders(t *testing.T) {
	t.Setenv("ORG_CLIENT", testClient)
	a := start(t, Handler{
		ClientID:     "{env.ORG_CLIENT}",
		ClientSecret: "sha256:" + sumOf(testSecret),
	})
	a.want("GET", "members", "", 200, `{"object":"list","data":[]}`)
}

func TestRouting(t *testing.T) {
	a := start(t, Handler{})
	id := a.invited("jane@example.com")
	send := func(method, path string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, nil)
		r.Header.Set("Authorization", "Bearer "+a.token)
		return a.serve(r)
	}
	for _, path := range []string{"/public/members/" + id, "/API/Public/Members/" + strings.ToUpper(id) + "/"} {
		if res := send("GET", path); res.Code != 200 {
			t.Errorf("GET %s: %d", path, res.Code)
		}
	}
	for _, path := range []string{
		"/", "", "/api", "/public", "/api/public", "/api/public/", "/members", "/api/api/public/members", "/api/public/members/" + id + "/other",
		"/api/public/members/" + id + "/group-ids/x", "/api/public/policies", "/api/public/organization", "/api/public/organization/import/x", "/apipublic/members",
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL.Path = path
		r.Header.Set("Authorization", "Bearer "+a.token)
		if res := a.serve(r); res.Code != 404 || res.Body.String() != refused("Resource not found.") {
			t.Errorf("GET %s: %d %s", path, res.Code, res.Body)
		}
	}
	for path, allow := range map[string]string{
		"/public/members": "GET, POST", "/public/members/" + id: "DELETE, GET, PUT", "/public/members/" + id + "/revoke": "POST", "/public/organization/import": "POST",
	} {
		if res := send("PATCH", path); res.Code != 405 || res.Header().Get("Allow") != allow {
			t.Errorf("PATCH %s: %d %q", path, res.Code, res.Header().Get("Allow"))
		}
	}
}

func TestBodies(t *testing.T) {
	a := start(t, Handler{})
	post := func(contentType string, change func(*http.Request)) int {
		r := a.request("POST", "groups", `{"name":"A"}`)
		r.Header.Set("Content-Type", contentType)
		if change != nil {
			change(r)
		}
		return a.serve(r).Code
	}
	for contentType, want := range map[string]int{
		"application/json": 200, "application/json; charset=utf-8": 200, "text/json": 200, "application/merge-patch+json": 200,
		"": 415, "text/plain": 415, "application/x-www-form-urlencoded": 415, "application/json;": 200, "x+json": 415,
	} {
		if got := post(contentType, nil); got != want {
			t.Errorf("%q: got %d, want %d", contentType, got, want)
		}
	}
	if got := post("application/json", func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }); got != 415 {
		t.Errorf("gzip: %d", got)
	}
	before := len(a.allGroups())
	big := `{"name":"A","externalId":"` + strings.Repeat("x", maxBody) + `"}`
	a.want("POST", "groups", big, 413, refused("Request body too large."))
	r := a.request("POST", "groups", big)
	r.ContentLength = -1
	if res := a.serve(r); res.Code != 413 {
		t.Errorf("chunked: %d", res.Code)
	}
	if n := len(a.allGroups()); n != before {
		t.Errorf("%d groups, were %d", n, before)
	}
}

func TestContentLengthOfLists(t *testing.T) {
	a := start(t, Handler{})
	for i, body := range []string{`{"name":"A"}`, `{"name":"B"}`, `{"name":"C"}`} {
		res := a.do("GET", "groups", "")
		if got := res.Result().ContentLength; got != int64(res.Body.Len()) || !json.Valid(res.Body.Bytes()) {
			t.Errorf("%d groups: Content-Length %d of %d bytes", i, got, res.Body.Len())
		}
		a.newGroup(body)
	}
}

func TestProvisionRefuses(t *testing.T) {
	tests := []struct {
		name string
		h    Handler
		want string
	}{
		{"no client", Handler{}, "client id"},
		{"no secret", Handler{ClientID: testClient}, "client secret"},
		{"short hash", Handler{ClientID: testClient, ClientSecret: "sha256:00"}, "64 hexadecimal digits"},
		{"negative seats", Handler{ClientID: testClient, ClientSecret: "s", Seats: -1}, "seats"},
		{"owner", Handler{ClientID: testClient, ClientSecret: "s", Owner: "olivia"}, "owner"},
		{"unset placeholder", Handler{ClientID: "{env.NO_SUCH_VARIABLE_HERE}", ClientSecret: "s"}, "NO_SUCH_VARIABLE_HERE"},
		{"store is a folder", Handler{ClientID: testClient, ClientSecret: "s", Store: t.TempDir()}, "store"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.h.Store == "" {
				tt.h.Store = filepath.Join(t.TempDir(), "org.db")
			}
			if _, err := provision(t, tt.h); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want something about %s", err, tt.want)
			}
		})
	}
}
