package upstream_test

import (
	"strings"
	"testing"

	"github.com/caddy-scim/gateway/module/upstream"
)

func TestHasDots(t *testing.T) {
	for _, segment := range []string{
		".", "..", "%2e", "%2E%2e", ".%2e", "%252e%252e", "%25252e.", "..;", "..;a=b", "%2e%2e%3b", ".;x", "..%00", "..%20", "%20..", "..%09",
		"%2e%2e%2f", "a%2f..", "a%252f%252e.", "..%5ca", "%ff", "%c0%ae%c0%ae", "%25c0%25ae", "%" + strings.Repeat("25", 10) + "2e",
	} {
		if !upstream.HasDots(segment) {
			t.Errorf("%q is let through", segment)
		}
	}
	for _, segment := range []string{
		"", "a", "...", ".well-known", "a.b", "..a", "a..", "a;b", "a%40b", "100%25", "100%", "a%20b", "a%2fb", "%C3%BC", ";", "urn:a:b", "a%3Fb",
	} {
		if upstream.HasDots(segment) {
			t.Errorf("%q is refused", segment)
		}
	}
}
