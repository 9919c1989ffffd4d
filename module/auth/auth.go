package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// Config is what a table of keys is made of.
type Config struct {
	Keys        []Key
	Clients     []Key // for the token endpoint
	EntraTokens []EntraToken

	// Organization is the name that tokens of the token endpoint are bound to.
	Organization string

	// Resolve returns the value of a placeholder.
	Resolve func(string) (string, error)

	// Ring has the keys and revocations that are kept in the storage. Without one there are none.
	Ring *Ring

	// Signers signs and knows the tokens of the token endpoint. It is needed where there are clients.
	Signers *Signers

	// Throttle limits failures by address. Without one they are not limited.
	Throttle *Throttle

	// Cache keeps Entra's signing keys over a restart. Without one they are fetched anew.
	Cache Cache

	Now func() time.Time
}

// Keys are all the ways into one gateway.
type Keys struct {
	Config

	keys    []compiled
	clients []compiled
	tokens  []*Tokens
}

// New makes the table of keys.
func New(c Config) (*Keys, error) {
	if len(c.Keys)+len(c.Clients)+len(c.EntraTokens) == 0 {
		return nil, errors.New("there is no key: without one nobody could authenticate")
	}
	if err := CheckNames(c.Keys, c.Clients, c.EntraTokens); err != nil {
		return nil, err
	}
	if c.Ring == nil {
		c.Ring = fixedRing(c.Now)
	}
	t := &Keys{Config: c}
	for _, issuer := range c.EntraTokens {
		tokens, err := issuer.Verifier(&http.Client{Timeout: 10 * time.Second}, c.Cache, c.Now)
		if err != nil {
			return nil, fmt.Errorf("entra token: %w", err)
		}
		t.tokens = append(t.tokens, tokens)
	}
	var err error
	if t.keys, err = c.compile("key", c.Keys); err != nil {
		return nil, err
	}
	t.clients, err = c.compile("client", c.Clients)
	return t, err
}

// compile resolves placeholders, and finds a key that is there twice.
func (c *Config) compile(what string, keys []Key) (all []compiled, err error) {
	for _, k := range keys {
		if k.Key, err = c.value(k.Key); err != nil {
			return nil, fmt.Errorf("%s %s: %w", what, k.Name, err)
		}
		one, err := k.compile()
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", what, k.Name, err)
		}
		for _, other := range all {
			if other.digest == one.digest {
				return nil, fmt.Errorf("the %ss %s and %s are the same: the log could not tell who asked", what, other.name, one.name)
			}
		}
		one.used = c.Ring.use(one.id)
		all = append(all, one)
	}
	return all, nil
}

func (c *Config) value(key string) (string, error) {
	if err := whole(key); err != nil || !IsPlaceholder(key) {
		return key, err
	}
	value, err := c.Resolve(key)
	if err != nil {
		return "", fmt.Errorf("%s: %w", key, err)
	}
	if value = strings.TrimSpace(value); IsPlaceholder(value) {
		return "", errors.New("a placeholder must not resolve to another one")
	}
	return value, nil
}

// Identity is who was let in, and what for.
type Identity struct {
	Name string
	key  *compiled
}

// Authenticate finds out whose key a request carries, and returns why nobody is let in where that is so, with the name
// where a key matched. It takes the same time for every key of the table, right or wrong. A key that matches is never
// refused because of what came from its address before.
func (t *Keys) Authenticate(r *http.Request, client string) (Identity, *Refusal) {
	token, reason := bearer(r)
	if reason != "" {
		return Identity{}, t.failed(client, reason)
	}
	digest := sha256.Sum256([]byte(token))
	stored := t.Ring.Stored()
	key := find(stored.keys, digest, find(t.keys, digest, nil))
	if key == nil {
		return t.unknown(r, client, token, digest)
	}
	return t.admit(key, stored, client)
}

// find returns the key with a digest, or else other, in constant time.
func find(keys []compiled, digest [sha256.Size]byte, other *compiled) *compiled {
	found := -1
	for i := range keys {
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(digest[:], keys[i].digest[:]), i, found)
	}
	if found < 0 {
		return other
	}
	return &keys[found]
}

// admit decides whether the owner of a right key may come in now.
func (t *Keys) admit(key *compiled, stored *Stored, client string) (Identity, *Refusal) {
	id, now := Identity{Name: key.name, key: key}, t.Now()
	switch at, revoked := stored.Revoked[key.id]; {
	case revoked && !now.Before(at):
		return id, t.known(client, Revoked)
	case now.Before(key.notBefore), !key.expires.IsZero() && !now.Before(key.expires):
		return id, t.known(client, Expired)
	case !key.admits(client):
		return id, t.known(client, Address)
	case stored.Disabled == http.StatusServiceUnavailable:
		return id, &Refusal{Reason: Disabled, status: http.StatusServiceUnavailable, RetryAfter: time.Minute}
	case stored.Disabled != 0:
		return id, t.known(client, Disabled)
	}
	if key.limit != nil {
		if wait, ok := take(key.limit, now); !ok {
			return id, &Refusal{Reason: Limited, status: http.StatusTooManyRequests, RetryAfter: wait}
		}
	}
	key.used.Store(now.Unix())
	return id, nil
}

