package mapping

import (
	"encoding/base64"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/mapping/template"
)

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

func (c *compiler) auth(name string, def AuthDef) *plan.Auth {
	at := c.at("auths." + name)
	a := &plan.Auth{Name: name, Header: def.Header}
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
	only("headers", len(def.Headers) > 0, "oauth2", "login")
	for _, name := range slices.Sorted(maps.Keys(def.Headers)) {
		field := at.at("headers." + name)
		switch {
		case !isToken(name):
			field.fail("%q is no name of a header field", name)
		case strings.EqualFold(name, "Authorization") && def.Body == "basic", strings.EqualFold(name, "Content-Type"), strings.EqualFold(name, "Host"):
			field.fail("%s follows from what is sent", name)
		}
		field.checkFieldValue(def.Headers[name])
		a.Headers = append(a.Headers, plan.Header{Name: name, Value: field.text(def.Headers[name])})
	}
	switch def.Kind {
	case "header":
		if def.Value == "" {
			at.fail("the kind header needs a value")
		}
		at.checkFieldValue(def.Value)
		a.HeaderValue = at.static(def.Value)
	case "basic":
		if def.User == "" {
			at.fail("the kind basic needs a user")
		}
		a.HeaderValue = template.Literal(basic(at.text(def.User), at.text(def.Password)))
	case "oauth2":
		a.Kind = plan.AuthOAuth2
		a.URL = at.tokenURL(def.URL)
		at.oauth2(a, def)
	case "login":
		a.Kind = plan.AuthLogin
		a.URL = at.tokenURL(def.URL)
		at.login(a, def)
	default:
		at.fail("unknown kind %q: header, basic, oauth2 or login", def.Kind)
	}
	return a
}

func (c *compiler) oauth2(a *plan.Auth, def AuthDef) {
	switch def.Body {
	case "", "form":
	case "basic":
		a.BasicClient = true
	default:
		c.fail("unknown body %q: form or basic", def.Body)
	}
	seen := map[string]bool{}
	for i, p := range def.Params {
		at := c.at(index("params", i))
		if seen[p.Name] {
			at.fail("the parameter %s is there twice", p.Name)
		}
		seen[p.Name] = true
		text := at.text(p.Value)
		switch p.Name {
		case "client_id":
			a.ClientID = text
		case "client_secret":
			a.ClientSecret = text
		case "scope":
			a.Scopes = strings.Fields(text)
		case "", "grant_type":
			at.fail("%q cannot be a parameter of the kind oauth2", p.Name)
		default:
			a.Params = append(a.Params, plan.Header{Name: p.Name, Value: text})
		}
	}
	for _, name := range []string{"client_id", "client_secret"} {
		if !seen[name] {
			c.fail("the kind oauth2 needs the parameter %s", name)
		}
	}
	a.HeaderValue = c.bearer("Bearer {token}")
}

func (c *compiler) login(a *plan.Auth, def AuthDef) {
	a.LoginCall = &plan.Call{Method: "POST", Where: c.where, Verb: plan.VerbCreate, Body: plan.JSONBody}
	switch def.Body {
	case "", "json":
	case "form":
		a.LoginCall.Body = plan.FormBody
	default:
		c.fail("unknown body %q: json or form", def.Body)
	}
	s := c.scope()
	for i, p := range def.Params {
		at := c.at(index("params", i))
		v, err := s.Parse(p.Value)
		at.check(err)
		a.LoginCall.Edits = append(a.LoginCall.Edits, plan.Edit{Place: at.place(p.Name), Template: v})
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
		a.TokenPath = c.path(def.Token)
		word := def.Value
		if word == "" {
			word = "Bearer {token}"
		}
		a.HeaderValue = c.bearer(word)
	}
	a.TTL = 15 * time.Minute
	if def.TTL != "" {
		var err error
		if a.TTL, err = time.ParseDuration(def.TTL); err != nil || a.TTL <= 0 {
			c.fail("%q is no duration such as 20m", def.TTL)
		}
	}
}

// bearer reads the value of a header field with a token in it.
func (c *compiler) bearer(text string) template.Text {
	s := c.scope()
	s.Names = []string{"token"}
	parsed, err := s.ParseText(text)
	c.check(err)
	if !s.Uses["token"] {
		c.fail("the value has to hold {token}")
	}
	return parsed
}

// tokenURL checks where a token comes from: a path on the next handler, or an absolute URL.
func (c *compiler) tokenURL(text string) string {
	text = c.text(text)
	if strings.HasPrefix(text, "/") && !strings.HasPrefix(text, "//") {
		path, query, _ := strings.Cut(text, "?")
		if c.checkPath(path); !plan.IsQuery(query) {
			c.fail("%q has a character that a query cannot have", text)
		}
		return text
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || !plan.IsQuery(u.RawQuery):
		c.fail("the url has to be a path on the next handler (/…) or an absolute URL")
	case u.User != nil:
		c.fail("the url holds a user or password, which are parameters")
	}
	return text
}
