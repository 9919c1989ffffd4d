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
	err := block(d, "", lines{
		"max_size": into(size, &l.MaxSize), "log_values": into(word, &l.LogValues),
		"max_age": func(d *caddyfile.Dispenser) error {
			if err := duration(d, &l.MaxAge); err != nil || l.MaxAge > 0 {
				return err
			}
			return d.Err("max_age cannot be off")
		},
	}, l.Check)
	c.handler.Log = l
	return err
}
