package auth

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/google/uuid"
	"golang.org/x/time/rate"
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
	verifier *oidc.IDTokenVerifier
}

// Verifier makes the declaration ready. The signing keys are fetched when the first token comes, through the client
// given, and kept.
func (e EntraToken) Verifier(client *http.Client, now func() time.Time) (*Tokens, error) {
	e, err := e.withDefaults()
	if err != nil {
		return nil, err
	}
	base := client.Transport
	if base == nil {
		base = http.DefaultTransport
	}
	calm := &http.Client{
		Transport: calmTransport{base, rate.NewLimiter(rate.Every(20*time.Second), 3)},
		Timeout:   client.Timeout, CheckRedirect: client.CheckRedirect,
	}
	keys := oidc.NewRemoteKeySet(oidc.ClientContext(context.Background(), calm), e.JWKS)
	return &Tokens{declared: e, verifier: oidc.NewVerifier(e.Issuer, keys, &oidc.Config{
		SkipClientIDCheck: true, SupportedSigningAlgs: []string{oidc.RS256}, Now: now,
	})}, nil
}

// Name is who asks.
func (t *Tokens) Name() string { return t.declared.Name }

// looksLikeToken tells a signed token from an opaque key (RFC 7515 §3.1).
func looksLikeToken(s string) bool {
	return strings.Count(s, ".") == 2 && strings.HasPrefix(s, "eyJ") && len(s) < 16<<10
}

// Verify tells whether a token is from the provisioning service of the declared tenant, and valid now.
func (t *Tokens) Verify(ctx context.Context, token string) error {
	verified, err := t.verifier.Verify(ctx, token)
	if err != nil {
		return err
	}
	var claims struct {
		Tenant string `json:"tid"`
		AppID  string `json:"appid"` // version 1.0
		AZP    string `json:"azp"`   // version 2.0
	}
	if err := verified.Claims(&claims); err != nil {
		return err
	}
	app := claims.AppID
	if app == "" {
		app = claims.AZP
	}
	switch {
	case !strings.EqualFold(claims.Tenant, t.declared.Tenant):
		return errors.New("the token is from another tenant")
	case !strings.EqualFold(app, t.declared.AppID):
		return errors.New("the token is another application's")
	case !slices.ContainsFunc(verified.Audience, func(a string) bool { return slices.Contains(t.declared.Audience, a) }):
		return errors.New("the token is for another audience")
	}
	return nil
}

// calmTransport fetches only as often as it may. The key set asks again for every token whose signature no known key
// fits: without a limit anybody could have it ask Microsoft as often as they like. Tokens that a known key fits never
// get here.
type calmTransport struct {
	base  http.RoundTripper
	limit *rate.Limiter
}

// RoundTrip implements [http.RoundTripper].
func (t calmTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if !t.limit.Allow() {
		return nil, errors.New("the signing keys were fetched a moment ago")
	}
	return t.base.RoundTrip(r)
}
