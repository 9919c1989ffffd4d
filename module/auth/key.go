// Package auth decides who is asking: SCIM API keys as bearer tokens (RFC 6750, RFC 7644 §2), what each may do, and from
// where. Begin to read at [Keys.Authenticate].
package auth

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// MinLength is how many characters a key must have. The keys that "caddy scim keygen" makes have 43.
const MinLength = 16

const hashPrefix = "sha256:"

// Key is one SCIM API key. Several keys are valid at once, so that one can be exchanged without a gap: Entra's secret is
// changed by hand.
type Key struct {
	// Who uses the key. It appears in the access log as user_id and as the placeholder {http.auth.user.id}; it must be
	// unique within one gateway.
	Name string `json:"name"`

	// The key as "sha256:" and the 64 hexadecimal digits of its SHA-256, or in plain text, or a placeholder such as
	// {env.SCIM_KEY} or {file./run/secrets/scim} that is resolved when the configuration is loaded. In plain it needs at
	// least 16 characters. The Caddyfile adapter writes the hash, so that an adapted configuration holds no secret.
	Key string `json:"key"`

	// The moment from which the key is valid, as RFC 3339. Default: always.
	NotBefore string `json:"not_before,omitempty"`

	// The moment from which the key is no longer valid, as RFC 3339. Default: never.
	Expires string `json:"expires,omitempty"`

	// What the key is good for: "read" allows no change, "users" and "groups" only that endpoint. Default: everything.
	Scope []string `json:"scope,omitempty"`

	// The addresses from which the key is accepted, as CIDR or single addresses, compared with the client's address as
	// Caddy determines it (see trusted_proxies). Default: from everywhere.
	From []string `json:"from,omitempty"`

	// How often the key may be used, at each gateway; more is answered 429. Entra needs 25 requests a second. Default: no
	// limit.
	Limit *Rate `json:"limit,omitempty"`
}

// The words of [Key.Scope].
const (
	ScopeRead   = "read"
	ScopeUsers  = "users"
	ScopeGroups = "groups"
)

// IsPlaceholder reports whether a key is known only when the configuration is loaded.
func IsPlaceholder(key string) bool {
	return strings.HasPrefix(key, "{") && strings.HasSuffix(key, "}")
}

// whole refuses a placeholder that is a part of a key: nothing would put its value in.
func whole(key string) error {
	if open := strings.IndexByte(key, '{'); !IsPlaceholder(key) && open >= 0 && strings.IndexByte(key[open:], '}') > 0 {
		return errors.New("a placeholder has to be the whole key")
	}
	return nil
}

// Hash returns a key as a configuration should hold it. A key that is a hash already, or a placeholder, stays as it is.
func Hash(key string) (string, error) {
	if IsPlaceholder(key) {
		return key, nil
	}
	if err := whole(key); err != nil {
		return "", err
	}
	digest, err := digestOf(key)
	if err != nil {
		return "", err
	}
	return hashPrefix + hex.EncodeToString(digest[:]), nil
}

// digestOf returns the SHA-256 of a key in plain, or the one that is written there. Errors never repeat the key.
func digestOf(key string) (digest [sha256.Size]byte, err error) {
	if text, ok := strings.CutPrefix(key, hashPrefix); ok {
		b, err := hex.DecodeString(text)
		if err != nil || len(b) != sha256.Size {
			return digest, fmt.Errorf("after %q the key needs %d hexadecimal digits", hashPrefix, 2*sha256.Size)
		}
		return [sha256.Size]byte(b), nil
	}
	if len(key) < MinLength {
		return digest, fmt.Errorf("the key is shorter than %d characters; \"caddy scim keygen\" makes a good one", MinLength)
	}
	for i := range len(key) {
		if key[i] <= ' ' || key[i] >= 0x7f {
			return digest, errors.New("the key has a space or a character that is not printable ASCII: it cannot be sent in a header")
		}
	}
	return sha256.Sum256([]byte(key)), nil
}

