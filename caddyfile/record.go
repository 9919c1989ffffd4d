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
	if err := block(d, "", lines{"max_size": into(size, &r.MaxSize)}, r.Check); err != nil {
		return err
	}
	if err := r.Check(); err != nil {
		return d.WrapErr(err)
	}
	c.handler.Record = r
	return nil
}
