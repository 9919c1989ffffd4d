package auth_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddy-scim/gateway/module/auth"
)

const (
	plain = "correct-horse-battery-staple"
	other = "the-second-key-of-the-rotation"
)

func hashed(key string) string {
	sum := sha256.Sum256([]byte(key))
	return "sha256:" + hex.EncodeToString(sum[:])
}

func noPlaceholders(string) (string, error) { return "", errors.New("no placeholder expected") }

func table(t *testing.T, keys ...auth.Key) *auth.Keys {
	t.Helper()
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	k, err := auth.New(auth.Config{Keys: keys, Resolve: noPlaceholders, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func reason(r *auth.Refusal) auth.Reason {
	if r == nil {
		return ""
	}
	return r.Reason
}

func TestAuthenticate(t *testing.T) {
	keys := table(t,
		auth.Key{Name: "entra", Key: plain},
		auth.Key{Name: "hashed", Key: hashed(other)},
		auth.Key{Name: "old", Key: "an-old-key-that-has-expired", Expires: "2026-06-01T00:00:00Z"},
		auth.Key{Name: "new", Key: "a-new-key-not-yet-valid-today", NotBefore: "2026-06-01T00:00:01Z"},
		auth.Key{Name: "now", Key: "a-key-valid-from-this-moment", NotBefore: "2026-06-01T00:00:00Z", Expires: "2026-06-01T00:00:01Z"},
		auth.Key{Name: "office", Key: "a-key-that-is-bound-to-places", From: []string{"192.0.2.0/24", "2001:db8::1"}},
	)
	tests := []struct {
		name   string
		header []string
		target string
		client string
		who    string
		reason auth.Reason
	}{
		{name: "plain", header: []string{"Bearer " + plain}, who: "entra"},
		{name: "hashed", header: []string{"Bearer " + other}, who: "hashed"},
		{name: "scheme in any case", header: []string{"bEARER " + plain}, who: "entra"},
		{name: "spaces", header: []string{" Bearer   " + plain + " "}, who: "entra"},
		{name: "missing", reason: auth.Missing},
		{name: "wrong", header: []string{"Bearer wrong"}, reason: auth.Unknown},
		{name: "prefix of a key", header: []string{"Bearer " + plain[:20]}, reason: auth.Unknown},
		{name: "the hash itself is no key", header: []string{"Bearer " + hashed(other)}, reason: auth.Unknown},
		{name: "doubled", header: []string{"Bearer " + plain, "Bearer " + plain}, reason: auth.Doubled},
		{name: "folded", header: []string{"Bearer " + plain + ", Bearer " + plain}, reason: auth.Malformed},
		{name: "word pasted too", header: []string{"Bearer Bearer " + plain}, reason: auth.Malformed},
		{name: "no token", header: []string{"Bearer"}, reason: auth.Malformed},
		{name: "basic", header: []string{"Basic " + plain}, reason: auth.Scheme},
		{name: "naked", header: []string{plain}, reason: auth.Scheme},
		{name: "in the query", target: "/Users?access_token=" + plain, reason: auth.Query},
		{name: "in both", target: "/Users?a=b&access_token=" + plain, header: []string{"Bearer " + plain}, reason: auth.Query},
		{name: "in other spellings", target: "/Users?a=b&%61ccess_token=x", header: []string{"Bearer " + plain}, reason: auth.Query},
		{name: "in other letters", target: "/Users?Access_Token=x", header: []string{"Bearer " + plain}, reason: auth.Query},
		{name: "after a semicolon", target: "/Users?a=b;access_token=x", header: []string{"Bearer " + plain}, reason: auth.Query},
		{name: "without a value", target: "/Users?access_token", header: []string{"Bearer " + plain}, reason: auth.Query},
		{name: "in a filter is none", target: "/Users?filter=userName+eq+%22access_token=%22", header: []string{"Bearer " + plain}, who: "entra"},
		{name: "expired", header: []string{"Bearer an-old-key-that-has-expired"}, who: "old", reason: auth.Expired},
		{name: "not yet", header: []string{"Bearer a-new-key-not-yet-valid-today"}, who: "new", reason: auth.Expired},
		{name: "just valid", header: []string{"Bearer a-key-valid-from-this-moment"}, who: "now"},
		{name: "from the range", client: "192.0.2.9", header: []string{"Bearer a-key-that-is-bound-to-places"}, who: "office"},
		{name: "mapped into IPv6", client: "::ffff:192.0.2.9", header: []string{"Bearer a-key-that-is-bound-to-places"}, who: "office"},
		{name: "from the address", client: "2001:db8::1", header: []string{"Bearer a-key-that-is-bound-to-places"}, who: "office"},
		{name: "from elsewhere", client: "198.51.100.1", header: []string{"Bearer a-key-that-is-bound-to-places"}, who: "office", reason: auth.Address},
		{name: "from nowhere", header: []string{"Bearer a-key-that-is-bound-to-places"}, who: "office", reason: auth.Address},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.target == "" {
				tt.target = "/Users"
			}
			r := httptest.NewRequest(http.MethodGet, tt.target, nil)
			r.Header["Authorization"] = tt.header
			if tt.header == nil {
				delete(r.Header, "Authorization")
			}
			id, refusal := keys.Authenticate(r, tt.client)
			if id.Name != tt.who || reason(refusal) != tt.reason {
				t.Errorf("got %q, %q, want %q, %q", id.Name, reason(refusal), tt.who, tt.reason)
			}
			if refusal != nil && refusal.Error().Status != http.StatusUnauthorized {
				t.Errorf("got %v", refusal.Error())
			}
		})
	}
}

func TestScope(t *testing.T) {
	tests := []struct {
		scope  []string
		allows string // r and w on users, groups and discovery
	}{
		{nil, "Ur Uw Gr Gw D"},
		{[]string{"read"}, "Ur Gr D"},
		{[]string{"users"}, "Ur Uw D"},
		{[]string{"groups", "read"}, "Gr D"},
		{[]string{"users", "groups"}, "Ur Uw Gr Gw D"},
	}
	for _, tt := range tests {
		keys := table(t, auth.Key{Name: "k", Key: plain, Scope: tt.scope})
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "Bearer "+plain)
		id, _ := keys.Authenticate(r, "")
		var got []string
		for _, c := range []struct {
			name, endpoint string
			writes         bool
		}{{"Ur", "/Users", false}, {"Uw", "/Users", true}, {"Gr", "/Groups", false}, {"Gw", "/Groups", true}, {"D", "/Schemas", false}} {
			if id.Allows(c.endpoint, c.writes) {
				got = append(got, c.name)
			}
		}
		if s := strings.Join(got, " "); s != tt.allows {
			t.Errorf("%v: got %s, want %s", tt.scope, s, tt.allows)
		}
	}
}

