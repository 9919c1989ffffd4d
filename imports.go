// Package gateway makes the whole SCIM gateway available to a Caddy build: importing it registers the
// handlers and the Caddyfile directives, so that
//
//	xcaddy build --with github.com/caddy-scim/gateway
//
// is all that is needed.
package gateway
