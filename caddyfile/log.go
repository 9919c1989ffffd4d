package caddyfile

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-scim/gateway/module/provlog"
)

// provisioningLog reads where requests are recorded:
//
//	provisioning_log [<file|off>] {
//		max_size   <size>
//		max_age    <duration>
//		log_values <full|masked|none>
//	}
func (c *config) provisioningLog(d *caddyfile.Dispenser) error {
	l := new(provlog.Config)
	if d.NextArg() {
		l.File = d.Val()
	}
	if d.NextArg() {
		return d.ArgErr()
	}
	err := block(d, func(name string) (err error) {
		switch name {
		case "max_size":
			err = size(d, &l.MaxSize)
		case "max_age":
			if err = duration(d, &l.MaxAge); err == nil && l.MaxAge < 0 {
				err = d.Err("max_age cannot be off")
			}
		case "log_values":
			err = word(d, &l.LogValues)
		default:
			err = d.Errf("unrecognized subdirective %s", name)
		}
		return err
	}, l.Check)
	c.handler.Log = l
	return err
}
