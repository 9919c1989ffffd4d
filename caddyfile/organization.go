package caddyfile

import (
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
	if err := block(d, func(name string) error { return parseOrganizationLine(d, o, name) }, func() error { return nil }); err != nil {
		return nil, err
	}
	if o.ClientID == "" {
		return nil, d.Err("scim_organization needs a client: client <id> <secret|sha256:hex>")
	}
	return o, nil
}

func parseOrganizationLine(d *caddyfile.Dispenser, o *organization.Handler, name string) error {
	// A value with a placeholder is resolved when the configuration is loaded, and checked then.
	check := func(value string, check func(string) error) error {
		if strings.Contains(value, "{") {
			return nil
		}
		return check(value)
	}
	var err error
	switch name {
	case "store":
		if !d.AllArgs(&o.Store) {
			return d.ArgErr()
		}
	case "client":
		if !d.AllArgs(&o.ClientID, &o.ClientSecret) {
			return d.ArgErr()
		}
		if err = check(o.ClientID, organization.CheckClientID); err == nil {
			err = check(o.ClientSecret, organization.CheckClientSecret)
		}
	case "seats":
		var n string
		if !d.AllArgs(&n) {
			return d.ArgErr()
		}
		if o.Seats, err = strconv.Atoi(n); err != nil || o.Seats < 1 {
			return d.Errf("seats: must be a whole number above 0, got %s", n)
		}
	case "owner":
		if !d.AllArgs(&o.Owner) {
			return d.ArgErr()
		}
		err = check(o.Owner, organization.CheckEmail)
	default:
		return d.Errf("unrecognized subdirective %s", name)
	}
	if err != nil {
		return d.Errf("%s: %v", name, err)
	}
	return nil
}
