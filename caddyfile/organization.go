package caddyfile

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-scim/gateway/module/organization"
)

func init() {
	httpcaddyfile.RegisterHandlerDirective("scim_organization", parseOrganization)
	// It ends a route, as respond does, so it is sorted next to it: after everything that only looks at the request.
	httpcaddyfile.RegisterDirectiveOrder("scim_organization", httpcaddyfile.Before, "metrics")
}

// parseOrganization reads the embedded organization:
//
//	scim_organization [<matcher>] {
//		store  <file>
//		client <id> <secret|sha256:hex>
//		seats  <n>
//		owner  <email>
//	}
func parseOrganization(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	o := new(organization.Handler)
	d := h.Dispenser
	d.Next() // the directive
	if d.NextArg() {
		return nil, d.ArgErr()
	}
	err := block(d, "", lines{
		"store": into(word, &o.Store),
		"client": func(d *caddyfile.Dispenser) error {
			if !d.AllArgs(&o.ClientID, &o.ClientSecret) {
				return d.ArgErr()
			}
			return cmp.Or(literal(d, "client", o.ClientID, organization.CheckClientID), literal(d, "client", o.ClientSecret, organization.CheckClientSecret))
		},
		"seats": func(d *caddyfile.Dispenser) (err error) {
			var n string
			if err = word(d, &n); err != nil {
				return err
			}
			if o.Seats, err = strconv.Atoi(n); err != nil || o.Seats < 1 {
				return d.Errf("seats: must be a whole number above 0, got %s", n)
			}
			return nil
		},
		"owner": func(d *caddyfile.Dispenser) error {
			if err := word(d, &o.Owner); err != nil {
				return err
			}
			return literal(d, "owner", o.Owner, organization.CheckEmail)
		},
	}, func() error { return nil })
	if err != nil {
		return nil, err
	}
	if o.ClientID == "" {
		return nil, d.Err("scim_organization needs a client: client <id> <secret|sha256:hex>")
	}
	return o, nil
}

// literal checks a value, unless it has a placeholder: that is resolved when the configuration is loaded, and checked then.
func literal(d *caddyfile.Dispenser, name, value string, check func(string) error) error {
	if strings.Contains(value, "{") {
		return nil
	}
	if err := check(value); err != nil {
		return d.Errf("%s: %v", name, err)
	}
	return nil
}
