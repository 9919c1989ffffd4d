package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/caddy-scim/gateway/module/upstream"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// A token is not used in the last moments of its life, so that it does not end between here and there.
const tokenMargin = 30 * time.Second

// The life of an OAuth2 token whose server does not say (RFC 6749 §5.1 only recommends it), or says nothing sensible.
const tokenLife = 15 * time.Minute

// token fetches a token with client credentials (RFC 6749 §4.4).
func (t *Talk) token(ctx context.Context, auth *plan.Auth) (token, error) {
	config := clientcredentials.Config{
		ClientID: auth.ClientID, ClientSecret: auth.ClientSecret, TokenURL: auth.URL, Scopes: auth.Scopes,
		EndpointParams: url.Values{}, AuthStyle: oauth2.AuthStyleInParams,
	}
	if auth.BasicClient {
		config.AuthStyle = oauth2.AuthStyleInHeader
	}
	for _, p := range auth.Params {
		config.EndpointParams.Add(p.Name, p.Value)
	}
	got, err := config.Token(context.WithValue(ctx, oauth2.HTTPClient, t.client(auth)))
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		status := 0
		if refused.Response != nil {
			status = refused.Response.StatusCode
		}
		if status == http.StatusTooManyRequests {
			return token{}, t.tooMany(refused.Response)
		}
		// The answer's own text may hold the client's id; its code is one of a fixed set (RFC 6749 §5.2).
		return token{}, unauthorized(status, errors.New("the token endpoint answered "+code(refused.ErrorCode)))
	}
	if err != nil {
		return token{}, unanswered(err, "the token endpoint did not answer with a token")
	}
	life := time.Until(got.Expiry) // the library has it from the clock of the system, and has just now
	if life <= 0 {
		life = tokenLife
	}
	return token{got.AccessToken, t.Now().Add(life - min(tokenMargin, life/2))}, nil
}

// login makes a call that answers with a token or sets a cookie.
func (t *Talk) login(ctx context.Context, auth *plan.Auth) (token, error) {
	req, err := auth.Login()
	if err != nil {
		return token{}, err
	}
	r, err := http.NewRequestWithContext(ctx, req.Method, req.Path, strings.NewReader(string(req.Body)))
	if err != nil {
		return token{}, unauthorized(0, errors.New("the login's URL is no URL"))
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Content-Type", req.ContentType)
	res, err := t.client(auth).Do(r)
	if err != nil {
		return token{}, unanswered(err, "the login did not answer")
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusTooManyRequests {
		return token{}, t.tooMany(res)
	}
	ends := t.Now().Add(auth.TTL)
	if auth.Cookie != "" {
		for _, cookie := range res.Cookies() {
			if cookie.Name == auth.Cookie && cookie.Value != "" {
				return token{cookie.Value, ends}, nil
			}
		}
		return token{}, unauthorized(res.StatusCode, errors.New("the login set no cookie of that name"))
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxLogin))
	if err != nil || res.StatusCode/100 != 2 {
		return token{}, unauthorized(res.StatusCode, err)
	}
	d, err := doc.Scan(body)
	if err != nil {
		return token{}, unauthorized(res.StatusCode, err)
	}
	if text := auth.Token(d.Value()); text != "" {
		return token{text, ends}, nil
	}
	return token{}, unauthorized(res.StatusCode, errors.New("the login's answer holds no token"))
}

// client reaches a path through the next handler like everything else. An absolute URL is another server, which the
// route behind the gateway does not lead to. No redirect is followed: it would carry the secret elsewhere.
func (t *Talk) client(auth *plan.Auth) *http.Client {
	c := &http.Client{
		Transport:     http.DefaultTransport,
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if strings.HasPrefix(auth.URL, "/") {
		c.Transport, c.Timeout = t.Caller.RoundTripper(), 0 // the caller has a limit of its own
	}
	if len(auth.Headers) > 0 {
		c.Transport = &fieldSetter{c.Transport, auth.Headers}
	}
	return c
}

// fieldSetter sends requests with more header fields.
type fieldSetter struct {
	next   http.RoundTripper
	fields []plan.Header
}

// RoundTrip implements [http.RoundTripper].
func (f *fieldSetter) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	for _, field := range f.fields {
		r.Header.Set(field.Name, field.Value)
	}
	return f.next.RoundTrip(r)
}

func unauthorized(status int, cause error) error {
	if cause == nil {
		cause = errors.New("the answer has status " + strconv.Itoa(status))
	}
	switch status {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden:
		cause = &wrongSecretError{cause}
	}
	return &scim.Error{Status: http.StatusBadGateway, Detail: noLogin, Cause: cause}
}

// wrongSecretError is why a login was refused, where it was the login that was wrong.
type wrongSecretError struct{ cause error }

func (e *wrongSecretError) Error() string { return e.cause.Error() }

const noLogin = "the gateway could not log in to the organization"

// tooMany passes on that the token endpoint wants to be left alone for a while.
func (t *Talk) tooMany(res *http.Response) error {
	return &scim.Error{
		Status: 429, Detail: "the organization's token endpoint asks for fewer requests",
		RetryAfter: retryAfter(res.Header, t.Now()),
	}
}

// unanswered returns the error of a request for a token that brought no answer, or none that is understood. What came through
// the next handler says itself what was wrong; of another server it is told apart here, as it is for calls.
func unanswered(err error, otherwise string) error {
	if e, ok := errors.AsType[*scim.Error](err); ok {
		return e
	}
	failed, ok := errors.AsType[*url.Error](err)
	switch {
	case upstream.Canceled(err):
		return scim.Errorf(upstream.StatusCanceled, "", "the client closed the request")
	case ok && failed.Timeout():
		return &scim.Error{Status: http.StatusGatewayTimeout, Detail: "the organization's token endpoint did not answer in time", Cause: failed.Err}
	case ok:
		return &scim.Error{Status: http.StatusServiceUnavailable, Detail: "the organization's token endpoint cannot be reached", Cause: failed.Err}
	}
	return unauthorized(0, errors.New(otherwise))
}

// code returns an error code of a token endpoint, or a general word for what is none.
func code(text string) string {
	for _, c := range text {
		if c != '_' && (c < 'a' || c > 'z') {
			return "an error"
		}
	}
	if text == "" || len(text) > 40 {
		return "an error"
	}
	return text
}

// maxLogin is the size of an answer to a login.
const maxLogin = 1 << 20
