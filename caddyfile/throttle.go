package caddyfile

import (
	"strconv"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-scim/gateway/module"
	"github.com/caddy-scim/gateway/module/auth"
)

// throttle reads
//
//	throttle <failures> per <duration>
//	throttle off
//
// It limits the requests without a valid key that one address may send.
func (c *config) throttle(d *caddyfile.Dispenser) error {
	c.handler.Throttle = new(module.Throttle)
	if d.CountRemainingArgs() == 1 {
		if d.NextArg(); d.Val() != "off" {
			return d.Errf("a throttle is off, or so many failures per duration (30 per 1m), not %q", d.Val())
		}
		c.handler.Throttle.Off = true
		return nil
	}
	return eventsPer(d, &c.handler.Throttle.Rate)
}

// eventsPer reads "<events> per <duration>".
func eventsPer(d *caddyfile.Dispenser, to *auth.Rate) error {
	name, args := d.Val(), d.RemainingArgs()
	if len(args) != 3 || args[1] != "per" {
		return d.Errf("%s is so many per duration, such as 30 per 1m", name)
	}
	events, err := strconv.Atoi(args[0])
	per, perErr := caddy.ParseDuration(args[2])
	if err != nil || perErr != nil {
		return d.Errf("%q is no limit such as 30 per 1m", args[0]+" per "+args[2])
	}
	*to = auth.Rate{Events: events, Per: caddy.Duration(per)}
	if err := to.Check(); err != nil {
		return d.WrapErr(err)
	}
	return nil
}
