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
// kind by kind: scim is a SCIM server, anything else an organization through a mapping.
func (c *config) upstream(d *caddyfile.Dispenser) error {
	if !d.NextArg() {
		return d.Errf("an upstream has a kind: %s", strings.Join(kinds(), ", "))
	}
	kind := d.Val()
	switch {
	case kind == "scim":
		c.scim = new(relay.Relay)
		return scimUpstream(c.scim, d)
	case kind == "rest":
		return c.organization(readMapping(d, nil))
	case isPreset(kind):
		return c.organization(readPreset(d, nil))
	}
	return d.Errf("unknown kind of upstream %q: there are %s", kind, strings.Join(kinds(), ", "))
}

// organization takes a mapping. It is checked when the whole block is read, because attributes may be declared later.
func (c *config) organization(m *mappingSource, err error) error {
	if err != nil {
		return err
	}
	c.mapping = m
	c.org = &provision.Organization{Mapping: &m.Definition}
	return nil
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
