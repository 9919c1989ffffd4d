package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
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

func verify(tokens *Tokens, token string) error {
	return tokens.Verify(context.Background(), token, sha256.Sum256([]byte(token)))
}

func TestEntraToken(t *testing.T) {
	good, other := newIssuer(t, "k1"), newIssuer(t, "k1")
	tokens, err := EntraToken{Tenant: strings.ToUpper(testTenant), JWKS: good.URL}.Verifier(http.DefaultClient, nil, time.Now)
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
			if err := verify(tokens, tc.token); (err == nil) != tc.ok {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestForgedTokensDoNotFetch: the address of the signing keys is asked only now and then, and a genuine token passes in
// the middle of forged ones.
func TestForgedTokensDoNotFetch(t *testing.T) {
	good, other := newIssuer(t, "k1"), newIssuer(t, "k2")
	tokens, err := EntraToken{Tenant: testTenant, JWKS: good.URL}.Verifier(http.DefaultClient, nil, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	genuine, forged := good.sign(t, nil), other.sign(t, nil)
	for range 50 {
		if err := verify(tokens, genuine); err != nil {
			t.Fatal(err)
		}
		if verify(tokens, forged) == nil {
			t.Fatal("a forged token passed")
		}
	}
	if asked := good.Fetched.Load(); asked > 4 {
		t.Errorf("the keys were fetched %d times", asked)
	}
}

// TestUnreachableKeys: while the address of the signing keys does not answer, tokens whose key is known go on, over a
// restart too; a genuine-looking token that only it could prove is not called wrong, and one that nothing could make right
// is.
func TestUnreachableKeys(t *testing.T) {
	good, rotated := newIssuer(t, "k1"), newIssuer(t, "k2")
	cache := &memory{kept: make(chan struct{}, 100)}
	var later atomic.Int64 // how much later it is
	start := func(url string) *Tokens {
		tokens, err := EntraToken{Tenant: testTenant, JWKS: url}.Verifier(http.DefaultClient, cache, func() time.Time { return time.Now().Add(time.Duration(later.Load())) })
		if err != nil {
			t.Fatal(err)
		}
		return tokens
	}
	tokens := start(good.URL)
	if err := verify(tokens, good.sign(t, nil)); err != nil {
		t.Fatal(err)
	}
	<-cache.kept
	good.Close()
	if err := verify(tokens, good.sign(t, map[string]any{"jti": "2"})); err != nil {
		t.Errorf("known keys: %v", err)
	}
	tokens = start(good.URL)
	if err := verify(tokens, good.sign(t, map[string]any{"jti": "3"})); err != nil {
		t.Errorf("known keys after a restart: %v", err)
	}
	later.Store(int64(30 * time.Hour))
	now := time.Now().Add(30 * time.Hour)
	old := map[string]any{"exp": now.Add(time.Hour).Unix()}
	if err := verify(tokens, good.sign(t, old)); err != nil {
		t.Errorf("keys that should be fetched anew: %v", err)
	}
	for range 10 { // more often than it is fetched
		if err := verify(tokens, rotated.sign(t, old)); !errors.Is(err, errUnavailable) {
			t.Errorf("a key that is not known: %v", err)
		}
		for name, changes := range map[string]map[string]any{
			"another tenant": {"tid": "99999999-2222-4333-8444-555555555555"},
			"audience":       {"aud": "somebody"},
			"expired":        {"exp": now.Add(-time.Hour).Unix()},
			"not yet valid":  {"nbf": now.Add(time.Hour).Unix()},
		} {
			maps.Copy(changes, map[string]any{"x": 1})
			if changes["exp"] == nil {
				changes["exp"] = old["exp"]
			}
			if err := verify(tokens, rotated.sign(t, changes)); err == nil || errors.Is(err, errUnavailable) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

type memory struct {
	sync.Map
	kept chan struct{}
}

func (m *memory) Load(_ context.Context, name string) ([]byte, error) {
	if b, ok := m.Map.Load(name); ok {
		return b.([]byte), nil
	}
	return nil, errors.New("nothing")
}

func (m *memory) Store(_ context.Context, name string, value []byte) error {
	m.Map.Store(name, value)
	m.kept <- struct{}{}
	return nil
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