func TestMistakes(t *testing.T) {
	good := auth.Key{Name: "a", Key: plain}
	tests := []struct {
		want string
		keys []auth.Key
	}{
		{"there is no key", nil},
		{"shorter than 16", []auth.Key{{Name: "a", Key: "tiny"}}},
		{"64 hexadecimal digits", []auth.Key{{Name: "a", Key: "sha256:abcd"}}},
		{"64 hexadecimal digits", []auth.Key{{Name: "a", Key: "sha256:" + strings.Repeat("zz", 32)}}},
		{"printable ASCII", []auth.Key{{Name: "a", Key: "with a space in the middle"}}},
		{"1 to 64 characters", []auth.Key{{Key: plain}}},
		{"letters, digits", []auth.Key{{Name: "a b", Key: plain}}},
		{"two keys with the name a", []auth.Key{good, {Name: "a", Key: other}}},
		{"a and b are the same", []auth.Key{good, {Name: "b", Key: hashed(plain)}}},
		{"RFC 3339", []auth.Key{{Name: "a", Key: plain, Expires: "tomorrow"}}},
		{"RFC 3339", []auth.Key{{Name: "a", Key: plain, NotBefore: "2026-01-01"}}},
		{"expires before", []auth.Key{{Name: "a", Key: plain, NotBefore: "2026-01-02T00:00:00Z", Expires: "2026-01-01T00:00:00Z"}}},
		{`unknown scope "write"`, []auth.Key{{Name: "a", Key: plain, Scope: []string{"write"}}}},
		{"neither an address nor", []auth.Key{{Name: "a", Key: plain, From: []string{"example.com"}}}},
		{"1 to 1000000 events", []auth.Key{{Name: "a", Key: plain, Limit: &auth.Rate{Events: 5}}}},
		{"no placeholder expected", []auth.Key{{Name: "a", Key: "{env.X}"}}},
	}
	for _, tt := range tests {
		_, err := auth.New(auth.Config{Keys: tt.keys, Resolve: noPlaceholders, Now: time.Now})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, want %q", err, tt.want)
		}
		for _, k := range tt.keys {
			if err != nil && k.Key != "" && k.Key[0] != '{' && strings.Contains(err.Error(), k.Key) {
				t.Errorf("the error shows the key: %v", err)
			}
		}
	}
}

func TestPlaceholder(t *testing.T) {
	resolve := func(s string) (string, error) {
		if s != "{file./run/key}" {
			return "", errors.New("unknown")
		}
		return plain + "\n", nil
	}
	keys, err := auth.New(auth.Config{Keys: []auth.Key{{Name: "a", Key: "{file./run/key}"}}, Resolve: resolve, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+plain)
	if id, refusal := keys.Authenticate(r, ""); id.Name != "a" || refusal != nil {
		t.Errorf("got %q, %q", id.Name, reason(refusal))
	}
}

func TestHash(t *testing.T) {
	for in, want := range map[string]string{plain: hashed(plain), hashed(plain): hashed(plain), "{env.X}": "{env.X}"} {
		if got, err := auth.Hash(in); got != want || err != nil {
			t.Errorf("%q: got %q, %v", in, got, err)
		}
	}
	if _, err := auth.Hash("short"); err == nil || strings.Contains(err.Error(), `"short"`) {
		t.Errorf("got %v", err)
	}
}
