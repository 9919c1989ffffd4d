package caddyfile

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/dustin/go-humanize"

	"github.com/caddy-scim/gateway/module"
	"github.com/caddy-scim/gateway/module/provision"
	"github.com/caddy-scim/gateway/module/relay"
	"github.com/caddy-scim/gateway/transforms/quirks"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// config is a gateway while its block is read.
type config struct {
	handler  *module.Handler
	seen     map[string]bool
	scim     *relay.Relay            // upstream scim
	org      *provision.Organization // any other kind of upstream
	mapping  *mappingSource          // of org
	at       *caddyfile.Dispenser    // the line of the upstream
	policies []*caddyfile.Dispenser  // lines about an organization, in their order
	declared *caddyfile.Dispenser    // the last line that declares an attribute
	protects []*caddyfile.Dispenser  // the lines of the guard that protect somebody
}

// options are the gateway's own subdirectives. What is neither here nor in policies is reverse_proxy's.
var options = map[string]func(c *config, d *caddyfile.Dispenser) error{
	"key":              (*config).key,
	"client":           (*config).client,
	"throttle":         (*config).throttle,
	"entra_token":      (*config).entraToken,
	"quirks":           (*config).quirks,
	"attribute":        (*config).attribute,
	"guard":            (*config).guard,
	"upstream":         (*config).upstream,
	"max_body":         func(c *config, d *caddyfile.Dispenser) error { return size(d, &c.handler.MaxBody) },
	"max_response":     func(c *config, d *caddyfile.Dispenser) error { return size(d, &c.handler.MaxResponse) },
	"upstream_timeout": func(c *config, d *caddyfile.Dispenser) error { return duration(d, &c.handler.UpstreamTimeout) },
	"public_url":       (*config).publicURL,
	"provisioning_log": (*config).provisioningLog,
	"record":           (*config).record,
	"dry_run":          (*config).dryRun,
}

// several may be there more than once.
var several = map[string]bool{"key": true, "client": true, "entra_token": true, "attribute": true, "pace": true}

func isOption(name string) bool {
	_, ok := options[name]
	return ok || isPolicy(name)
}

// isPolicy reports whether a line of this name is about an organization.
func isPolicy(name string) bool {
	_, ok := policies[name]
	return ok
}

// option reads one line, and its block.
func (c *config) option(d *caddyfile.Dispenser) error {
	if isPolicy(d.Val()) {
		return c.later(d)
	}
	if err := c.mark(d); err != nil {
		return err
	}
	return options[d.Val()](c, d)
}

// later keeps a line about the organization until the upstream is known: it may come after.
func (c *config) later(d *caddyfile.Dispenser) error {
	c.policies = append(c.policies, d)
	return c.mark(d)
}

// mark refuses what is there twice.
func (c *config) mark(d *caddyfile.Dispenser) error {
	if name := d.Val(); c.seen[name] && !several[name] {
		return d.Errf("%s is already specified", name)
	}
	c.seen[d.Val()] = true
	return nil
}

// finish puts the parts together, and finds the mistakes that no line has on its own.
func (c *config) finish(directive *caddyfile.Dispenser) (*module.Handler, error) {
	h := c.handler
	if len(h.Keys)+len(h.Clients)+len(h.EntraTokens) == 0 {
		return nil, directive.Err("scim_gateway needs a key: key <name> <key>; \"caddy scim keygen\" makes one")
	}
	set, err := schema.Standard().With(h.Attributes...)
	if err != nil {
		return nil, c.declared.WrapErr(err)
	}
	if err := c.protected(set); err != nil {
		return nil, err
	}
	if c.org == nil {
		for _, d := range c.policies {
			if d.Val() == "organization" { // a SCIM server may have a name, under which its keys are kept
				if err := word(d, &h.Organization); err != nil {
					return nil, err
				}
				continue
			}
			return nil, d.Errf("%s is about an organization: it needs an upstream other than scim", d.Val())
		}
		if c.scim != nil {
			h.UpstreamRaw = caddyconfig.JSONModuleObject(c.scim, "kind", "scim", nil)
		}
		return h, nil
	}
	lines := c.policies
	for _, d := range c.mapping.suggested {
		if !c.seen[d.Val()] {
			lines = append(lines, d)
		}
	}
	said := map[string]caddyfile.Token{} // by policy
	for _, d := range lines {
		said[d.Val()] = d.Token()
		if err := policies[d.Val()](c.org, d); err != nil {
			return nil, err
		}
	}
	if err := c.mapping.check(set); err != nil {
		return nil, err
	}
	c.org.CustomAttributes = h.Attributes
	if err := c.org.Check(); err != nil {
		where := c.at
		name, _, _ := strings.Cut(err.Error(), " ") // what is wrong with a policy begins with its name
		if line, ok := said[strings.TrimSuffix(name, ":")]; ok {
			where = at(line)
		}
		return nil, where.WrapErr(fmt.Errorf("upstream: %w", err))
	}
	h.UpstreamRaw = caddyconfig.JSONModuleObject(c.org, "kind", "organization", nil)
	return h, nil
}

// at returns a dispenser that stands at a token, to say where a mistake is.
func at(token caddyfile.Token) *caddyfile.Dispenser {
	d := caddyfile.NewDispenser([]caddyfile.Token{token})
	d.Next()
	return d
}

// checkQuirks finds a profile or a quirk that does not exist.
func checkQuirks(d *caddyfile.Dispenser, q quirks.Config) error {
	if _, err := quirks.New(q); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

// publicURL is checked by the handler itself, so that JSON configurations are too.
func (c *config) publicURL(d *caddyfile.Dispenser) error {
	if err := word(d, &c.handler.PublicURL); err != nil {
		return err
	}
	if err := c.handler.Validate(); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

// dryRun says that nothing is changed.
func (c *config) dryRun(d *caddyfile.Dispenser) error {
	if d.NextArg() || d.NextBlock(0) {
		return d.Err("dry_run has no arguments: take the line away to end the dry run")
	}
	c.handler.DryRun = true
	return nil
}

// The values of simple lines.

func word(d *caddyfile.Dispenser, to *string) error {
	if !d.Args(to) || d.NextArg() {
		return d.ArgErr()
	}
	return nil
}

// parsed reads the one word of a line as a value of some kind.
func parsed[T any](d *caddyfile.Dispenser, to *T, kind string, parse func(string) (T, bool)) error {
	var s string
	if err := word(d, &s); err != nil {
		return err
	}
	v, ok := parse(s)
	if !ok {
		return d.Errf("%q is no %s", s, kind)
	}
	*to = v
	return nil
}

func size(d *caddyfile.Dispenser, to *int64) error {
	return parsed(d, to, "size such as 4MiB", func(s string) (int64, bool) {
		n, err := humanize.ParseBytes(s)
		return int64(n), err == nil && n > 0 && n <= 1<<40
	})
}

func duration(d *caddyfile.Dispenser, to *caddy.Duration) error {
	return parsed(d, to, "duration such as 30s", func(s string) (caddy.Duration, bool) {
		if s == "off" {
			return -1, true
		}
		v, err := caddy.ParseDuration(s)
		return caddy.Duration(v), err == nil && v > 0
	})
}

func number(d *caddyfile.Dispenser, to *int) error {
	return parsed(d, to, "number above 0", func(s string) (int, bool) {
		n, err := strconv.Atoi(s)
		return n, err == nil && n > 0
	})
}

func words(d *caddyfile.Dispenser, to *[]string) error {
	args := d.RemainingArgs()
	if len(args) == 0 {
		return d.ArgErr()
	}
	*to = append(*to, args...)
	return nil
}
