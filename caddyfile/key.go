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
//	}
//
// A key in plain text becomes its hash here, so that the adapted configuration, which Caddy saves and its admin API shows,
// holds no secret. Errors never repeat the key.
func (c *config) key(d *caddyfile.Dispenser) error {
	var k auth.Key
	if !d.Args(&k.Name, &k.Key) || d.NextArg() {
		return d.Err("a key has a name and a value: key <name> <key>; a variable {$…} that is not set leaves nothing")
	}
	if err := auth.CheckNames(append(c.handler.Keys, k), c.handler.EntraTokens); err != nil {
		return d.WrapErr(err)
	}
	hash, err := auth.Hash(k.Key)
	if err != nil {
		return d.WrapErr(err)
	}
	k.Key = hash
	for _, other := range c.handler.Keys {
		if other.Key == k.Key {
			return d.Errf("the keys %s and %s are the same: the log could not tell who asked", other.Name, k.Name)
		}
	}
	if err := k.Check(); err != nil {
		return d.WrapErr(err)
	}
	for d.NextBlock(0) {
		if err := keyOption(d, &k); err != nil {
			return err
		}
		if err := k.Check(); err != nil {
			return d.WrapErr(err)
		}
	}
	c.handler.Keys = append(c.handler.Keys, k)
	return nil
}

func keyOption(d *caddyfile.Dispenser, k *auth.Key) error {
	switch name := d.Val(); name {
	case "expires":
		return once(d, &k.Expires)
	case "not_before":
		return once(d, &k.NotBefore)
	case "scope":
		return words(d, &k.Scope)
	case "from":
		return words(d, &k.From)
	default:
		return d.Errf("unrecognized subdirective %s of key", name)
	}
}

// once reads a word that is not set yet.
func once(d *caddyfile.Dispenser, to *string) error {
	if *to != "" {
		return d.Errf("%s is already specified", d.Val())
	}
	return word(d, to)
}
