package scim

import (
	"net/url"
	"slices"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// The schema URIs of the discovery documents (RFC 7643 §5, §6, §7).
const (
	ServiceProviderConfigSchema = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
	ResourceTypeSchema          = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
	SchemaSchema                = "urn:ietf:params:scim:schemas:core:2.0:Schema"
)

// The discovery documents never hold a null, and leave out what has no value: Entra's schema discovery stumbles over
// both (Q13). They depend on nothing in the request but the base, so that query parameters have no effect.

// ServiceProviderConfig returns the document of RFC 7643 §5. base is the public URL of the SCIM root.
func ServiceProviderConfig(f Features, base string) []byte {
	n := object("schemas", texts(ServiceProviderConfigSchema))
	n.Set("patch", supported(f.Patch))
	n.Set("bulk", noBulk())
	filter := supported(f.Filter)
	filter.Set("maxResults", doc.NewInt(int64(f.MaxResults)))
	n.Set("filter", filter)
	n.Set("changePassword", supported(f.ChangePassword))
	n.Set("sort", supported(f.Sort))
	n.Set("etag", supported(f.ETag))
	n.Set("authenticationSchemes", schemes(f))
	n.Set("meta", meta("ServiceProviderConfig", base+"/ServiceProviderConfig"))
	return n.AppendTo(nil)
}

// ResourceTypes returns the list of the resource types that the upstream has (RFC 7643 §6).
func ResourceTypes(set *schema.Set, f Features, base string) []byte {
	list := documents(f.resourceTypes(set), base, resourceType)
	return ListResponse(len(list), 1, list)
}

// ResourceType returns one resource type by its name (RFC 7643 §6); 404 where the upstream has none of that name.
func ResourceType(set *schema.Set, f Features, base, id string) ([]byte, error) {
	return withID(documents(f.resourceTypes(set), base, resourceType), id, "there is no resource type of this name")
}

// Schemas returns the list of the schemas of all resource types, each with the attributes that the upstream keeps (RFC 7643 §7).
func Schemas(set *schema.Set, f Features, base string) []byte {
	list := documents(f.schemas(set), base, schemaNode)
	return ListResponse(len(list), 1, list)
}

// Schema returns one schema by its URI (RFC 7643 §7); 404 where the upstream keeps nothing of a schema with that URI.
func Schema(set *schema.Set, f Features, base, id string) ([]byte, error) {
	return withID(documents(f.schemas(set), base, schemaNode), id, "there is no schema with this URI")
}

func documents[T any](all []T, base string, document func(T, string) *doc.Node) []*doc.Node {
	var list []*doc.Node
	for _, one := range all {
		list = append(list, document(one, base))
	}
	return list
}

// withID returns the one document of a list that has the id, compared without ASCII case.
func withID(list []*doc.Node, id, missing string) ([]byte, error) {
	for _, n := range list {
		if doc.FoldEqual(n.Get("id").Text(), id) {
			return n.AppendTo(nil), nil
		}
	}
	return nil, &Error{Status: 404, Detail: missing}
}

func (f *Features) schemas(set *schema.Set) []*schema.Schema {
	var all []*schema.Schema
	for _, rt := range f.resourceTypes(set) {
		all = append(append(all, rt.Core), rt.Extensions...)
	}
	return all
}

func resourceType(rt *schema.ResourceType, base string) *doc.Node {
	n := object("schemas", texts(ResourceTypeSchema))
	n.Set("id", doc.NewString(rt.Name))
	n.Set("name", doc.NewString(rt.Name))
	n.Set("endpoint", doc.NewString(rt.Endpoint))
	if rt.Core.Description != "" {
		n.Set("description", doc.NewString(rt.Core.Description))
	}
	n.Set("schema", doc.NewString(rt.Core.ID))
	extensions := doc.NewArray()
	for _, ext := range rt.Extensions {
		extensions.Add(object("schema", doc.NewString(ext.ID), "required", doc.NewBool(false)))
	}
	n.Set("schemaExtensions", extensions)
	n.Set("meta", meta("ResourceType", base+"/ResourceTypes/"+url.PathEscape(rt.Name)))
	return n
}

func schemaNode(s *schema.Schema, base string) *doc.Node {
	n := object("schemas", texts(SchemaSchema))
	n.Set("id", doc.NewString(s.ID))
	n.Set("name", doc.NewString(s.Name))
	if s.Description != "" {
		n.Set("description", doc.NewString(s.Description))
	}
	n.Set("attributes", attributeNodes(s.Attributes))
	n.Set("meta", meta("Schema", base+"/Schemas/"+url.PathEscape(s.ID)))
	return n
}

func attributeNodes(attributes []*schema.Attribute) *doc.Node {
	list := doc.NewArray()
	for _, a := range attributes {
		list.Add(attributeNode(a))
	}
	return list
}

func attributeNode(a *schema.Attribute) *doc.Node {
	n := object("name", doc.NewString(a.Name), "type", doc.NewString(a.Type.String()), "multiValued", doc.NewBool(a.MultiValued))
	if a.Description != "" {
		n.Set("description", doc.NewString(a.Description))
	}
	n.Set("required", doc.NewBool(a.Required))
	if len(a.Canonical) > 0 {
		n.Set("canonicalValues", texts(a.Canonical...))
	}
	switch a.Type { // case means something only where there are letters (RFC 7643 §7)
	case schema.String, schema.Reference, schema.Binary, schema.DateTime:
		n.Set("caseExact", doc.NewBool(a.CaseExact))
	}
	n.Set("mutability", doc.NewString(a.Mutability.String()))
	n.Set("returned", doc.NewString(a.Returned.String()))
	n.Set("uniqueness", doc.NewString(a.Uniqueness.String()))
	if len(a.ReferenceTypes) > 0 {
		n.Set("referenceTypes", texts(a.ReferenceTypes...))
	}
	if len(a.Sub) > 0 {
		n.Set("subAttributes", attributeNodes(a.Sub))
	}
	return n
}

// noBulk says that the gateway has no /Bulk (RFC 7644 §3.7).
func noBulk() *doc.Node {
	n := supported(false)
	n.Set("maxOperations", doc.NewInt(0))
	n.Set("maxPayloadSize", doc.NewInt(0))
	return n
}

// schemes are the authentication schemes that the gateway offers (RFC 7643 §5).
func schemes(f Features) *doc.Node {
	bearer := object(
		"type", doc.NewString("oauthbearertoken"), "name", doc.NewString("SCIM API key"),
		"description", doc.NewString("The SCIM API key as a bearer token in the Authorization header."),
		"specUri", doc.NewString("https://www.rfc-editor.org/info/rfc6750"), "primary", doc.NewBool(true),
	)
	if !f.Clients {
		return doc.NewArray(bearer)
	}
	return doc.NewArray(bearer, object(
		"type", doc.NewString("oauth2"), "name", doc.NewString("OAuth 2.0 client credentials"),
		"description", doc.NewString("An access token of the gateway's token endpoint, as a bearer token in the Authorization header."),
		"specUri", doc.NewString("https://www.rfc-editor.org/info/rfc6749"),
	))
}

func meta(resourceType, location string) *doc.Node {
	return object("resourceType", doc.NewString(resourceType), "location", doc.NewString(location))
}

func supported(b bool) *doc.Node { return object("supported", doc.NewBool(b)) }

func texts(list ...string) *doc.Node { return doc.NewStrings(list...).Node() }

// object returns an object of the given names and nodes, in turn.
func object(pairs ...any) *doc.Node {
	n := doc.NewObject()
	for pair := range slices.Chunk(pairs, 2) {
		n.Set(pair[0].(string), pair[1].(*doc.Node))
	}
	return n
}
