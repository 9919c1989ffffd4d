package auth

import (
	"cmp"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	tokenIssuer = "scim_gateway"
	tokenScope  = "scim"

	// TokenLifetime is how long a token of the token endpoint is good.
	TokenLifetime = time.Hour

	// young is how old a token is whose signer may not be known yet.
	young = time.Minute
)

// Signers signs the tokens of the token endpoint, with a key that is this process's own and is written down nowhere, and
// knows the public keys of the other gateways.
type Signers struct {
	now func() time.Time
	id  string
	key ed25519.PrivateKey

	mu     sync.RWMutex
	others map[string]ed25519.PublicKey
}

// NewSigners makes the key of this process.
func NewSigners(now func() time.Time) *Signers {
	public, private, _ := ed25519.GenerateKey(rand.Reader) // never fails: the process is stopped where there is no randomness
	sum := sha256.Sum256(public)
	return &Signers{now: now, id: hex.EncodeToString(sum[:8]), key: private, others: map[string]ed25519.PublicKey{}}
}

// Public returns the id of this process's key, and its public part for the other gateways.
func (s *Signers) Public() (id string, key ed25519.PublicKey) {
	return s.id, s.key.Public().(ed25519.PublicKey) //nolint:forcetypeassert // what it is
}

// Learn makes the public keys of all gateways known, by id.
func (s *Signers) Learn(keys map[string]ed25519.PublicKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.others = keys
}

func (s *Signers) public(id string) (ed25519.PublicKey, bool) {
	if id == s.id {
		_, key := s.Public()
		return key, true
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	key, ok := s.others[id]
	return key, ok
}

// accessClaims are what a token of the token endpoint says. It is good for one organization, and as long as its client is.
type accessClaims struct {
	jwt.Claims
	Client string `json:"cid"` // the id of the client's secret
}

func (s *Signers) sign(c accessClaims) (string, error) {
	options := (&jose.SignerOptions{}).WithHeader("kid", s.id).WithType("at+jwt")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: s.key}, options)
	if err != nil {
		return "", err
	}
	return jwt.Signed(signer).Claims(c).Serialize()
}

// verify returns the client of a token of the token endpoint. The error is errUnavailable where another gateway may have
// signed it a moment ago.
func (t *Keys) verify(token string) (*compiled, error) {
	signed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil {
		return nil, err
	}
	var c accessClaims
	if err := signed.UnsafeClaimsWithoutVerification(&c); err != nil {
		return nil, err
	}
	now, issued := t.Now(), c.IssuedAt.Time()
	if c.Issuer != tokenIssuer || !c.Audience.Contains(t.Organization) || !now.Before(c.Expiry.Time()) || issued.After(now.Add(skew)) {
		return nil, errors.New("the token is not for this organization, or not valid now")
	}
	public, ok := t.Signers.public(signed.Headers[0].KeyID)
	if !ok {
		if now.Sub(issued) < young {
			return nil, errUnavailable
		}
		return nil, errors.New("nobody here signed the token")
	}
	if err := signed.Claims(public); err != nil {
		return nil, err
	}
	for i := range t.clients {
		if t.clients[i].id == c.Client && t.clients[i].name == c.Subject {
			return &t.clients[i], nil
		}
	}
	return nil, errors.New("the client is gone")
}

// OAuthError is a refusal as RFC 6749 §5.2 wants it.
type OAuthError struct {
	Status     int           `json:"-"`
	RetryAfter time.Duration `json:"-"`

	Code        string `json:"error"`
	Description string `json:"error_description,omitempty"`
}

// Token is the answer of the token endpoint (RFC 6749 §5.1).
type Token struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int    `json:"expires_in"`
	Scope       string `json:"scope"`
}

// HasClients reports whether there is a token endpoint.
func (t *Keys) HasClients() bool { return len(t.clients) > 0 }

// Grant answers a request of the token endpoint: an access token, or an error of OAuth, and the refusal for the log where
// a client was not let in. The client proves who it is in the header or in the form (RFC 6749 §2.3.1).
func (t *Keys) Grant(r *http.Request, form url.Values, client string) (*Token, *OAuthError, *Refusal) {
	for name, values := range form {
		if len(values) > 1 {
			return nil, invalidRequest("a parameter is there twice: " + parameter(name)), nil
		}
	}
	id, secret, bad := credentials(r, form)
	if bad != nil {
		return nil, bad, nil
	}
	digest := sha256.Sum256([]byte(secret))
	var key *compiled
	if found := find(t.clients, digest, nil); found != nil && found.name == id {
		key = found
	}
	if key == nil {
		refusal := t.failed(client, Unknown)
		return nil, oauthRefused(refusal), refusal
	}
	if _, refusal := t.admit(key, t.Ring.Stored(), client); refusal != nil {
		return nil, oauthRefused(refusal), refusal
	}
	switch grant := form.Get("grant_type"); {
	case grant == "":
		return nil, invalidRequest("grant_type is missing"), nil
	case grant != "client_credentials":
		return nil, &OAuthError{Status: http.StatusBadRequest, Code: "unsupported_grant_type", Description: "only client_credentials"}, nil
	}
	now := t.Now()
	until := now.Add(TokenLifetime)
	if !key.expires.IsZero() && key.expires.Before(until) {
		until = key.expires
	}
	token, err := t.Signers.sign(accessClaims{jwt.Claims{
		Issuer: tokenIssuer, Subject: key.name, Audience: jwt.Audience{t.Organization}, IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(until),
	}, key.id})
	if err != nil {
		return nil, &OAuthError{Status: http.StatusInternalServerError, Code: "server_error"}, nil
	}
	return &Token{token, "Bearer", int(until.Sub(now).Seconds()), tokenScope}, nil, nil
}

// credentials reads id and secret from where they are, which has to be one place.
func credentials(r *http.Request, form url.Values) (id, secret string, bad *OAuthError) {
	values := r.Header["Authorization"]
	if inForm := form.Has("client_id") && form.Has("client_secret"); len(values) == 0 && inForm {
		return form.Get("client_id"), form.Get("client_secret"), nil
	}
	if form.Has("client_secret") && len(values) > 0 {
		return "", "", invalidRequest("the client's secret is there twice")
	}
	id, secret, ok := r.BasicAuth()
	if len(values) > 1 {
		return "", "", invalidRequest("Authorization is there twice")
	}
	if !ok {
		return "", "", nil // nobody's
	}
	id, err1 := url.QueryUnescape(id)
	secret, err2 := url.QueryUnescape(secret)
	if cmp.Or(err1, err2) != nil || form.Has("client_id") && form.Get("client_id") != id {
		return "", "", invalidRequest("the client's id is not understood")
	}
	return id, secret, nil
}

func invalidRequest(description string) *OAuthError {
	return &OAuthError{Status: http.StatusBadRequest, Code: "invalid_request", Description: description}
}

// parameter returns a parameter's name as it may be repeated to the client.
func parameter(name string) string {
	switch name {
	case "grant_type", "client_id", "client_secret", "scope":
		return name
	}
	return "one that is not known"
}

func oauthRefused(r *Refusal) *OAuthError {
	e := r.Error()
	switch e.Status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return &OAuthError{Status: e.Status, RetryAfter: e.RetryAfter, Code: "temporarily_unavailable", Description: e.Detail}
	}
	return &OAuthError{Status: http.StatusUnauthorized, Code: "invalid_client", Description: "the client is not known, or its secret is wrong"}
}
