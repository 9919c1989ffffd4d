package organization

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

const (
	testClient = "organization.0b8f2c1e-51a4-4a3e-9a3c-0d6d9f5e7a11"
	testSecret = "fZ2kQ9sLr7XvB1nM4tWc8yHd3pGj6a"
)

// api is a handler as its clients see it.
type api struct {
	t       testing.TB
	handler *Handler
	token   string
}

// provision loads a handler as Caddy does, through its JSON, and cleans it up at the end of the test.
func provision(t testing.TB, h Handler) (*Handler, error) {
	t.Helper()
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	t.Cleanup(cancel)
	config, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := ctx.LoadModuleByID("http.handlers.scim_organization", config)
	if err != nil {
		return nil, err
	}
	return loaded.(*Handler), nil
}

// start provisions a handler and fetches a token. Missing fields get values for tests.
func start(t testing.TB, h Handler) *api {
	t.Helper()
	if h.Store == "" {
		h.Store = filepath.Join(t.TempDir(), "org.db")
	}
	if h.ClientID == "" {
		h.ClientID, h.ClientSecret = testClient, testSecret
	}
	loaded, err := provision(t, h)
	if err != nil {
		t.Fatal(err)
	}
	a := &api{t: t, handler: loaded}
	a.login()
	return a
}

func (a *api) login() {
	a.t.Helper()
	res := a.form("/identity/connect/token", url.Values{
		"grant_type": {"client_credentials"}, "scope": {"api.organization"},
		"client_id": {testClient}, "client_secret": {testSecret},
	})
	var token struct {
		AccessToken string `json:"access_token"`
	}
	decodeInto(a.t, res, &token)
	if token.AccessToken == "" {
		a.t.Fatalf("no token: %d %s", res.Code, res.Body)
	}
	a.token = token.AccessToken
}

// serve sends a request as it is.
func (a *api) serve(r *http.Request) *httptest.ResponseRecorder {
	a.t.Helper()
	w := httptest.NewRecorder()
	if err := a.handler.ServeHTTP(w, r, nil); err != nil {
		a.t.Fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	return w
}

func (a *api) form(path string, form url.Values) *httptest.ResponseRecorder {
	a.t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return a.serve(r)
}

// do sends an authorized request with a JSON body, none when it is empty.
func (a *api) do(method, path, body string) *httptest.ResponseRecorder {
	a.t.Helper()
	return a.serve(a.request(method, path, body))
}

func (a *api) request(method, path, body string) *http.Request {
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, "/api/public/"+path, content)
	r.Header.Set("Authorization", "Bearer "+a.token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

// want sends a request whose answer must have this status and body; a body of "*" is any.
func (a *api) want(method, path, body string, status int, answer string) {
	a.t.Helper()
	res := a.do(method, path, body)
	if got := res.Body.String(); res.Code != status || answer != "*" && got != answer {
		a.t.Errorf("%s %s %s:\n got %d %s\nwant %d %s", method, path, body, res.Code, got, status, answer)
	}
}

// refused is the answer to a request that the API refuses with a message.
func refused(message string) string {
	return `{"object":"error","message":"` + message + `","errors":null}`
}

// invalid is the answer to a body with one problem.
func invalid(field, problem string) string {
	return `{"object":"error","message":"The request's model state is invalid.","errors":{"` + field + `":["` + problem + `"]}}`
}

// invite creates a member and returns it.
func (a *api) invite(body string) *member {
	a.t.Helper()
	return created[member](a, "members", body)
}

// invited creates a member with an address only and returns its id.
func (a *api) invited(email string) string {
	a.t.Helper()
	return a.invite(`{"email":"` + email + `","type":2}`).ID.String()
}

// confirmed creates a member, takes it through its life and returns its id.
func (a *api) confirmed(email string, r role) string {
	a.t.Helper()
	body, err := encode(map[string]any{"email": email, "type": r})
	if err != nil {
		a.t.Fatal(err)
	}
	id := a.invite(string(body)).ID.String()
	a.want("POST", "members/"+id+"/accept", "", 200, "*")
	a.want("POST", "members/"+id+"/confirm", "", 200, "*")
	return id
}

func (a *api) newGroup(body string) string {
	a.t.Helper()
	return created[group](a, "groups", body).ID.String()
}

func created[T any](a *api, path, body string) *T {
	a.t.Helper()
	res := a.do("POST", path, body)
	if res.Code != 200 {
		a.t.Fatalf("POST %s %s: %d %s", path, body, res.Code, res.Body)
	}
	v := new(T)
	decodeInto(a.t, res, v)
	return v
}

func (a *api) member(id string) *member {
	a.t.Helper()
	return got[member](a, "members/"+id)
}

func got[T any](a *api, path string) *T {
	a.t.Helper()
	res := a.do("GET", path, "")
	if res.Code != 200 {
		a.t.Fatalf("GET %s: %d %s", path, res.Code, res.Body)
	}
	v := new(T)
	decodeInto(a.t, res, v)
	return v
}

// everybody lists the members by address.
func (a *api) everybody() map[string]*member {
	a.t.Helper()
	var list struct {
		Object string
		Data   []*member
	}
	decodeInto(a.t, a.do("GET", "members", ""), &list)
	if list.Object != "list" {
		a.t.Errorf("object is %q", list.Object)
	}
	out := map[string]*member{}
	for _, m := range list.Data {
		out[m.Email] = m
	}
	if len(out) != len(list.Data) {
		a.t.Errorf("%d members have %d addresses", len(list.Data), len(out))
	}
	return out
}

// allGroups lists the groups.
func (a *api) allGroups() []*group {
	a.t.Helper()
	return got[struct{ Data []*group }](a, "groups").Data
}

// ids reads one of the two id lists of a thing.
func (a *api) ids(path string) []string {
	a.t.Helper()
	return *got[[]string](a, path)
}

func decodeInto(t testing.TB, res *httptest.ResponseRecorder, v any) {
	t.Helper()
	if err := json.Unmarshal(res.Body.Bytes(), v); err != nil {
		t.Fatalf("%v: %s", err, res.Body)
	}
}

func sumOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
