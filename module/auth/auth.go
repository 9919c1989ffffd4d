package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/caddy-scim/gateway/transforms/scim"
)

// Keys are the keys of one gateway.
type Keys struct {
	keys   []compiled
	tokens []*Tokens
	now    func() time.Time
	bound  bool // a key is accepted from some addresses only
}

// everything is what a token is good for.
var everything = compiled{users: true, groups: true}

// New makes the table of keys, and of the tokens that are let in beside them. resolve gives the value of a placeholder.
func New(keys []Key, issuers []EntraToken, resolve func(string) (string, error), now func() time.Time) (*Keys, error) {
	if len(keys) == 0 && len(issuers) == 0 {
		return nil, errors.New("there is no key: without one nobody could authenticate")
	}
	if err := CheckNames(keys, issuers); err != nil {
		return nil, err
	}
	table := &Keys{now: now}
	for _, issuer := range issuers {
		tokens, err := issuer.Verifier(&http.Client{Timeout: 10 * time.Second}, now)
		if err != nil {
			return nil, fmt.Errorf("entra token: %w", err)
		}
		table.tokens = append(table.tokens, tokens)
	}
	for _, k := range keys {
		if err := whole(k.Key); err != nil {
			return nil, fmt.Errorf("key %s: %w", k.Name, err)
		}
		if IsPlaceholder(k.Key) {
			value, err := resolve(k.Key)
			if err != nil {
				return nil, fmt.Errorf("key %s: %s: %w", k.Name, k.Key, err)
			}
			if k.Key = strings.TrimSpace(value); IsPlaceholder(k.Key) {
				return nil, fmt.Errorf("key %s: a placeholder must not resolve to another one", k.Name)
			}
		}
		c, err := k.compile()
		if err != nil {
			return nil, fmt.Errorf("key %s: %w", k.Name, err)
		}
		for _, other := range table.keys {
			if other.digest == c.digest {
				return nil, fmt.Errorf("the keys %s and %s are the same: the log could not tell who asked", other.name, c.name)
			}
		}
		table.keys = append(table.keys, c)
		table.bound = table.bound || len(c.from) > 0
	}
	return table, nil
}

// Reason is why somebody was not let in. It is for the log and for metrics: the provider is told the same for all.
type Reason string

// The reasons.
const (
	Missing   Reason = "missing"   // no Authorization header, or a token in the query, which RFC 6750 §2.3 advises against
	Doubled   Reason = "doubled"   // more than one Authorization header
	Scheme    Reason = "scheme"    // not Bearer
	Malformed Reason = "malformed" // Bearer without exactly one token: "Bearer Bearer …" is what pasting the word "Bearer" too gives
	Unknown   Reason = "unknown"   // no such key
	Expired   Reason = "expired"   // outside not_before and expires
	Address   Reason = "address"   // the key is right, the client's address is not
)

// Identity is who was let in, and what for.
type Identity struct {
	Name string
	key  *compiled
}

// AskAddress tells whether it matters where a request comes from.
func (t *Keys) AskAddress() bool { return t.bound }

// Authenticate finds out whose key a request carries. On failure the reason is set, and the name where a key matched.
// It takes the same time for every key of the table, right or wrong.
func (t *Keys) Authenticate(r *http.Request, client netip.Addr) (Identity, Reason) {
	token, reason := bearer(r)
	if reason != "" {
		return Identity{}, reason
	}
	digest := sha256.Sum256([]byte(token))
	found := -1
	for i := range t.keys {
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(digest[:], t.keys[i].digest[:]), i, found)
	}
	if found < 0 {
		return t.authenticateToken(r, token)
	}
	key := &t.keys[found]
	id := Identity{Name: key.name, key: key}
	now := t.now()
	if now.Before(key.notBefore) || !key.expires.IsZero() && !now.Before(key.expires) {
		return id, Expired
	}
	if !key.admits(client) {
		return id, Address
	}
	return id, ""
}

// authenticateToken finds out whether what is no key is a token of a provider that is let in.
func (t *Keys) authenticateToken(r *http.Request, token string) (Identity, Reason) {
	if looksLikeToken(token) {
		for _, issuer := range t.tokens {
			if issuer.Verify(r.Context(), token) == nil {
				return Identity{Name: issuer.Name(), key: &everything}, ""
			}
		}
	}
	return Identity{}, Unknown
}

func (c *compiled) admits(client netip.Addr) bool {
	if len(c.from) == 0 {
		return true
	}
	client = client.Unmap().WithZone("")
	for _, p := range c.from {
		if p.Contains(client) {
			return true
		}
	}
	return false
}

// bearer is the token of a request that carries exactly one, in the header (RFC 6750 §2.1). The scheme is compared
// without case (RFC 9110 §11.1).
func bearer(r *http.Request) (string, Reason) {
	values := r.Header["Authorization"]
	for pair := range strings.SplitSeq(r.URL.RawQuery, "&") {
		if strings.HasPrefix(pair, "access_token=") {
			return "", Missing
		}
	}
	switch len(values) {
	case 0:
		return "", Missing
	case 1:
	default:
		return "", Doubled
	}
	scheme, token, ok := strings.Cut(strings.TrimSpace(values[0]), " ")
	token = strings.TrimSpace(token)
	switch {
	case !strings.EqualFold(scheme, "Bearer"):
		return "", Scheme
	case !ok, token == "", strings.ContainsAny(token, " \t,"):
		return "", Malformed
	}
	return token, ""
}

// Allows tells whether the key is good for an endpoint ("/Users", "/Groups"). Discovery is open to every key.
func (id Identity) Allows(endpoint string, writes bool) bool {
	switch {
	case writes && id.key.readOnly:
		return false
	case endpoint == "/Users":
		return id.key.users
	case endpoint == "/Groups":
		return id.key.groups
	}
	return true
}

// Unauthorized is the answer to every failure: it does not tell a missing key from a wrong one, nor a wrong one from one
// that is right elsewhere.
func Unauthorized() *scim.Error {
	return scim.Errorf(http.StatusUnauthorized, "", "a valid SCIM API key is needed, as a bearer token in the Authorization header")
}

// Forbidden is the answer where the key is right but not good for this.
func Forbidden() *scim.Error {
	return scim.Errorf(http.StatusForbidden, "", "this SCIM API key is not good for this operation")
}
