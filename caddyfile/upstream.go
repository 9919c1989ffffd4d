package caddyfile

import (
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-scim/gateway/module/provision"
	"github.com/caddy-scim/gateway/module/relay"
	"github.com/caddy-scim/gateway/transforms/quirks"
)

// upstream reads
//
//	upstream scim [<root>] {
//		content_type     <type>
//		missing_elements create|pass
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
		return c.scimUpstream(d)
	case kind == "rest":
		read = readMapping
	case !isPreset(kind):
		return d.Errf("unknown kind of upstream %q: there are %s", kind, strings.Join(kinds(), ", "))
	}
	c.at = at(d.Token())
	source, err := read(d, c.policy)
	if err != nil {
		return err
	}
	c.mapping, c.org = source, &provision.Organization{Mapping: &source.Definition}
	return nil
}

// policy takes a line of an upstream's block that is no part of its mapping but about the organization.
func (c *config) policy(d *caddyfile.Dispenser) (bool, error) {
	if !isPolicy(d.Val()) {
		return false, nil
	}
	line := d.NewFromNextSegment()
	line.Next()
	return true, c.later(line)
}

func (c *config) scimUpstream(d *caddyfile.Dispenser) error {
	r := c.scim
	if d.NextArg() {
		r.Root = d.Val()
	}
	if d.NextArg() {
		return d.ArgErr()
	}
	if err := r.Validate(); err != nil {
		return d.WrapErr(err)
	}
	return block(d, " of upstream scim", lines{"content_type": into(word, &r.ContentType), "missing_elements": c.missingElements}, r.Validate)
}

func kinds() []string {
	all := append([]string{"scim", "rest"}, presetNames()...)
	slices.Sort(all)
	return all
}

// missingElements switches the rule that says what becomes of value paths without an element. It stands with the upstream
// because the upstream decides whether it is needed.
func (c *config) missingElements(d *caddyfile.Dispenser) error {
	var choice string
	if err := word(d, &choice); err != nil {
		return err
	}
	q := &c.handler.Quirks
	switch choice {
	case "create":
		q.Enable = append(q.Enable, "missing-element")
	case "pass":
		q.Disable = append(q.Disable, "missing-element")
	default:
		return d.Errf("missing_elements is create or pass, not %q", choice)
	}
	return checkQuirks(d, quirks.Config{Profile: q.Profile, Enable: q.Enable, Disable: q.Disable})
}