// unknown decides about what is no key: a token of a provider or of the token endpoint, a key that cannot be known since
// the storage cannot be read, or nothing. A signature is checked only for addresses that are not throttled.
func (t *Keys) unknown(r *http.Request, client, token string, digest [sha256.Size]byte) (Identity, *Refusal) {
	for _, issuer := range t.tokens {
		if issuer.seen(digest) {
			return t.admit(&compiled{name: issuer.Name(), users: true, groups: true, used: issuer.used}, t.Ring.Stored(), client)
		}
	}
	if refusal := t.blocked(client); refusal != nil {
		return Identity{}, refusal
	}
	if header, ok := readHeader(token); ok {
		if id, refusal, ours := t.token(r.Context(), header, client, token, digest); ours {
			return id, refusal
		}
	}
	if !t.Ring.Ready(r.Context()) {
		return Identity{}, t.unreadable(client)
	}
	// What has just been read may have it.
	if key := find(t.Ring.Stored().keys, digest, nil); key != nil {
		return t.admit(key, t.Ring.Stored(), client)
	}
	return Identity{}, t.failed(client, Unknown)
}

// token decides about a signed token; ours is false where nobody here could have signed it.
func (t *Keys) token(ctx context.Context, h header, client, token string, digest [sha256.Size]byte) (id Identity, refusal *Refusal, ours bool) {
	if h.Algorithm == tokenAlgorithm && len(t.clients) > 0 {
		key, err := t.verify(token)
		switch {
		case errors.Is(err, errUnavailable):
			return Identity{}, t.unreadable(client), true
		case err != nil:
			return Identity{}, t.failed(client, Unknown), true
		}
		id, refusal = t.admit(key, t.Ring.Stored(), client)
		return id, refusal, true
	}
	unavailable := false
	for _, issuer := range t.tokens {
		err := issuer.Verify(ctx, token, digest)
		if err == nil {
			id, refusal = t.admit(&compiled{name: issuer.Name(), users: true, groups: true, used: issuer.used}, t.Ring.Stored(), client)
			return id, refusal, true
		}
		unavailable = unavailable || errors.Is(err, errUnavailable)
	}
	if unavailable {
		return Identity{}, t.unreadable(client), true
	}
	return Identity{}, nil, false
}

func (c *compiled) admits(client string) bool {
	if len(c.from) == 0 {
		return true
	}
	address, _ := netip.ParseAddr(client)
	address = address.Unmap().WithZone("")
	for _, p := range c.from {
		if p.Contains(address) {
			return true
		}
	}
	return false
}

// bearer returns the token of a request that carries exactly one, in the header (RFC 6750 §2.1). The scheme is compared
// without case (RFC 9110 §11.1).
func bearer(r *http.Request) (string, Reason) {
	if InQuery(r.URL.RawQuery) {
		return "", Query
	}
	values := r.Header["Authorization"]
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

// InQuery reports whether a query has an access_token, in whatever spelling: some servers decode names, take a semicolon
// for an ampersand, or compare without case.
func InQuery(query string) bool {
	if len(query) < len("access_token") {
		return false
	}
	for pair := range strings.FieldsFuncSeq(query, func(r rune) bool { return r == '&' || r == ';' }) {
		name, _, _ := strings.Cut(pair, "=")
		if decoded, err := url.QueryUnescape(name); err == nil {
			name = decoded
		}
		if strings.EqualFold(strings.TrimSpace(name), "access_token") {
			return true
		}
	}
	return false
}

// Allows reports whether the key is good for an endpoint ("/Users", "/Groups"). Discovery is open to every key.
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

// Paused reports whether the organization takes no changes now.
func (t *Keys) Paused() bool { return t.Ring.Stored().Paused }

// Declared is a way in that the configuration has.
type Declared struct {
	Kind string // key, client or entra_token
	ID   string // empty for a token of another issuer
	Key  Key    // without the key itself
	Used func() time.Time
}

// Declared returns every way in that the configuration has.
func (t *Keys) Declared() (all []Declared) {
	add := func(kind string, keys []Key, compiled []compiled) {
		for i, k := range keys {
			id := compiled[i].id
			k.Key = ""
			all = append(all, Declared{kind, id, k, func() time.Time { return t.Ring.LastUse(id) }})
		}
	}
	add("key", t.Keys, t.keys)
	add("client", t.Clients, t.clients)
	for _, tokens := range t.tokens {
		all = append(all, Declared{"entra_token", "", Key{Name: tokens.Name()}, func() time.Time { return when(tokens.used.Load()) }})
	}
	return all
}
