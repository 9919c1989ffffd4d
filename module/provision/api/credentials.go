package api

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/caddy-scim/gateway/module/provision/locks"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// credentials are the tokens for one upstream, shared by all requests and kept over reloads: token endpoints are limited
// to a few requests a minute, and some send a mail for each.
type credentials struct {
	locks locks.Locks

	mu      sync.Mutex
	tokens  map[string]token
	refused map[string]refusedLogin
}

// refusedLogin is what became of a login that the upstream refused. It is not tried again for each request: the next would be
// refused likewise, and many servers shut out who tries often.
type refusedLogin struct {
	err  error
	ends time.Time
}

// refusalLife is how long a refusal stands, so that who corrects the upstream does not wait for long.
const refusalLife = 15 * time.Second

type token struct {
	text string
	ends time.Time
}

// credential returns the credential of an auth. One request fetches it, the others wait for that.
func (t *Talk) credential(ctx context.Context, auth *plan.Auth) (string, error) {
	if auth.Kind == plan.AuthStatic {
		return "", nil
	}
	c := &t.Access.credentials
	if text, ok := c.current(auth.Name, t.Now()); ok {
		return text, nil
	}
	unlock, err := c.locks.Credential(ctx, auth.Name)
	if err != nil {
		return "", err
	}
	defer unlock()
	if text, ok := c.current(auth.Name, t.Now()); ok {
		return text, nil
	}
	if !t.Urgent {
		if err := c.stillRefused(auth.Name, t.Now()); err != nil {
			return "", err
		}
	}
	fetch := t.login
	if auth.Kind == plan.AuthOAuth2 {
		fetch = t.token
	}
	got, err := fetch(ctx, auth)
	if e, ok := errors.AsType[*scim.Error](err); ok && e.Detail == noLogin && auth.Name != "default" {
		e.Detail += " (auth " + auth.Name + ")"
	}
	if err != nil {
		c.failed(auth.Name, err, t.Now())
		return "", err
	}
	c.keep(auth.Name, got)
	return got.text, nil
}

// Prove makes every login of the mapping once that has not succeeded yet.
func (t *Talk) Prove(ctx context.Context) error {
	for _, name := range slices.Sorted(maps.Keys(t.Auths)) {
		if t.Access.credentials.proven(name) {
			continue
		}
		if _, err := t.credential(ctx, t.Auths[name]); err != nil {
			return err
		}
	}
	return nil
}

// proven reports whether a login has ever succeeded.
func (c *credentials) proven(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.tokens[name]
	return ok
}

// keep keeps what was fetched.
func (c *credentials) keep(name string, got token) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tokens == nil {
		c.tokens = make(map[string]token)
	}
	c.tokens[name] = got
	delete(c.refused, name)
}

// failed keeps why a login failed, where it was the secret that was wrong.
func (c *credentials) failed(name string, err error, now time.Time) {
	if _, ok := errors.AsType[*wrongSecretError](err); !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refused == nil {
		c.refused = make(map[string]refusedLogin)
	}
	c.refused[name] = refusedLogin{err, now.Add(refusalLife)}
}

// stillRefused returns the error of a login that has just been refused.
func (c *credentials) stillRefused(name string, now time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := c.refused[name]; now.Before(r.ends) {
		return r.err
	}
	return nil
}

func (c *credentials) current(name string, now time.Time) (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t, ok := c.tokens[name]
	return t.text, ok && now.Before(t.ends)
}

// drop forgets a credential that the upstream refused; a newer one stays.
func (c *credentials) drop(name, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tokens[name].text == text {
		delete(c.tokens, name)
	}
}
