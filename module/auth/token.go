package auth

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/uuid"
)

// What Entra's own tokens say (Q9).
const (
	// customApps is the audience of the tokens of every custom application of every tenant: it tells nobody apart.
	customApps = "8adf8e6e-67b2-4cf2-a259-e3dc5476c621"
	// syncFabric is the application that does Entra's provisioning.
	syncFabric = "00000014-0000-0000-c000-000000000000"

	// tokenName is who asks with such a token, where the configuration has no other name.
	tokenName = "entra-token"
)

// EntraToken lets in the provisioning service of one Entra tenant with the tokens that Entra signs itself where the
// Secret Token is left blank in the portal (Q9). Every tenant can get a token with the right audience, so the tenant and
// the application are checked too.
type EntraToken struct {
	// Who asks, for the access log and {http.auth.user.id}; it must differ from the names of the keys. Default:
	// "entra-token".
	Name string `json:"name,omitempty"`

	// The id of the Entra tenant whose tokens are accepted, a GUID. Required.
	Tenant string `json:"tenant"`

	// The accepted audiences. Default: 8adf8e6e-67b2-4cf2-a259-e3dc5476c621, which all custom applications share; a
	// gallery application has its own id.
	Audience []string `json:"audience,omitempty"`

	// The id of the application that asks. Default: 00000014-0000-0000-c000-000000000000, Microsoft's provisioning
	// service.
	AppID string `json:"app_id,omitempty"`

	// The issuer. Default: https://sts.windows.net/<tenant>/.
	Issuer string `json:"issuer,omitempty"`

	// Where the signing keys are published, an absolute URL; needed for national clouds. Default:
	// https://login.microsoftonline.com/<tenant>/discovery/v2.0/keys.
	JWKS string `json:"jwks,omitempty"`
}

// Check finds every mistake in the declaration.
func (e EntraToken) Check() error {
	_, err := e.withDefaults()
	return err
}

func (e EntraToken) withDefaults() (EntraToken, error) {
	if _, err := uuid.Parse(e.Tenant); err != nil || len(e.Tenant) != 36 {
		return e, errors.New("the tenant must be the GUID that the Entra admin center shows as tenant id")
	}
	e.Tenant = strings.ToLower(e.Tenant)
	e.Name = cmp.Or(e.Name, tokenName)
	if err := checkName(e.Name); err != nil {
		return e, err
	}
	if len(e.Audience) == 0 {
		e.Audience = []string{customApps}
	}
	if e.AppID == "" {
		e.AppID = syncFabric
	}
	if e.Issuer == "" {
		e.Issuer = "https://sts.windows.net/" + e.Tenant + "/"
	}
	if e.JWKS == "" {
		e.JWKS = "https://login.microsoftonline.com/" + e.Tenant + "/discovery/v2.0/keys"
	}
	if u, err := url.Parse(e.JWKS); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return e, errors.New("the address of the signing keys must be an absolute URL")
	}
	return e, nil
}

// Tokens verifies the tokens of one tenant.
type Tokens struct {
	declared EntraToken
	keys     *signingKeys
	now      func() time.Time
	used     *atomic.Int64

	mu    sync.Mutex
	known map[[sha256.Size]byte]time.Time // digests of good tokens, until when they are good
}

// Verifier makes the declaration ready. The signing keys are fetched through the client given when the first token comes,
// and kept; in the cache over a restart too, where there is one.
func (e EntraToken) Verifier(client *http.Client, cache Cache, now func() time.Time) (*Tokens, error) {
	e, err := e.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Tokens{
		declared: e, keys: newSigningKeys(e.JWKS, client, cache, now), now: now, used: new(atomic.Int64),
		known: map[[sha256.Size]byte]time.Time{},
	}, nil
}

// Name returns who asks.
func (t *Tokens) Name() string { return t.declared.Name }

const (
	// skew is how far a token's clock may be ahead.
	skew = 5 * time.Minute

	maxToken = 16 << 10
	maxKnown = 256
)

// seen reports whether a token is known to be good, and still is.
func (t *Tokens) seen(digest [sha256.Size]byte) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	until, ok := t.known[digest]
	return ok && t.now().Before(until)
}

func (t *Tokens) remember(digest [sha256.Size]byte, until time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.known) >= maxKnown {
		clear(t.known)
	}
	t.known[digest] = until
}

// Verify finds out whether a token is from the provisioning service of the declared tenant, and valid now. What the token
// says is looked at first, since that costs little: only for one that would be good are keys fetched. The error is
// errUnavailable where that was not possible, so that the token may be genuine.
func (t *Tokens) Verify(ctx context.Context, token string, digest [sha256.Size]byte) error {
	signed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return err
	}
	var c claims
	if err := signed.UnsafeClaimsWithoutVerification(&c); err != nil {
		return err
	}
	if err := t.check(c); err != nil {
		return err
	}
	if err := t.keys.verify(ctx, signed); err != nil {
		return err
	}
	t.remember(digest, c.Expiry.Time())
	return nil
}

// claims are what a token says (RFC 7519 §4.1, and Entra's own).
type claims struct {
	jwt.Claims
	Tenant string `json:"tid"`
	AppID  string `json:"appid"` // version 1.0
	AZP    string `json:"azp"`   // version 2.0
}

func (t *Tokens) check(c claims) error {
	now, d := t.now(), t.declared
	switch {
	case c.Issuer != d.Issuer:
		return errors.New("the token is another issuer's")
	case !strings.EqualFold(c.Tenant, d.Tenant):
		return errors.New("the token is from another tenant")
	case !strings.EqualFold(cmp.Or(c.AppID, c.AZP), d.AppID):
		return errors.New("the token is another application's")
	case !slices.ContainsFunc(c.Audience, func(a string) bool { return slices.Contains(d.Audience, a) }):
		return errors.New("the token is for another audience")
	case !now.Before(c.Expiry.Time()):
		return errors.New("the token has expired")
	case c.NotBefore.Time().After(now.Add(skew)):
		return errors.New("the token is not valid yet")
	}
	return nil
}

// signedWith returns the algorithm of a signed token (RFC 7515 §4.1); empty for an opaque key.
func signedWith(token string) string {
	if len(token) > maxToken || strings.Count(token, ".") != 2 {
		return ""
	}
	first, _, _ := strings.Cut(token, ".")
	var header struct {
		Algorithm string `json:"alg"`
	}
	text, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil || json.Unmarshal(text, &header) != nil {
		return ""
	}
	return header.Algorithm
}
