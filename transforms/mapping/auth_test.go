package mapping_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-scim/gateway/transforms/mapping"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
)

func TestAuths(t *testing.T) {
	def := definition()
	def.Auths = map[string]mapping.AuthDef{
		"default": {Kind: "header", Header: "X-Key", Value: "k {env.A}"},
		"basic":   {Kind: "basic", User: "ada", Password: "{env.P}"},
		"oauth2": {Kind: "oauth2", URL: "/token", Params: []mapping.ParamDef{
			{Name: "client_id", Value: "a.{env.O}"}, {Name: "client_secret", Value: "{env.S}"}, {Name: "scope", Value: "r w"}, {Name: "device", Value: "21"},
		}},
		"login":  {Kind: "login", URL: "https://id.example.com/login", Params: []mapping.ParamDef{{Name: "user.name", Value: "a"}, {Name: "n", Value: "1"}}, Token: "data.t", Header: "X-T", Value: "t {token}", TTL: "20m"},
		"cookie": {Kind: "login", URL: "/admin", Body: "form", Params: []mapping.ParamDef{{Name: "token", Value: "a b"}}, Cookie: "SID"},
	}
	def.User.List[0].Auth = "none"
	def.User.Create[0].Auth = "login"
	def.User.Delete = []mapping.CallDef{{Method: "DELETE", URL: "/users/{id}"}}
	p := compile(t, def)
	if a := p.Auths["default"]; a.Kind != plan.AuthStatic || a.Header != "X-Key" || a.Value("") != "k the A" {
		t.Errorf("%+v %q", a, a.Value(""))
	}
	if a := p.Auths["basic"]; a.Kind != plan.AuthStatic || a.Header != "Authorization" || a.Value("") != "Basic YWRhOnRoZSBQ" {
		t.Errorf("%+v %q", a, a.Value(""))
	}
	a := p.Auths["oauth2"]
	if a.Kind != plan.AuthOAuth2 || a.URL != "/token" || a.ClientID != "a.the O" || a.ClientSecret != "the S" || a.Value("x") != "Bearer x" {
		t.Errorf("%+v %q", a, a.Value("x"))
	}
	if diff := cmp.Diff([]string{"r", "w"}, a.Scopes) + cmp.Diff([]plan.Header{{Name: "device", Value: "21"}}, a.Params); diff != "" {
		t.Error(diff)
	}
	a = p.Auths["login"]
	req, err := a.Login()
	if err != nil || req.Method != http.MethodPost || req.Path != "https://id.example.com/login" || string(req.Body) != `{"user":{"name":"a"},"n":1}` || req.ContentType != "application/json" {
		t.Errorf("%+v %s %v", req, req.Body, err)
	}
	if a.Token(value(t, `{"data":{"t":"x{y}"}}`)) != "x{y}" || a.Value("x{y}") != "t x{y}" || a.TTL != 20*time.Minute {
		t.Errorf("%+v", a)
	}
	a = p.Auths["cookie"]
	req, err = a.Login()
	if err != nil || string(req.Body) != "token=a%20b" || a.Header != "Cookie" || a.Value("v") != "SID=v" || a.TTL != 15*time.Minute {
		t.Errorf("%+v %s %v", a, req.Body, err)
	}
	for call, want := range map[*plan.Call]string{p.User.List[0]: "", p.User.Create[0]: "login", p.User.Delete[0]: "default"} {
		if req, err := call.Request(&plan.Env{ID: "1", SCIM: node(t, ada)}); err != nil || req.Auth != want {
			t.Errorf("%s uses %q, want %q (%v)", call.Where, req.Auth, want, err)
		}
	}
}
