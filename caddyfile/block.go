package caddyfile

import (
	"slices"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// block reads the lines of a block, each with option. What was read is looked at with check after each line, so that a
// mistake is told of with the line that makes it. A name may stand in the block once, those in several more often.
func block(d *caddyfile.Dispenser, option func(name string) error, check func() error, several ...string) error {
	seen := map[string]bool{}
	for d.NextBlock(0) {
		name := d.Val()
		if seen[name] && !slices.Contains(several, name) {
			return d.Errf("%s is already specified", name)
		}
		seen[name] = true
		if err := option(name); err != nil {
			return err
		}
		if err := check(); err != nil {
			return d.WrapErr(err)
		}
	}
	return nil
}
