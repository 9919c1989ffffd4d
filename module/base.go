package module

import (
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// publicBase returns the URL of the SCIM root as the provider knows it, without a slash at the end: what Location and
// meta.location begin with. handle_path and rewrite may have taken a prefix off before the gateway saw the request, so the
// root is taken from the request as it arrived, where that still ends in the same resource.
func publicBase(r *http.Request, rt route) string {
	root := rt.root
	if orig, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok && orig.URL != nil {
		path := strings.TrimRight(orig.URL.EscapedPath(), "/")
		if before, ok := strings.CutSuffix(path, rt.suffix()); ok && strings.HasSuffix(before, rt.root) {
			root = before
		}
	}
	scheme, host := publicHost(r)
	return scheme + "://" + host + root
}

// publicHost returns the scheme and the host that the provider asked for.
func publicHost(r *http.Request) (scheme, host string) {
	scheme, host = "http", r.Host
	if r.TLS != nil {
		scheme = "https"
	}
	if trusted, _ := caddyhttp.GetVar(r.Context(), caddyhttp.TrustedProxyVarKey).(bool); trusted {
		if proto := r.Header.Get("X-Forwarded-Proto"); proto == "http" || proto == "https" {
			scheme = proto
		}
		if h := r.Header.Get("X-Forwarded-Host"); h != "" && !strings.ContainsAny(h, ", /\\\"") {
			host = h
		}
	}
	return scheme, host
}
