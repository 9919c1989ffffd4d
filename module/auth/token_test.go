package auth

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddy-scim/gateway/integration/entra"
)

const testTenant = "11111111-2222-4333-8444-555555555555"

// issuer signs as Entra does and publishes its key.
type issuer struct {
	*entra.Issuer
	*httptest.Server
}

func newIssuer(t *testing.T, kid string) issuer {
	t.Helper()
	i, err := entra.NewIssuer(kid)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(i)
	t.Cleanup(s.Close)
	return issuer{i, s}
}

// sign makes a token that is right but for the changes.
func (i issuer) sign(t *testing.T, changes map[string]any) string {
	t.Helper()
	claims := map[string]any{
		"aud": customApps, "iss": "https://sts.windows.net/" + testTenant + "/", "appid": syncFabric, "tid": testTenant, "ver": "1.0",
		"exp": time.Now().Add(time.Hour).Unix(), "nbf": time.Now().Add(-time.Minute).Unix(),
	}
	maps.Copy(claims, changes)
	token, err := i.Sign(claims)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestEntraToken(t *testing.T) {
	good, other := newIssuer(t, "k1"), newIssuer(t, "k1")
	tokens, err := EntraToken{Tenant: strings.ToUpper(testTenant), JWKS: good.URL}.Verifier(http.DefaultClient, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	const elsewhere = "99999999-2222-4333-8444-555555555555"
	for name, tc := range map[string]struct {
		token string
		ok    bool
	}{
		"Entra's own":             {good.sign(t, nil), true},
		"version 2.0 application": {good.sign(t, map[string]any{"appid": nil, "azp": syncFabric}), true},
		"another tenant":          {good.sign(t, map[string]any{"tid": elsewhere, "iss": "https://sts.windows.net/" + elsewhere + "/"}), false},
		"another tenant's id":     {good.sign(t, map[string]any{"tid": elsewhere}), false},
		"another issuer":          {good.sign(t, map[string]any{"iss": "https://sts.windows.net/" + elsewhere + "/"}), false},
		"another application":     {good.sign(t, map[string]any{"appid": "deadbeef-0000-4000-8000-000000000000"}), false},
		"no application":          {good.sign(t, map[string]any{"appid": nil}), false},
		"another audience":        {good.sign(t, map[string]any{"aud": "00000002-0000-0000-c000-000000000000"}), false},
		"expired":                 {good.sign(t, map[string]any{"exp": time.Now().Add(-time.Hour).Unix()}), false},
		"not yet valid":           {good.sign(t, map[string]any{"nbf": time.Now().Add(time.Hour).Unix()}), false},
		"another key":             {other.sign(t, nil), false},
		"unsigned":                {"eyJhbGciOiJub25lIn0.eyJhdWQiOiIifQ.", false},
		"nonsense":                {"eyJ.e.e", false},
	} {
		t.Run(name, func(t *testing.T) {
			if err := tokens.Verify(context.Background(), tc.token); (err == nil) != tc.ok {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestForgedTokensDoNotFetch: the address of the signing keys is asked only now and then, and a genuine token passes in
// the middle of forged ones.
func TestForgedTokensDoNotFetch(t *testing.T) {
	good, other := newIssuer(t, "k1"), newIssuer(t, "k2")
	tokens, err := EntraToken{Tenant: testTenant, JWKS: good.URL}.Verifier(http.DefaultClient, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	genuine, forged := good.sign(t, nil), other.sign(t, nil)
	for range 50 {
		if err := tokens.Verify(context.Background(), genuine); err != nil {
			t.Fatal(err)
		}
		if tokens.Verify(context.Background(), forged) == nil {
			t.Fatal("a forged token passed")
		}
	}
	if asked := good.Fetched.Load(); asked > 4 {
		t.Errorf("the keys were fetched %d times", asked)
	}
}

func TestEntraTokenMistakes(t *testing.T) {
	for name, e := range map[string]EntraToken{
		"no tenant":     {},
		"tenant's name": {Tenant: "contoso.onmicrosoft.com"},
		"relative keys": {Tenant: testTenant, JWKS: "/keys"},
		"bad name":      {Tenant: testTenant, Name: "a b"},
	} {
		if e.Check() == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
