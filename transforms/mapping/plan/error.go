package plan

import "github.com/caddy-scim/gateway/transforms/scim"

// unmade returns what the provider is told when a call cannot be made as the mapping says. It is nobody's fault but the
// mapping's: neither did the API answer something wrong, nor would another request do better.
func unmade(where, format string, args ...any) error {
	return scim.Errorf(500, "", "the mapping does not fit: %s cannot be carried out: "+format, append([]any{where}, args...)...)
}

// malformed returns what the provider is told when the API's answer has not the shape that the mapping says.
func malformed(format string, args ...any) error {
	return scim.Errorf(502, "", "the organization answered something unexpected: "+format, args...)
}

func gone() error { return scim.Errorf(404, "", "the resource is not known to the organization") }
