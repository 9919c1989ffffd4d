package upstream

import (
	"net/http"
	"strings"

	"github.com/caddy-scim/gateway/transforms/scim"
)

// passed are the provider's headers that travel on: those that say who is asking or which trace it belongs to, and
// never anything that the upstream could take for an identity. Authorization carries the SCIM key; Accept-Encoding would
// keep Go from decoding by itself; conditional headers belong to the gateway's representation, not to the upstream's.
var passed = []string{
	"User-Agent", "Traceparent", "Tracestate", "Baggage", "X-Request-Id", "Adscimversion",
}

// forwarded travel on only where Caddy's trusted_proxies trusts who set them; reverse_proxy completes them.
var forwarded = []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"}

// outgoing returns the header that every call of a request begins with.
func outgoing(in http.Header, trusted bool) http.Header {
	out := make(http.Header, 8)
	pass := func(names []string) {
		for _, name := range names {
			if v := in[name]; len(v) > 0 {
				out[name] = v
			}
		}
	}
	pass(passed)
	for _, v := range in["Connection"] { // what it names is for this hop alone (RFC 9110 §7.6.1)
		for name := range strings.SplitSeq(v, ",") {
			delete(out, http.CanonicalHeaderKey(strings.TrimSpace(name)))
		}
	}
	if trusted {
		pass(forwarded) // whatever Connection names: that is the client's, these are the proxy's
	}
	if _, ok := out["User-Agent"]; !ok {
		out["User-Agent"] = []string{""} // without the key Go's transport would introduce itself
	}
	own := []string{scim.MediaType + ", application/json", scim.MediaType}
	out["Accept"], out["Content-Type"] = own[:1:1], own[1:]
	return out
}

// Conditions returns the provider's conditional headers (RFC 7644 §3.14), for an upstream with entity tags. The gateway tells
// the provider weak ones, since it changes the representation; the upstream may know them as strong, so it is asked for
// both.
func (c *Caller) Conditions() http.Header {
	out := http.Header{}
	for _, name := range []string{"If-Match", "If-None-Match"} {
		for _, v := range c.orig.Header[name] {
			out.Add(name, v)
			for tag := range strings.SplitSeq(v, ",") {
				if strong, weak := strings.CutPrefix(strings.TrimSpace(tag), "W/"); weak {
					out.Add(name, strong)
				}
			}
		}
		if len(out[name]) > 1 {
			out[name] = []string{strings.Join(out[name], ", ")}
		}
	}
	return out
}

// WeakTag returns an entity tag of the upstream as the provider is told it: what the gateway answers is not byte for byte what
// the upstream did (RFC 9110 §8.8.1).
func WeakTag(tag string) string {
	if tag == "" || strings.HasPrefix(tag, "W/") {
		return tag
	}
	return "W/" + tag
}
