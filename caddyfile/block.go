package caddyfile

import (
	"slices"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// lines are what may stand in a block: what reads each line, by its name.
type lines map[string]func(*caddyfile.Dispenser) error

// into returns what reads a line into a place.
func into[T any](read func(*caddyfile.Dispenser, *T) error, to *T) func(*caddyfile.Dispenser) error {
	return func(d *caddyfile.Dispenser) error { return read(d, to) }
}

// block reads the lines of a block; of says whose block it is. What was read is looked at with check after each line, so that a
// mistake is told of with the line that makes it. A name may stand in the block once, those in several more often.
func block(d *caddyfile.Dispenser, of string, known lines, check func() error, several ...string) error {
	seen := map[string]bool{}
	for d.NextBlock(0) {
		name := d.Val()
		read, ok := known[name]
		switch {
		case !ok:
			return d.Errf("unrecognized subdirective %s%s", name, of)
		case seen[name] && !slices.Contains(several, name):
			return d.Errf("%s is already specified", name)
		}
		seen[name] = true
		if err := read(d); err != nil {
			return err
		}
		if err := check(); err != nil {
			return d.WrapErr(err)
		}
	}
	return nil
}
