package caddyfile

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-scim/gateway/module/console"
)

func init() {
	httpcaddyfile.RegisterHandlerDirective("scim_console", parseConsole)
	// After basic_auth and forward_auth, which say who asks; before whatever would answer for the site.
	httpcaddyfile.RegisterDirectiveOrder("scim_console", httpcaddyfile.Before, "invoke")
}

// parseConsole reads the console:
//
//	scim_console [<matcher>] {
//		path          <path>
//		organizations <name...>
//		user          <placeholder>
//		insecure
//	}
func parseConsole(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	c := new(console.Console)
	d := h.Dispenser
	d.Next() // the directive
	if d.NextArg() {
		return nil, d.ArgErr()
	}
	err := block(d, "", lines{
		"path": into(word, &c.Path), "organizations": into(words, &c.Organizations), "user": into(word, &c.User), "insecure": into(toggle, &c.Insecure),
	}, c.Check)
	return c, err
}
