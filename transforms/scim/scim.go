// Package scim holds the words of SCIM 2.0 (RFC 7643, RFC 7644) that the rest of the gateway shares: schema URIs, the
// operation, the answer documents and the error. Begin to read at [Operation] and [Answer].
package scim

import "github.com/caddy-scim/gateway/transforms/schema"

// The schema URIs of RFC 7643 §4, §8 and RFC 7644 §3.
const (
	UserSchema       = schema.UserURI
	GroupSchema      = schema.GroupURI
	EnterpriseSchema = schema.EnterpriseURI
	PatchSchema      = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
	ListSchema       = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	ErrorSchema      = "urn:ietf:params:scim:api:messages:2.0:Error"
)

// MediaType is the type of every SCIM body (RFC 7644 §3.1). The gateway sends it without a charset.
const MediaType = "application/scim+json"
