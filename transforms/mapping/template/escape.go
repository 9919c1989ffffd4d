package template

import (
	"net/url"
	"strings"
)

// Escape percent-encodes everything but the unreserved characters of RFC 3986 §2.3.
func Escape(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") // a plus sign itself is %2B by then
}

// Unreserved reports whether a character needs no encoding anywhere in a URL (RFC 3986 §2.3).
func Unreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}
