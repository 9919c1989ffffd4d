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
	for d.NextBlock(0) {
		if err := entraTokenOption(d, &e); err != nil {
			return err
		}
	}
	c.handler.EntraTokens = append(c.handler.EntraTokens, e)
	if err := e.Check(); err != nil {
		return d.WrapErr(err)
	}
	return c.namesOnce(d)
}

func entraTokenOption(d *caddyfile.Dispenser, e *auth.EntraToken) error {
	switch name := d.Val(); name {
	case "name":
		return once(d, &e.Name)
	case "audience":
		return words(d, &e.Audience)
	case "app_id":
		return once(d, &e.AppID)
	case "issuer":
		return once(d, &e.Issuer)
	case "jwks":
		return once(d, &e.JWKS)
	default:
		return d.Errf("unrecognized subdirective %s of entra_token", name)
	}
}
