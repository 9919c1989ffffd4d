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
	if g.Off && d.NextBlock(0) {
		return d.Err("a guard that is off has no options")
	}
	return block(d, " of guard", lines{
		"disables": into(limit, &g.Disables), "deletes": into(limit, &g.Deletes), "member_removals": into(limit, &g.MemberRemovals), "group_deletes": into(limit, &g.GroupDeletes),
		"share": into(share, &g.Share), "floor": into(number, &g.Floor), "on_trip": into(word, &g.OnTrip), "release_until": into(moment, &g.ReleaseUntil),
		"protect": func(d *caddyfile.Dispenser) error {
			line := caddyfile.NewDispenser(d.NextSegment())
			line.Next()
			c.protects = append(c.protects, line)
			return protect(line, g)
		},
	}, g.Check, "protect")
}

// limit reads "10 per 1h" or "off".
func limit(d *caddyfile.Dispenser, to **guard.Limit) error {
	args := d.RemainingArgs()
	if len(args) == 1 && args[0] == "off" {
		*to = &guard.Limit{Off: true}
		return nil
	}
	if len(args) != 3 || args[1] != "per" {
		return d.ArgErr()
	}
	n, err := strconv.Atoi(args[0])
	if err != nil || n < 1 {
		return d.Errf("%q is no number above 0", args[0])
	}
	per, err := caddy.ParseDuration(args[2])
	if err != nil || per <= 0 {
		return d.Errf("%q is no duration such as 1h", args[2])
	}
	*to = &guard.Limit{Max: n, Per: caddy.Duration(per)}
	return nil
}

func share(d *caddyfile.Dispenser, to *float64) error {
	return parsed(d, to, "share such as 20%", func(s string) (float64, bool) {
		if s == "off" {
			return 100, true
		}
		v, err := strconv.ParseFloat(strings.TrimSuffix(s, "%"), 64)
		return v, err == nil && v > 0 && v <= 100
	})
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
	return parsed(d, to, "time such as 2026-12-01T08:00:00Z", func(s string) (time.Time, bool) {
		t, err := time.Parse(time.RFC3339, s)
		return t, err == nil
	})
}
