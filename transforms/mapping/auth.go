package mapping

import (
	"encoding/base64"
	"net/url"
	"strings"
	"time"

	"github.com/caddy-scim/gateway/transforms/doc"
)

// AuthKind is a way to authenticate.
type AuthKind uint8

// The ways to authenticate.
const (
	AuthStatic AuthKind = iota // a header field that never changes (kinds header and basic)
	AuthOAuth2                 // client credentials (RFC 6749 §4.4)
	AuthLogin                  // a call that answers with a token or sets a cookie
)

// Auth is one way to authenticate calls, compiled.
type Auth struct {
	Name   string
	Kind   AuthKind
	Header string // the header field that carries the credential; Cookie where Cookie is set

	URL          string   // of the token or login: an absolute path on the next handler, or an absolute URL
	ClientID     string   // AuthOAuth2
	ClientSecret string   // AuthOAuth2
	Scopes       []string // AuthOAuth2
	BasicClient  bool     // AuthOAuth2: client_id and client_secret go into the Authorization header field, not the form
	Params       []Header // AuthOAuth2: further form fields

	Cookie string        // AuthLogin: the cookie that is the credential; empty where it is a token
	TTL    time.Duration // AuthLogin: how long the credential is used

	value []part // of the header field
	token path
	login *Call
}

// Value is the header field's value, with the token or the cookie's value put in.
func (a *Auth) Value(token string) string {
	if a.Cookie != "" {
		return a.Cookie + "=" + token
	}
	text, err := render(a.value, &Env{Value: token}, nil)
	if err != nil { // a text has no filters that fail
		return ""
	}
	return text
}

// Login is the request of a login. The URL is in Path, absolute or not.
func (a *Auth) Login() (Request, error) {
	r := Request{Method: a.login.Method, Path: a.URL}
	err := a.login.renderBody(&Env{}, nil, &r)
	return r, err
}

// Token is the token in the answer of a login; empty where there is none.
func (a *Auth) Token(answer doc.Value) string { return scalar(a.token.find(answer)) }

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

func (c *compiler) auth(name string, def AuthDef) *Auth {
	at := c.at("auths." + name)
	a := &Auth{Name: name, Header: def.Header}
	if name == "" || name == "none" {
		at.fail("%q cannot be the name of an auth", name)
	}
	if a.Header == "" {
		a.Header = "Authorization"
	}
	if !isToken(a.Header) {
		at.fail("%q is no name of a header field", a.Header)
	}
	only := func(field string, given bool, kinds ...string) {
		for _, k := range kinds {
			given = given && k != def.Kind
		}
		if given {
			at.fail("%s has no meaning for the kind %s", field, def.Kind)
		}
	}
	only("header", def.Header != "", "header", "login")
	only("value", def.Value != "", "header", "login")
	only("user", def.User != "", "basic")
	only("password", def.Password != "", "basic")
	only("url", def.URL != "", "oauth2", "login")
	only("params", len(def.Params) > 0, "oauth2", "login")
	only("body", def.Body != "", "oauth2", "login")
	only("token", def.Token != "", "login")
	only("cookie", def.Cookie != "", "login")
	only("ttl", def.TTL != "", "login")
	switch def.Kind {
	case "header":
		if def.Value == "" {
			at.fail("the kind header needs a value")
		}
		at.checkFieldValue(def.Value)
		a.value = at.static(def.Value)
	case "basic":
		if def.User == "" {
			at.fail("the kind basic needs a user")
		}
		a.value = []part{{text: basic(at.text(def.User), at.text(def.Password))}}
	case "oauth2":
		a.Kind = AuthOAuth2
		a.URL = at.tokenURL(def.URL)
		at.oauth2(a, def)
	case "login":
		a.Kind = AuthLogin
		a.URL = at.tokenURL(def.URL)
		at.login(a, def)
	default:
		at.fail("unknown kind %q: header, basic, oauth2 or login", def.Kind)
	}
	return a
}

func (c *compiler) oauth2(a *Auth, def AuthDef) {
	switch def.Body {
	case "", "form":
	case "basic":
		a.BasicClient = true
	default:
		c.fail("unknown body %q: form or basic", def.Body)
	}
	seen := map[string]bool{}
	for _, p := range def.Params {
		if seen[p.Name] {
			c.fail("the parameter %s is there twice", p.Name)
		}
		seen[p.Name] = true
		text := c.text(p.Value)
		switch p.Name {
		case "client_id":
			a.ClientID = text
		case "client_secret":
			a.ClientSecret = text
		case "scope":
			a.Scopes = strings.Fields(text)
		case "", "grant_type":
			c.fail("%q cannot be a parameter of the kind oauth2", p.Name)
		default:
			a.Params = append(a.Params, Header{p.Name, text})
		}
	}
	for _, name := range []string{"client_id", "client_secret"} {
		if !seen[name] {
			c.fail("the kind oauth2 needs the parameter %s", name)
		}
	}
	a.value = []part{{text: "Bearer "}, {expr: tokenExpr}}
}

func (c *compiler) login(a *Auth, def AuthDef) {
	a.login = &Call{Method: "POST", Where: c.where, verb: verbCreate, body: bodyJSON}
	switch def.Body {
	case "", "json":
	case "form":
		a.login.body = bodyForm
	default:
		c.fail("unknown body %q: json or form", def.Body)
	}
	s := c.scope()
	for _, p := range def.Params {
		at, err := parsePlace(p.Name)
		c.check(err)
		v, err := s.parseValue(p.Value)
		c.check(err)
		a.login.edits = append(a.login.edits, edit{place: at, template: v})
	}
	switch {
	case (def.Token == "") == (def.Cookie == ""):
		c.fail("the kind login needs either a token or a cookie")
	case def.Cookie != "":
		if !isToken(def.Cookie) {
			c.fail("%q is no name of a cookie", def.Cookie)
		}
		if def.Header != "" || def.Value != "" {
			c.fail("a cookie has no header and no value")
		}
		a.Cookie, a.Header = def.Cookie, "Cookie"
	default:
		a.token = c.path(def.Token)
		word := def.Value
		if word == "" {
			word = "Bearer {token}"
		}
		s.names = []string{"token"}
		parts, err := s.parseText(word)
		c.check(err)
		if !s.uses["token"] {
			c.fail("the value has to hold {token}")
		}
		a.value = parts
	}
	a.TTL = 15 * time.Minute
	if def.TTL != "" {
		var err error
		if a.TTL, err = time.ParseDuration(def.TTL); err != nil || a.TTL <= 0 {
			c.fail("%q is no duration such as 20m", def.TTL)
		}
	}
}

// tokenExpr stands for the token in the value of a header field.
var tokenExpr = &expr{source: "token", alts: []alt{{source: texts["token"]}}}

// tokenURL checks where a token comes from: a path on the next handler, or an absolute URL.
func (c *compiler) tokenURL(text string) string {
	text = c.text(text)
	if strings.HasPrefix(text, "/") && !strings.HasPrefix(text, "//") {
		path, query, _ := strings.Cut(text, "?")
		if c.checkPath(path); !isQuery(query) {
			c.fail("%q has a character that a query cannot have", text)
		}
		return text
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || !isQuery(u.RawQuery):
		c.fail("the url has to be a path on the next handler (/…) or an absolute URL")
	case u.User != nil:
		c.fail("the url holds a user or password, which are parameters")
	}
	return text
}
