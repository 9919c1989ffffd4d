// Package caddyfile turns Caddyfile directives into the configuration of the gateway's handlers. Every mistake is an error
// with file and line when the configuration is adapted. Begin to read here; each option has a file of its own, and mappings
// those that begin with mapping.
package caddyfile

import (
	"encoding/json"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

	"github.com/caddy-scim/gateway/module"
)

func init() {
	httpcaddyfile.RegisterDirective("scim_gateway", parseGateway)
	// Inside encode, timeouts and request_body, in front of whatever can be an upstream: handle, route, reverse_proxy.
	httpcaddyfile.RegisterDirectiveOrder("scim_gateway", httpcaddyfile.Before, "invoke")
}

// parseGateway reads the gateway:
//
//	scim_gateway [<matcher>] [<upstreams...>] {
//		key <name> <key | sha256:hex | placeholder> {
//			expires    <RFC 3339>
//			not_before <RFC 3339>
//			scope      <read|users|groups...>
//			from       <address|cidr...>
//			limit      <events> per <duration>
//		}
//		client <client_id> <secret | sha256:hex | placeholder> { … as a key }
//		throttle <failures> per <duration> | off
//		entra_token <tenant id> {
//			name     <name>
//			audience <id...>
//			app_id   <id>
//			issuer   <url>
//			jwks     <url>
//		}
//		quirks <profile> {
//			enable         <quirk...>
//			disable        <quirk...>
//			max_operations <n>
//			boolean|integer|decimal|string|dateTime|binary|reference|complex <attribute...>
//		}
//		attribute <path> [<type>] [multi_valued] [case_exact] [group]
//		upstream <kind> [<args...>] { … }
//
//		existing      <conflict|link>
//		inactive      <defer|create_then_revoke|reject>
//		delete        <remove|revoke|refuse>
//		primary_email <primary|work|first|userName|guest...>
//		ledger        <off>
//		store         <attribute...|*>
//		user_name_follows_email
//		cluster {
//			advertise <url>
//			ttl       <duration>
//		}
//		pace, pace_wait, reinvite_after, view_ttl, page_size, max_results, organization, soft_delete, local_locks
//		max_body         <size>
//		max_response     <size>
//		upstream_timeout <duration|off>
//		public_url       <url>
//		dry_run
//		provisioning_log [<file|off>] {
//			max_size   <size>
//			max_age    <duration>
//			log_values <full|masked|none>
//		}
//		record <file> {
//			max_size <size>
//		}
//
//		<any subdirective of reverse_proxy>
//	}
//
// Without upstreams it is a middleware: the upstream is whatever follows in the route. With upstreams it is a route of
// its own, the gateway and then a reverse_proxy to them, and every subdirective that is not the gateway's is
// reverse_proxy's.
func parseGateway(h httpcaddyfile.Helper) ([]httpcaddyfile.ConfigValue, error) {
	if !h.Next() {
		return nil, h.ArgErr()
	}
	matchers, err := h.ExtractMatcherSet()
	if err != nil {
		return nil, err
	}
	h.Next() // the look for a matcher began anew
	parts, err := split(h.NextSegment())
	if err != nil {
		return nil, err
	}
	gateway, err := parts.gateway()
	if err != nil {
		return nil, err
	}
	if len(parts.upstreams) == 0 {
		return h.NewRoute(matchers, gateway), nil
	}
	proxy, err := parts.proxy(h, gateway.MaxBody)
	if err != nil {
		return nil, err
	}
	route := caddyhttp.Route{HandlersRaw: []json.RawMessage{
		caddyconfig.JSONModuleObject(gateway, "handler", "scim_gateway", nil),
		caddyconfig.JSONModuleObject(proxy, "handler", "reverse_proxy", nil),
	}}
	if matchers != nil {
		route.MatcherSetsRaw = []caddy.ModuleMap{matchers}
	}
	return []httpcaddyfile.ConfigValue{{Class: "route", Value: route}}, nil
}

// parts are the lines of a directive's block, each with its own block, told apart by whose they are.
type parts struct {
	directive caddyfile.Token
	upstreams []caddyfile.Token
	open      []caddyfile.Token // the braces, where there are any
	closing   []caddyfile.Token
	own       []caddyfile.Segment
	others    []caddyfile.Token // reverse_proxy's
}

// split takes the directive's tokens apart. reverse_proxy's parser reads what is left of the block, with the tokens as
// they came: its errors name the right file and line.
func split(all caddyfile.Segment) (*parts, error) {
	p := &parts{directive: all[0]}
	d := caddyfile.NewDispenser(all)
	d.Next()
	for d.NextArg() {
		p.upstreams = append(p.upstreams, d.Token())
	}
	for d.NextBlock(0) {
		if p.open == nil {
			p.open, p.closing = all[1+len(p.upstreams):2+len(p.upstreams)], all[len(all)-1:]
		}
		segment := d.NextSegment()
		switch {
		case isOption(segment[0].Text):
			p.own = append(p.own, segment)
		case len(p.upstreams) == 0:
			return nil, unknownSubdirective(segment)
		default:
			p.others = append(p.others, segment...)
		}
	}
	return p, nil
}

func unknownSubdirective(segment caddyfile.Segment) error {
	d := caddyfile.NewDispenser(segment)
	d.Next()
	return d.Errf("unrecognized subdirective %s (those of reverse_proxy need upstreams behind scim_gateway)", d.Val())
}

// gateway returns the configuration of the gateway itself.
func (p *parts) gateway() (*module.Handler, error) {
	c := &config{handler: new(module.Handler), seen: map[string]bool{}}
	for _, segment := range p.own {
		d := caddyfile.NewDispenser(segment)
		d.Next()
		if err := c.option(d); err != nil {
			return nil, err
		}
	}
	d := caddyfile.NewDispenser([]caddyfile.Token{p.directive})
	d.Next()
	return c.finish(d)
}

// proxy returns the reverse_proxy that follows the gateway.
func (p *parts) proxy(h httpcaddyfile.Helper, maxBody int64) (*reverseproxy.Handler, error) {
	if maxBody == 0 {
		maxBody = module.DefaultMaxBody
	}
	tokens := append([]caddyfile.Token{p.directive}, p.upstreams...)
	if len(p.others) > 0 {
		tokens = append(append(append(tokens, p.open...), p.others...), p.closing...)
	}
	proxy := new(reverseproxy.Handler)
	if err := proxy.UnmarshalCaddyfile(caddyfile.NewDispenser(tokens)); err != nil {
		return nil, err
	}
	if lb := proxy.LoadBalancing; lb != nil && len(lb.RetryMatchRaw) > 0 && proxy.RequestBuffers == 0 {
		// What was sent to a backend can be sent to another one only if reverse_proxy keeps it.
		proxy.RequestBuffers = maxBody + 1
	}
	return proxy, proxy.FinalizeUnmarshalCaddyfile(h)
}
