package plan

import (
	"time"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping/template"
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
	Headers      []Header // header fields of the request for the token

	Cookie string        // AuthLogin: the cookie that is the credential; empty where it is a token
	TTL    time.Duration // AuthLogin: how long the credential is used

	HeaderValue template.Text // with {token}
	TokenPath   Path          // AuthLogin
	LoginCall   *Call         // AuthLogin
}

// Value returns the header field's value, with the token or the cookie's value put in.
func (a *Auth) Value(token string) string {
	if a.Cookie != "" {
		return a.Cookie + "=" + token
	}
	text, err := a.HeaderValue.Render(&Env{Value: token}, nil)
	if err != nil { // a text has no filters that fail
		return ""
	}
	return text
}

// Login returns the request of a login. The URL is in Path, absolute or not.
func (a *Auth) Login() (Request, error) {
	r := Request{Method: a.LoginCall.Method, Path: a.URL}
	err := a.LoginCall.renderBody(&Env{}, nil, &r)
	return r, err
}

// Token returns the token in the answer of a login; empty where there is none.
func (a *Auth) Token(answer doc.Value) string { return scalar(a.TokenPath.find(answer)) }
