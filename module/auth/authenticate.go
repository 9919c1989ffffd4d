package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/netip"
	"time"

	"github.com/go-jose/go-jose/v4"
)

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
	if algorithm := signedWith(token); algorithm != "" {
		if id, refusal, ours := t.token(r.Context(), algorithm, client, token, digest); ours {
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
func (t *Keys) token(ctx context.Context, algorithm, client, token string, digest [sha256.Size]byte) (id Identity, refusal *Refusal, ours bool) {
	if algorithm == string(jose.EdDSA) && len(t.clients) > 0 {
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
