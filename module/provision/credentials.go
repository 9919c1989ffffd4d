package provision

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/caddy-scim/gateway/module/provision/locks"
	"github.com/caddy-scim/gateway/module/upstream"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// A token is not used in the last moments of its life, so that it does not end between here and there.
const tokenMargin = 30 * time.Second

// The life of an OAuth2 token whose server does not say (RFC 6749 §5.1 only recommends it), or says nothing sensible.
const tokenLife = 15 * time.Minute

// credentials are the tokens for one upstream, shared by all requests and kept over reloads: token endpoints are limited
// to a few requests a minute, and some send a mail for each.
type credentials struct {
	locks locks.Locks

	mu      sync.Mutex
	tokens  map[string]token
	refused map[string]refusal
}

// refusal is what became of a login that the upstream refused. It is not tried again for each request: the next would be
// refused likewise, and many servers shut out who tries often.
type refusal struct {
	err  error
	ends time.Time
}

// refusalLife is how long a refusal stands, so that who corrects the upstream does not wait for long.
const refusalLife = 15 * time.Second

type token struct {
	text string
	ends time.Time
}

// get returns the credential of an auth. One request fetches it, the others wait for that.
func (c *credentials) get(ctx context.Context, s *session, auth *plan.Auth) (string, error) {
	if auth.Kind == plan.AuthStatic {
		return "", nil
	}
	if text, ok := c.current(auth.Name, s.now()); ok {
		return text, nil
	}
	unlock, err := locked(c.locks.Credential(ctx, auth.Name))
	if err != nil {
		return "", err
	}
	defer unlock()
	if text, ok := c.current(auth.Name, s.now()); ok {
		return text, nil
	}
	fetch := s.login
	if auth.Kind == plan.AuthOAuth2 {
		fetch = s.token
	}
	if !s.leaves { // whoever is to lose access waits for no pause
		if err := c.stillRefused(auth.Name, s.now()); err != nil {
			return "", err
		}
	}
	t, err := fetch(ctx, auth)
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := errors.AsType[*scim.Error](err); ok && e.Detail == noLogin && auth.Name != "default" {
		e.Detail += " (auth " + auth.Name + ")"
	}
	if _, ok := errors.AsType[*wrongSecretError](err); ok {
		if c.refused == nil {
			c.refused = make(map[string]refusal)
		}
		c.refused[auth.Name] = refusal{err, s.now().Add(refusalLife)}
	}
	if err != nil {
		return "", err
	}
	delete(c.refused, auth.Name)
	if c.tokens == nil {
		c.tokens = make(map[string]token)
	}
	c.tokens[auth.Name] = t
	return t.text, nil
}

// prove makes every login of the mapping once that has not succeeded yet.
func (c *credentials) prove(ctx context.Context, s *session) error {
	for _, name := range slices.Sorted(maps.Keys(s.plan.Auths)) {
		c.mu.Lock()
		_, proven := c.tokens[name]
		c.mu.Unlock()
		if proven {
			continue
		}
		if _, err := c.get(ctx, s, s.plan.Auths[name]); err != nil {
			return err
		}
	}
	return nil
}

// stillRefused returns the error of a login that has just been refused.
func (c *credentials) stillRefused(name string, now time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := c.refused[name]; now.Before(r.ends) {
		return r.err
	}
	return nil
}

func (c *credentials) current(name string, now time.Time) (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t, ok := c.tokens[name]
	return t.text, ok && now.Before(t.ends)
}

// drop forgets a credential that the upstream refused; a newer one stays.
func (c *credentials) drop(name, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tokens[name].text == text {
		delete(c.tokens, name)
	}
}

// token fetches a token with client credentials (RFC 6749 §4.4).
func (s *session) token(ctx context.Context, auth *plan.Auth) (token, error) {
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
	got, err := config.Token(context.WithValue(ctx, oauth2.HTTPClient, s.client(auth)))
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		status := 0
		if refused.Response != nil {
			status = refused.Response.StatusCode
		}
		if status == http.StatusTooManyRequests {
			return token{}, s.tooMany(refused.Response)
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
	return token{got.AccessToken, s.now().Add(life - min(tokenMargin, life/2))}, nil
}

// login makes a call that answers with a token or sets a cookie.
func (s *session) login(ctx context.Context, auth *plan.Auth) (token, error) {
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
	res, err := s.client(auth).Do(r)
	if err != nil {
		return token{}, unanswered(err, "the login did not answer")
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusTooManyRequests {
		return token{}, s.tooMany(res)
	}
	ends := s.now().Add(auth.TTL)
	if auth.Cookie != "" {
		for _, cookie := range res.Cookies() {
			if cookie.Name == auth.Cookie && cookie.Value != "" {
				return token{cookie.Value, ends}, nil
			}
		}
		return token{}, unauthorized(res.StatusCode, errors.New("the login set no cookie of that name"))
	}
	body, err := readAll(res.Body)
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
func (s *session) client(auth *plan.Auth) *http.Client {
	c := &http.Client{
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if strings.HasPrefix(auth.URL, "/") {
		c.Transport, c.Timeout = s.caller.RoundTripper(), 0 // the caller has a limit of its own
	}
	if len(auth.Headers) > 0 {
		c.Transport = &fieldSetter{c.Transport, auth.Headers}
	}
	return c
}

// fieldSetter sends requests with more header fields.
type fieldSetter struct {
	next   http.RoundTripper // nil for the usual one
	fields []plan.Header
}

// RoundTrip implements [http.RoundTripper].
func (f *fieldSetter) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	for _, field := range f.fields {
		r.Header.Set(field.Name, field.Value)
	}
	next := f.next
	if next == nil {
		next = http.DefaultTransport
	}
	return next.RoundTrip(r)
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
func (s *session) tooMany(res *http.Response) error {
	return &scim.Error{
		Status: 429, Detail: "the organization's token endpoint asks for fewer requests",
		RetryAfter: retryAfter(res.Header, s.now()),
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

func readAll(r io.Reader) ([]byte, error) { return io.ReadAll(io.LimitReader(r, maxLogin)) }
