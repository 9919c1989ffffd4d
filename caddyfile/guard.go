package caddyfile

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-scim/gateway/module/guard"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// guard reads
//
//	guard [off] {
//		disables|deletes|member_removals|group_deletes <number> per <duration> | off
//		share         <percent>% | off
//		floor         <number>
//		on_trip       hold|refuse
//		protect       <attribute> <pattern...>
//		release_until <RFC 3339>
//	}
func (c *config) guard(d *caddyfile.Dispenser) error {
	g := &c.handler.Guard
	if d.NextArg() {
		if g.Off = d.Val() == "off"; !g.Off || d.NextArg() {
			return d.ArgErr()
		}
	}
	limits := map[string]**guard.Limit{
		"disables": &g.Disables, "deletes": &g.Deletes, "member_removals": &g.MemberRemovals, "group_deletes": &g.GroupDeletes,
	}
	return block(d, func(name string) (err error) {
		switch {
		case g.Off:
			return d.Err("a guard that is off has no options")
		case limits[name] != nil:
			*limits[name], err = limit(d)
		case name == "share":
			err = share(d, &g.Share)
		case name == "floor":
			err = number(d, &g.Floor)
		case name == "on_trip":
			err = word(d, &g.OnTrip)
		case name == "protect":
			line := caddyfile.NewDispenser(d.NextSegment())
			line.Next()
			c.protects = append(c.protects, line)
			err = protect(line, g)
		case name == "release_until":
			err = moment(d, &g.ReleaseUntil)
		default:
			return d.Errf("unrecognized subdirective %s of guard", name)
		}
		return err
	}, g.Check, "protect")
}

// limit reads "10 per 1h" or "off".
func limit(d *caddyfile.Dispenser) (*guard.Limit, error) {
	args := d.RemainingArgs()
	if len(args) == 1 && args[0] == "off" {
		return &guard.Limit{Off: true}, nil
	}
	if len(args) != 3 || args[1] != "per" {
		return nil, d.ArgErr()
	}
	n, err := strconv.Atoi(args[0])
	if err != nil || n < 1 {
		return nil, d.Errf("%q is no number above 0", args[0])
	}
	per, err := caddy.ParseDuration(args[2])
	if err != nil || per <= 0 {
		return nil, d.Errf("%q is no duration such as 1h", args[2])
	}
	return &guard.Limit{Max: n, Per: caddy.Duration(per)}, nil
}

func share(d *caddyfile.Dispenser, to *float64) error {
	var s string
	if err := word(d, &s); err != nil {
		return err
	}
	if s == "off" {
		*to = 100
		return nil
	}
	v, err := strconv.ParseFloat(strings.TrimSuffix(s, "%"), 64)
	if err != nil || !(v > 0 && v <= 100) {
		return d.Errf("%q is no share such as 20%%", s)
	}
	*to = v
	return nil
}

func protect(d *caddyfile.Dispenser, g *guard.Config) error {
	args := d.RemainingArgs()
	if len(args) < 2 {
		return d.ArgErr()
	}
	g.Protect = append(g.Protect, guard.Protection{Attribute: args[0], Patterns: args[1:]})
	return nil
}

// protected finds lines that protect nobody: what they name is no attribute, or there is no organization.
func (c *config) protected(set *schema.Set) error {
	for i, line := range c.protects {
		path := c.handler.Guard.Protect[i].Attribute
		if c.org == nil {
			return line.Err("protect needs an organization: the gateway does not know the users of a SCIM server by anything but their ids")
		}
		if !slices.ContainsFunc([]*schema.ResourceType{set.User, set.Group}, func(rt *schema.ResourceType) bool {
			uri, rest, _ := rt.SplitURN(path)
			name, sub, _ := strings.Cut(rest, ".")
			return rt.Attribute(uri, name, sub) != nil
		}) {
			return line.Errf("%q is no attribute of users or groups", path)
		}
	}
	return nil
}

func moment(d *caddyfile.Dispenser, to *time.Time) error {
	var s string
	if err := word(d, &s); err != nil {
		return err
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return d.Errf("%q is no time such as 2026-12-01T08:00:00Z", s)
	}
	*to = t
	return nil
}
