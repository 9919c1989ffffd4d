package auth_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddy-scim/gateway/module/auth"
)

const clientSecret = "the-secret-of-a-client-of-oauth"

// endpoint is the token endpoint of one gateway.
func endpoint(t *testing.T, organization string, signers *auth.Signers, now func() time.Time, clients ...auth.Key) (*auth.Keys, *auth.Ring) {
	t.Helper()
	ring := auth.NewRing(now)
	ring.Set(&auth.Stored{})
	k, err := auth.New(auth.Config{Clients: clients, Organization: organization, Signers: signers, Resolve: noPlaceholders, Ring: ring, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return k, ring
}

func grant(k *auth.Keys, form string, header ...string) (*auth.Token, *auth.OAuthError) {
	r := httptest.NewRequest(http.MethodPost, "/oauth2/token", nil)
	r.Header["Authorization"] = header
	if header == nil {
		delete(r.Header, "Authorization")
	}
	values, _ := url.ParseQuery(form)
	token, err, _ := k.Grant(r, values, "192.0.2.1")
	return token, err
}

func basic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))
}

func TestGrant(t *testing.T) {
	k, _ := endpoint(t, "acme", auth.NewSigners(time.Now), time.Now,
		auth.Key{Name: "entra", Key: clientSecret}, auth.Key{Name: "old", Key: other, Expires: "2026-01-01T00:00:00Z"})
	const grantType = "grant_type=client_credentials"
	inForm := "&client_id=entra&client_secret=" + clientSecret
	for name, tt := range map[string]struct {
		form   string
		header []string
		code   string
		status int
	}{
		"in the header":          {form: grantType, header: []string{basic("entra", clientSecret)}},
		"in the form":            {form: grantType + inForm + "&scope=scim"},
		"id in the form too":     {form: grantType + "&client_id=entra", header: []string{basic("entra", clientSecret)}},
		"another id in the form": {grantType + "&client_id=okta", []string{basic("entra", clientSecret)}, "invalid_request", 400},
		"secret twice":           {grantType + inForm, []string{basic("entra", clientSecret)}, "invalid_request", 400},
		"header twice":           {grantType, []string{basic("entra", clientSecret), basic("entra", clientSecret)}, "invalid_request", 400},
		"parameter twice":        {grantType + "&" + grantType + inForm, nil, "invalid_request", 400},
		"no grant type":          {inForm[1:], nil, "invalid_request", 400},
		"another grant type":     {"grant_type=password" + inForm, nil, "unsupported_grant_type", 400},
		"wrong secret":           {grantType, []string{basic("entra", other)}, "invalid_client", 401},
		"unknown client":         {grantType, []string{basic("okta", clientSecret)}, "invalid_client", 401},
		"expired client":         {grantType, []string{basic("old", other)}, "invalid_client", 401},
		"bearer":                 {grantType, []string{"Bearer " + clientSecret}, "invalid_client", 401},
		"nobody":                 {grantType, nil, "invalid_client", 401},
		"broken escape":          {grantType, []string{"Basic " + base64.StdEncoding.EncodeToString([]byte("entra%zz:x"))}, "invalid_request", 400},
	} {
		token, err := grant(k, tt.form, tt.header...)
		switch {
		case tt.code == "" && (err != nil || token.TokenType != "Bearer" || token.ExpiresIn != 3600 || token.Scope != "scim"):
			t.Errorf("%s: %+v, %+v", name, token, err)
		case tt.code != "" && (err == nil || err.Code != tt.code || err.Status != tt.status || token != nil):
			t.Errorf("%s: %+v, %+v", name, token, err)
		}
	}
	// Nothing wrong tells who exists.
	_, a := grant(k, grantType, basic("entra", other))
	_, b := grant(k, grantType, basic("nobody", other))
	_, c := grant(k, grantType, basic("old", other))
	if *a != *b || *b != *c {
		t.Errorf("%+v, %+v, %+v", a, b, c)
	}
}

// TestTokens: a token is good at every gateway that knows the signer, for its organization, while it and its client last.
func TestTokens(t *testing.T) {
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	client := auth.Key{Name: "entra", Key: clientSecret, Scope: []string{"users"}}
	one, two := auth.NewSigners(clock), auth.NewSigners(clock)
	here, ring := endpoint(t, "acme", one, clock, client)
	there, _ := endpoint(t, "acme", two, clock, client)
	globex, _ := endpoint(t, "globex", one, clock, client)
	exchanged, _ := endpoint(t, "acme", one, clock, auth.Key{Name: "entra", Key: other})
	token, refused := grant(here, "grant_type=client_credentials", basic("entra", clientSecret))
	if refused != nil {
		t.Fatal(refused)
	}
	ask := func(k *auth.Keys, token string) int {
		r := httptest.NewRequest(http.MethodGet, "/Users", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		id, refusal := k.Authenticate(r, "192.0.2.1")
		if refusal != nil {
			return refusal.Error().Status
		}
		if id.Name != "entra" || id.Allows("/Groups", false) || !id.Allows("/Users", true) {
			t.Errorf("got %+v", id)
		}
		return 200
	}
	check := func(what string, k *auth.Keys, token string, want int) {
		t.Helper()
		if got := ask(k, token); got != want {
			t.Errorf("%s: %d, want %d", what, got, want)
		}
	}
	check("here", here, token.AccessToken, 200)
	check("at another organization", globex, token.AccessToken, 401)
	check("after the secret was exchanged", exchanged, token.AccessToken, 401)
	check("where the signer is not known yet", there, token.AccessToken, 503)
	id, public := one.Public()
	two.Learn(map[string]ed25519.PublicKey{id: public})
	check("where it is known", there, token.AccessToken, 200)

	parts := strings.Split(token.AccessToken, ".")
	for name, forged := range map[string]string{
		"none":           base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","kid":"`+id+`"}`)) + "." + parts[1] + ".",
		"another alg":    base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","kid":"`+id+`"}`)) + "." + parts[1] + "." + parts[2],
		"other claims":   parts[0] + "." + base64.RawURLEncoding.EncodeToString(longer(t, parts[1])) + "." + parts[2],
		"no signature":   parts[0] + "." + parts[1] + ".",
		"own signature":  parts[0] + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(ed25519.NewKeyFromSeed(make([]byte, 32)), []byte(parts[0]+"."+parts[1]))),
		"secret as key":  clientSecret,
		"id in its path": base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"EdDSA","kid":"../../x"}`)) + "." + parts[1] + "." + parts[2],
	} {
		want := 401
		if name == "id in its path" {
			want = 503 // a signer that may not be known yet
		}
		check(name, here, forged, want)
	}

	now = now.Add(2 * time.Minute)
	two.Learn(nil)
	check("where the signer should be known by now", there, token.AccessToken, 401)
	ring.Set(&auth.Stored{Revoked: map[string]time.Time{client.ID(): {}}})
	check("after the client was revoked", here, token.AccessToken, 401)
	ring.Set(&auth.Stored{})
	now = now.Add(time.Hour)
	check("after its time", here, token.AccessToken, 401)
}

// longer is a token's payload with a later end.
func longer(t *testing.T, payload string) []byte {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(text, &claims); err != nil {
		t.Fatal(err)
	}
	claims["exp"] = 9999999999
	text, _ = json.Marshal(claims)
	return text
}
