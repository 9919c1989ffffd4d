package auth

import (
	"errors"
	"fmt"
	"net/http"
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
