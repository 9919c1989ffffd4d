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
	if err := block(d, func(name string) error { return entraTokenOption(d, &e, name) }, func() error { return e.Check() }, "audience"); err != nil {
		return err
	}
	if err := e.Check(); err != nil { // without a block
		return d.WrapErr(err)
	}
	c.handler.EntraTokens = append(c.handler.EntraTokens, e)
	return c.namesOnce(d)
}

func entraTokenOption(d *caddyfile.Dispenser, e *auth.EntraToken, name string) error {
	switch name {
	case "name":
		return word(d, &e.Name)
	case "audience":
		return words(d, &e.Audience)
	case "app_id":
		return word(d, &e.AppID)
	case "issuer":
		return word(d, &e.Issuer)
	case "jwks":
		return word(d, &e.JWKS)
	default:
		return d.Errf("unrecognized subdirective %s of entra_token", name)
	}
}
