package caddyfile

import (
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-scim/gateway/module/provision"
	"github.com/caddy-scim/gateway/module/relay"
)

// upstream reads
//
//	upstream scim [<root>] {
//		content_type <type>
//	}
//	upstream rest { <mapping> }
//	upstream <preset> [<args...>] { … }
//
// kind by kind: scim is a SCIM server, anything else an organization through a mapping. The lines about an organization
// may stand in the block of its upstream too.
func (c *config) upstream(d *caddyfile.Dispenser) error {
	if !d.NextArg() {
		return d.Errf("an upstream has a kind: %s", strings.Join(kinds(), ", "))
	}
	read := readPreset
	switch kind := d.Val(); {
	case kind == "scim":
		c.scim = new(relay.Relay)
		return scimUpstream(c.scim, d)
	case kind == "rest":
		read = readMapping
	case !isPreset(kind):
		return d.Errf("unknown kind of upstream %q: there are %s", kind, strings.Join(kinds(), ", "))
	}
	c.at = caddyfile.NewDispenser([]caddyfile.Token{d.Token()})
	c.at.Next()
	source, err := read(d, c.policy)
	if err != nil {
		return err
	}
	c.mapping, c.org = source, &provision.Organization{Mapping: &source.Definition}
	return nil
}

// policy takes a line of an upstream's block that is no part of its mapping but about the organization.
func (c *config) policy(d *caddyfile.Dispenser) (bool, error) {
	if _, ok := policies[d.Val()]; !ok {
		return false, nil
	}
	line := d.NewFromNextSegment()
	line.Next()
	return true, c.later(line)
}

func scimUpstream(r *relay.Relay, d *caddyfile.Dispenser) error {
	if d.NextArg() {
		r.Root = d.Val()
	}
	if d.NextArg() {
		return d.ArgErr()
	}
	if err := r.Validate(); err != nil {
		return d.WrapErr(err)
	}
	for d.NextBlock(0) {
		switch name := d.Val(); name {
		case "content_type":
			if err := once(d, &r.ContentType); err != nil {
				return err
			}
		default:
			return d.Errf("unrecognized subdirective %s of upstream scim", name)
		}
		if err := r.Validate(); err != nil {
			return d.WrapErr(err)
		}
	}
	return nil
}

func kinds() []string {
	all := append([]string{"scim", "rest"}, presetNames()...)
	slices.Sort(all)
	return all
}
