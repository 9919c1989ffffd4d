package caddyfile

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-scim/gateway/module/auth"
)

// entraToken reads
//
//	entra_token <tenant id> {
//		name     <name>
//		audience <id...>
//		app_id   <id>
//		issuer   <url>
//		jwks     <url>
//	}
func (c *config) entraToken(d *caddyfile.Dispenser) error {
	var e auth.EntraToken
	if err := word(d, &e.Tenant); err != nil {
		return err
	}
	if err := block(d, " of entra_token", lines{
		"name": into(word, &e.Name), "audience": into(words, &e.Audience), "app_id": into(word, &e.AppID), "issuer": into(word, &e.Issuer), "jwks": into(word, &e.JWKS),
	}, func() error { return e.Check() }, "audience"); err != nil {
		return err
	}
	if err := e.Check(); err != nil { // without a block
		return d.WrapErr(err)
	}
	c.handler.EntraTokens = append(c.handler.EntraTokens, e)
	return c.namesOnce(d)
}
