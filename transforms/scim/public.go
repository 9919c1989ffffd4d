package scim

import (
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
)

// endpoints are what URLs of a SCIM server end in (RFC 7644 §3.2, §4).
var endpoints = []string{"/Users", "/Groups", "/ServiceProviderConfig", "/ResourceTypes", "/Schemas"}

// Relocate makes the URLs in an upstream's document those of the gateway: meta.location and every $ref that leads to an
// endpoint get the base of the gateway's root. A provider could not reach the others, and they name internal hosts.
func Relocate(n *doc.Node, base string) {
	for _, f := range n.Fields() {
		switch {
		case doc.FoldEqual(f.Name, "$ref"):
			relocate(n, "$ref", base)
		case doc.FoldEqual(f.Name, "meta"):
			relocate(f.Value, "location", base)
		case f.Value.Kind() == doc.Object || f.Value.Kind() == doc.Array:
			Relocate(f.Value, base)
		}
	}
	for _, item := range n.Items() {
		Relocate(item, base)
	}
}

func relocate(n *doc.Node, name, base string) {
	v := n.Get(name)
	if v.Kind() != doc.String {
		return
	}
	if url := PublicURL(v.Text(), base); url != v.Text() {
		n.Set(name, doc.NewString(url))
	}
}

// PublicURL is an upstream's URL as the gateway's: whatever precedes the endpoint is the base. The endpoint is the first
// segment of that name which at most one more follows, so that neither the upstream's own root nor an id that is called
// like an endpoint is taken for it. What leads to no endpoint stays as it is.
func PublicURL(url, base string) string {
	text := "/" + strings.TrimPrefix(url, "/") // relative URLs begin at the root: Users/1
	best := len(text)
	for _, e := range endpoints {
		for from := 0; ; {
			i := strings.Index(text[from:], e)
			if i < 0 {
				break
			}
			i += from
			from = i + len(e)
			if rest := text[from:]; rest == "" || rest[0] == '/' && !strings.Contains(rest[1:], "/") {
				best = min(best, i)
			}
		}
	}
	if best == len(text) {
		return url
	}
	return base + text[best:]
}
