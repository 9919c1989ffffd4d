package caddyfile

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-scim/gateway/module/traffic"
)

// record reads where traffic is recorded:
//
//	record <file> {
//		max_size <size>
//	}
func (c *config) record(d *caddyfile.Dispenser) error {
	r := new(traffic.Config)
	if err := word(d, &r.File); err != nil {
		return err
	}
	for d.NextBlock(0) {
		switch name := d.Val(); {
		case name != "max_size":
			return d.Errf("unrecognized subdirective %s", name)
		case r.MaxSize != 0:
			return d.Errf("%s is already specified", name)
		}
		if err := size(d, &r.MaxSize); err != nil {
			return err
		}
	}
	if err := r.Check(); err != nil {
		return d.WrapErr(err)
	}
	c.handler.Record = r
	return nil
}
