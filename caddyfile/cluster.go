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
	return block(d, " of cluster", lines{"advertise": into(word, &o.Cluster.Advertise), "ttl": into(duration, &o.Cluster.TTL)}, func() error {
		check := *o.Cluster
		if strings.Contains(check.Advertise, "{") { // its placeholders are resolved when the configuration is loaded
			check.Advertise = ""
		}
		return check.Check()
	})
}