// ID returns a short name of a key that is the same wherever the key is, and tells nothing about it. It is empty for a
// placeholder.
func (k Key) ID() string {
	digest, err := digestOf(k.Key)
	if err != nil || IsPlaceholder(k.Key) {
		return ""
	}
	return idOf(digest)
}

func idOf(digest [sha256.Size]byte) string {
	sum := sha256.Sum256(append([]byte("scim key "), digest[:]...))
	return hex.EncodeToString(sum[:8])
}

// Check finds every mistake in a key that can be found without resolving placeholders.
func (k Key) Check() error {
	_, err := k.compile()
	return err
}

// compiled is a key ready to be compared.
type compiled struct {
	name               string
	id                 string
	digest             [sha256.Size]byte
	notBefore, expires time.Time
	readOnly           bool
	users, groups      bool
	from               []netip.Prefix
	limit              *rate.Limiter
	used               *atomic.Int64 // when last, in Unix seconds
}

func (k Key) compile() (c compiled, err error) {
	c.name = k.Name
	if err := checkName(k.Name); err != nil {
		return c, err
	}
	if !IsPlaceholder(k.Key) {
		if c.digest, err = digestOf(k.Key); err != nil {
			return c, err
		}
		c.id = idOf(c.digest)
	}
	if c.notBefore, err = moment("not_before", k.NotBefore); err != nil {
		return c, err
	}
	if c.expires, err = moment("expires", k.Expires); err != nil {
		return c, err
	}
	if !c.expires.IsZero() && !c.expires.After(c.notBefore) {
		return c, errors.New("the key expires before it becomes valid")
	}
	c.readOnly = slices.Contains(k.Scope, ScopeRead)
	c.users, c.groups = slices.Contains(k.Scope, ScopeUsers), slices.Contains(k.Scope, ScopeGroups)
	if !c.users && !c.groups {
		c.users, c.groups = true, true
	}
	for _, s := range k.Scope {
		if s != ScopeRead && s != ScopeUsers && s != ScopeGroups {
			return c, fmt.Errorf("unknown scope %q: there are read, users and groups", s)
		}
	}
	for _, s := range k.From {
		p, err := prefix(s)
		if err != nil {
			return c, err
		}
		c.from = append(c.from, p)
	}
	if k.Limit != nil {
		if err := k.Limit.Check(); err != nil {
			return c, err
		}
		c.limit = k.Limit.limiter()
	}
	return c, nil
}

func checkName(name string) error {
	if name == "" || len(name) > 64 {
		return errors.New("the name of a key has 1 to 64 characters")
	}
	for i := range len(name) {
		c := name[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("-_.@", rune(c)) {
			return fmt.Errorf("the name of a key has letters, digits and -_.@ only, not %q", name)
		}
	}
	return nil
}

// CheckNames finds two ways in with one name, of which the log could not tell who asked.
func CheckNames(keys, clients []Key, issuers []EntraToken) error {
	seen := make(map[string]bool)
	for _, k := range slices.Concat(keys, clients) {
		if seen[k.Name] {
			return fmt.Errorf("there are two keys with the name %s", k.Name)
		}
		seen[k.Name] = true
	}
	for _, e := range issuers {
		name := cmp.Or(e.Name, tokenName)
		if seen[name] {
			return fmt.Errorf("the name %s is taken by another key or token: give this one a name", name)
		}
		seen[name] = true
	}
	return nil
}

func moment(what, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, fmt.Errorf("%s %q is no RFC 3339 date and time such as 2027-01-31T00:00:00Z", what, text)
	}
	return t, nil
}

func prefix(text string) (netip.Prefix, error) {
	if p, err := netip.ParsePrefix(text); err == nil {
		return p.Masked(), nil
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is neither an address nor a CIDR range", text)
	}
	return netip.PrefixFrom(a, a.BitLen()), nil
}

// Generate makes a key of 256 bits from the system's generator, in characters that survive every form and header.
func Generate() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails: the process is stopped where there is no randomness
	return base64.RawURLEncoding.EncodeToString(b[:])
}
