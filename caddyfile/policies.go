package caddyfile

import (
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-scim/gateway/module/provision"
	"github.com/caddy-scim/gateway/module/provision/api"
)

// policies are the gateway's lines about an organization: what happens to its members when the provider says this or that.
var policies = map[string]func(o *provision.Organization, d *caddyfile.Dispenser) error{
	"organization": func(o *provision.Organization, d *caddyfile.Dispenser) error { return word(d, &o.ID) },
	"existing": func(o *provision.Organization, d *caddyfile.Dispenser) error {
		return choice(d, &o.Existing, provision.ExistingConflict, provision.ExistingLink)
	},
	"link_by":       func(o *provision.Organization, d *caddyfile.Dispenser) error { return words(d, &o.LinkBy) },
	"email_domains": func(o *provision.Organization, d *caddyfile.Dispenser) error { return words(d, &o.EmailDomains) },
	"inactive": func(o *provision.Organization, d *caddyfile.Dispenser) error {
		return choice(d, &o.Inactive, provision.InactiveDefer, provision.InactiveRevoke, provision.InactiveReject)
	},
	"delete": func(o *provision.Organization, d *caddyfile.Dispenser) error {
		return choice(d, &o.Delete, provision.DeleteRemove, provision.DeleteRevoke, provision.DeleteRefuse)
	},
	"primary_email": primaryEmail,
	"user_name_follows_email": func(o *provision.Organization, d *caddyfile.Dispenser) error {
		return toggle(d, &o.UserNameFollowsEmail)
	},
	"ledger":         ledger,
	"store":          func(o *provision.Organization, d *caddyfile.Dispenser) error { return words(d, &o.Ledger.Store) },
	"soft_delete":    func(o *provision.Organization, d *caddyfile.Dispenser) error { return toggle(d, &o.Ledger.SoftDelete) },
	"reinvite_after": func(o *provision.Organization, d *caddyfile.Dispenser) error { return duration(d, &o.ReinviteAfter) },
	"view_ttl":       func(o *provision.Organization, d *caddyfile.Dispenser) error { return duration(d, &o.ViewTTL) },
	"pace":           pace,
	"pace_wait":      func(o *provision.Organization, d *caddyfile.Dispenser) error { return duration(d, &o.PaceWait) },
	"page_size":      func(o *provision.Organization, d *caddyfile.Dispenser) error { return number(d, &o.PageSize) },
	"max_results":    func(o *provision.Organization, d *caddyfile.Dispenser) error { return number(d, &o.MaxResults) },
	"cluster":        clusterOptions,
	"local_locks":    func(o *provision.Organization, d *caddyfile.Dispenser) error { return toggle(d, &o.LocalLocks) },
}

// primaryEmail reads
//
//	primary_email <primary|work|first|userName|guest...>
//
// It says where a user's e-mail is taken from; the first that has a value counts.
func primaryEmail(o *provision.Organization, d *caddyfile.Dispenser) error {
	var order []string
	for _, source := range d.RemainingArgs() {
		if !slices.Contains([]string{"primary", "work", "first", "userName", "guest"}, source) {
			return d.Errf("unknown source %q of an e-mail: there are primary, work, first, userName and guest", source)
		}
		order = append(order, source)
	}
	if len(order) == 0 {
		return d.ArgErr()
	}
	if o.Mapping.User == nil {
		return d.Err("the mapping has no users")
	}
	o.Mapping.User.Email = order
	return nil
}

// ledger reads
//
//	ledger off
func ledger(o *provision.Organization, d *caddyfile.Dispenser) error {
	var s string
	if err := word(d, &s); err != nil {
		return err
	}
	if s != "off" {
		return d.Errf("the ledger can be off, not %q", s)
	}
	o.Ledger.Off = true
	return nil
}

// pace reads
//
//	pace [<methods>] <calls>/<duration>
//
// such as "pace 60/1m" for all calls or "pace POST,PUT,DELETE 5/1s" for those that write.
func pace(o *provision.Organization, d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	var p api.Pace
	if len(args) == 2 {
		p.Methods = strings.Split(strings.ToUpper(args[0]), ",")
		args = args[1:]
	}
	if len(args) != 1 {
		return d.ArgErr()
	}
	calls, per, ok := strings.Cut(args[0], "/")
	n, err := strconv.Atoi(calls)
	duration, durationErr := caddy.ParseDuration(per)
	if !ok || err != nil || n < 1 || durationErr != nil || duration <= 0 {
		return d.Errf("%q is no pace such as 60/1m", args[0])
	}
	p.Calls, p.Per = n, caddy.Duration(duration)
	o.Pace = append(o.Pace, p)
	return nil
}

func choice(d *caddyfile.Dispenser, to *string, known ...string) error {
	name := d.Val()
	if err := word(d, to); err != nil {
		return err
	}
	if !slices.Contains(known, *to) {
		return d.Errf("%s is one of %s, not %q", name, strings.Join(known, ", "), *to)
	}
	return nil
}

func toggle(d *caddyfile.Dispenser, to *bool) error {
	if d.NextArg() {
		return d.ArgErr()
	}
	*to = true
	return nil
}
