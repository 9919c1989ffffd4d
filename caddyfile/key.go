package caddyfile

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-scim/gateway/module/auth"
)

// key reads
//
//	key <name> <key | sha256:hex | placeholder> {
//		expires    <RFC 3339>
//		not_before <RFC 3339>
//		scope      <read|users|groups...>
//		from       <address|cidr...>
//		limit      <events> per <duration>
//	}
//
// A key in plain text becomes its hash here, so that the adapted configuration, which Caddy saves and its admin API shows,
// holds no secret. Errors never repeat the key.
func (c *config) key(d *caddyfile.Dispenser) error {
	k, err := credential(d, "a key has a name and a value: key <name> <key>; a variable {$…} that is not set leaves nothing")
	if err != nil {
		return err
	}
	for _, other := range c.handler.Keys {
		if other.Key == k.Key {
			return d.Errf("the keys %s and %s are the same: the log could not tell who asked", other.Name, k.Name)
		}
	}
	if err := keyBlock(d, "key", &k); err != nil {
		return err
	}
	c.handler.Keys = append(c.handler.Keys, k)
	return c.namesOnce(d)
}

// credential reads a name and a secret, of which the hash stays.
func credential(d *caddyfile.Dispenser, form string) (k auth.Key, err error) {
	if !d.Args(&k.Name, &k.Key) || d.NextArg() {
		return k, d.Err(form)
	}
	if k.Key, err = auth.Hash(k.Key); err != nil {
		return k, d.WrapErr(err)
	}
	if err := k.Check(); err != nil {
		return k, d.WrapErr(err)
	}
	return k, nil
}

// namesOnce refuses two ways in with one name.
func (c *config) namesOnce(d *caddyfile.Dispenser) error {
	if err := auth.CheckNames(c.handler.Keys, c.handler.Clients, c.handler.EntraTokens); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

// keyBlock reads what a key or a client is good for.
func keyBlock(d *caddyfile.Dispenser, what string, k *auth.Key) error {
	return block(d, " of "+what, lines{
		"expires": into(word, &k.Expires), "not_before": into(word, &k.NotBefore), "scope": into(words, &k.Scope), "from": into(words, &k.From),
		"limit": func(d *caddyfile.Dispenser) error {
			k.Limit = new(auth.Rate)
			return eventsPer(d, k.Limit)
		},
	}, func() error { return k.Check() }, "scope", "from")
}
