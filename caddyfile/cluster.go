package caddyfile

import (
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-scim/gateway/module/cluster"
	"github.com/caddy-scim/gateway/module/provision"
)

// clusterOptions reads
//
//	cluster {
//		advertise <url>
//		ttl       <duration>
//	}
func clusterOptions(o *provision.Organization, d *caddyfile.Dispenser) error {
	if d.NextArg() {
		return d.ArgErr()
	}
	o.Cluster = new(cluster.Options)
	seen := map[string]bool{}
	for d.NextBlock(0) {
		name := d.Val()
		if seen[name] {
			return d.Errf("%s is already specified", name)
		}
		seen[name] = true
		switch name {
		case "advertise":
			if err := word(d, &o.Cluster.Advertise); err != nil {
				return err
			}
		case "ttl":
			if err := duration(d, &o.Cluster.TTL); err != nil {
				return err
			}
		default:
			return d.Errf("unrecognized subdirective %s of cluster", name)
		}
		check := *o.Cluster
		if strings.Contains(check.Advertise, "{") { // its placeholders are resolved when the configuration is loaded
			check.Advertise = ""
		}
		if err := check.Check(); err != nil {
			return d.WrapErr(err)
		}
	}
	return nil
}
