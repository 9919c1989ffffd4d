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

	mu     sync.Mutex
	logins map[string]login // by the name of the auth
}

// login is what came of the last logins with an auth: a token, and perhaps that the upstream has refused since to give another
// one. That is not tried again for each request: the next would be refused likewise, and many servers shut out who tries often.
type login struct {
	token
	refused error
	until   time.Time // when it may be tried again
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
	if l := c.last(auth.Name); t.Now().Before(l.ends) {
		return l.text, nil
	}
	unlock, err := c.locks.Credential(ctx, auth.Name)
	if err != nil {
		return "", err
	}
	defer unlock()
	switch l := c.last(auth.Name); {
	case t.Now().Before(l.ends):
		return l.text, nil
	case t.Now().Before(l.until) && !t.Urgent:
		return "", l.refused
	}
	fetch := t.login
	if auth.Kind == plan.AuthOAuth2 {
		fetch = t.token
	}
	got, err := fetch(ctx, auth)
	if e, ok := errors.AsType[*scim.Error](err); ok && e.Detail == noLogin && auth.Name != "default" {
		e.Detail += " (auth " + auth.Name + ")"
	}
	if _, ok := errors.AsType[*wrongSecretError](err); ok {
		c.change(auth.Name, func(l *login) { l.refused, l.until = err, t.Now().Add(refusalLife) })
	}
	if err != nil {
		return "", err
	}
	c.change(auth.Name, func(l *login) { *l = login{token: got} })
	return got.text, nil
}

// Prove makes every login of the mapping once that has not succeeded yet.
func (t *Talk) Prove(ctx context.Context) error {
	for _, name := range slices.Sorted(maps.Keys(t.Auths)) {
		if t.Access.credentials.last(name).text != "" {
			continue
		}
		if _, err := t.credential(ctx, t.Auths[name]); err != nil {
			return err
		}
	}
	return nil
}

// last returns what came of the last logins with an auth.
func (c *credentials) last(name string) login {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.logins[name]
}

func (c *credentials) change(name string, f func(*login)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.logins[name]
	f(&l)
	if c.logins == nil {
		c.logins = make(map[string]login)
	}
	c.logins[name] = l
}

// drop forgets a credential that the upstream refused; a newer one stays.
func (c *credentials) drop(name, text string) {
	c.change(name, func(l *login) {
		if l.text == text {
			l.token = token{}
		}
	})
}
