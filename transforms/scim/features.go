package scim

import "github.com/caddy-scim/gateway/transforms/schema"

// Features is what an upstream, together with what the gateway remembers for it, really does and keeps. The discovery
// documents (RFC 7644 §4) are made of it, so that no client is promised what would be dropped.
type Features struct {
	Patch          bool // PATCH (RFC 7644 §3.5.2)
	Filter         bool // filters in queries (RFC 7644 §3.4.2.2), with at most MaxResults resources in an answer
	MaxResults     int
	ChangePassword bool // the password of a user can be set
	Sort           bool // sortBy and sortOrder (RFC 7644 §3.4.2.3)
	ETag           bool // meta.version, If-Match and If-None-Match (RFC 7644 §3.14)
	Clients        bool // OAuth 2.0 clients get tokens (RFC 6749 §4.4)

	// Keeps reports whether an attribute is kept; nil means that everything is. A complex attribute is asked for by each of
	// its sub-attributes and is kept where one of them is; sub is empty for everything else. uri is empty for the core
	// schema. A resource type of which nothing is kept does not exist.
	Keeps func(rt *schema.ResourceType, uri, name, sub string) bool

	// Shape says of an attribute that is kept what is particular to this upstream: whether it can be written (RFC 7643
	// §2.2), must be unique, which values it has. a is a copy to be changed; sub is empty where it is the whole attribute.
	// nil means that everything is as RFC 7643 has it.
	Shape func(rt *schema.ResourceType, uri, name, sub string, a *schema.Attribute)
}

// attribute returns an attribute as this upstream has it; nil where it has not.
func (f *Features) attribute(rt *schema.ResourceType, uri string, a *schema.Attribute) *schema.Attribute {
	if len(a.Sub) == 0 {
		return f.kept(rt, uri, a.Name, "", a)
	}
	whole := *a
	whole.Sub = nil
	for _, sub := range a.Sub {
		if sub := f.kept(rt, uri, a.Name, sub.Name, sub); sub != nil {
			whole.Sub = append(whole.Sub, sub)
		}
	}
	if whole.Sub == nil {
		return nil
	}
	if f.Shape != nil {
		f.Shape(rt, uri, a.Name, "", &whole)
	}
	return &whole
}

// kept returns a copy of an attribute without sub-attributes, or of a sub-attribute, as this upstream has it.
func (f *Features) kept(rt *schema.ResourceType, uri, name, sub string, a *schema.Attribute) *schema.Attribute {
	if f.Keeps != nil && !f.Keeps(rt, uri, name, sub) {
		return nil
	}
	kept := *a
	if f.Shape != nil {
		f.Shape(rt, uri, name, sub, &kept)
	}
	return &kept
}

// schema returns a schema as this upstream has it; nil where nothing of it is kept.
func (f *Features) schema(rt *schema.ResourceType, s *schema.Schema) *schema.Schema {
	uri := s.ID
	if s == rt.Core {
		uri = ""
	}
	kept := *s
	kept.Attributes = nil
	for _, a := range s.Attributes {
		if a := f.attribute(rt, uri, a); a != nil {
			kept.Attributes = append(kept.Attributes, a)
		}
	}
	if kept.Attributes == nil {
		return nil
	}
	return &kept
}

// ResourceType returns a resource type as this upstream has it: the attributes that are kept, as it keeps them. It is nil where
// nothing of the core schema is kept.
func (f *Features) ResourceType(rt *schema.ResourceType) *schema.ResourceType {
	core := f.schema(rt, rt.Core)
	if core == nil {
		return nil
	}
	kept := &schema.ResourceType{Name: rt.Name, Endpoint: rt.Endpoint, Core: core}
	for _, ext := range rt.Extensions {
		if ext := f.schema(rt, ext); ext != nil {
			kept.Extensions = append(kept.Extensions, ext)
		}
	}
	return kept
}

func (f *Features) resourceTypes(set *schema.Set) []*schema.ResourceType {
	var kept []*schema.ResourceType
	for _, rt := range []*schema.ResourceType{set.User, set.Group} {
		if rt := f.ResourceType(rt); rt != nil {
			kept = append(kept, rt)
		}
	}
	return kept
}
