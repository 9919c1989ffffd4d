// Package gateway makes the whole SCIM gateway available to a Caddy build: importing it registers the
// handlers, the Caddyfile directives and "caddy scim", so that
//
//	xcaddy build --with github.com/caddy-scim/gateway
//
// is all that is needed.
package gateway

import (
	// Each of these registers modules, directives or commands with Caddy.
	_ "github.com/caddy-scim/gateway/caddyfile"
	_ "github.com/caddy-scim/gateway/module"
	_ "github.com/caddy-scim/gateway/module/command"
	_ "github.com/caddy-scim/gateway/module/console"
	_ "github.com/caddy-scim/gateway/module/explain"
	_ "github.com/caddy-scim/gateway/module/organization"
	_ "github.com/caddy-scim/gateway/module/provision"
	_ "github.com/caddy-scim/gateway/module/relay"
)
