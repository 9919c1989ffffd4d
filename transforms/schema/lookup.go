package schema

import (
	"iter"
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
)

// The lists are short (a User has 21 attributes) and names differ in length more often than not, so that walking them is
// as fast as hashing a folded copy of the name would be, allocates nothing, and needs no index that could go stale.

func find(attributes []*Attribute, name string) *Attribute {
	for _, a := range attributes {
		if doc.FoldEqual(a.Name, name) {
			return a
		}
	}
	return nil
}

// SubAttribute returns the sub-attribute called name; nil where there is none or a is nil.
func (a *Attribute) SubAttribute(name string) *Attribute {
	if a == nil {
		return nil
	}
	return find(a.Sub, name)
}

// Attribute returns the schema's attribute called name; nil where there is none or s is nil.
func (s *Schema) Attribute(name string) *Attribute {
	if s == nil {
		return nil
	}
	return find(s.Attributes, name)
}

// Schema returns the core schema or the extension with the given URI, compared without ASCII case; nil where there is none.
func (rt *ResourceType) Schema(uri string) *Schema {
	if doc.FoldEqual(rt.Core.ID, uri) {
		return rt.Core
	}
	for _, s := range rt.Extensions {
		if doc.FoldEqual(s.ID, uri) {
			return s
		}
	}
	return nil
}

// Attribute returns an attribute, or its sub-attribute where sub is not empty; nil where there is none. An empty uri, like the
// URI of the core schema, means the core schema and the attributes that every resource has (RFC 7643 §3.1).
func (rt *ResourceType) Attribute(uri, name, sub string) *Attribute {
	s := rt.Core
	if uri != "" {
		s = rt.Schema(uri)
	}
	a := s.Attribute(name)
	if a == nil && s == rt.Core {
		a = find(common, name)
	}
	if sub != "" {
		return a.SubAttribute(sub)
	}
	return a
}

// Attributes walks over the attributes that the resource type's schemas list, those of the core schema with an empty URI
// first. The attributes of every resource (RFC 7643 §3.1) are not among them.
func (rt *ResourceType) Attributes() iter.Seq2[string, *Attribute] {
	return func(yield func(string, *Attribute) bool) {
		for _, a := range rt.Core.Attributes {
			if !yield("", a) {
				return
			}
		}
		for _, s := range rt.Extensions {
			for _, a := range s.Attributes {
				if !yield(s.ID, a) {
					return
				}
			}
		}
	}
}

// Value returns what a resource of the type holds of an attribute; nil for nothing.
func (rt *ResourceType) Value(res *doc.Node, uri, name string) *doc.Node {
	if uri != "" && !doc.FoldEqual(uri, rt.Core.ID) {
		res = res.Get(uri)
	}
	return res.Get(name)
}

// Prefix returns the schema with the longest URI that s begins with, and what follows the URI: nothing, or a text that begins
// with ":" or "." Without such a schema it is nil and s. The dot is left to the caller: it is not the separator of
// RFC 7644 §3.10, but clients have used it as one (Q40).
func (rt *ResourceType) Prefix(s string) (known *Schema, rest string) {
	rest = s
	try := func(c *Schema) {
		n := len(c.ID)
		if len(s) < n || known != nil && len(known.ID) >= n || !doc.FoldEqual(s[:n], c.ID) {
			return
		}
		if len(s) == n || s[n] == ':' || s[n] == '.' {
			known, rest = c, s[n:]
		}
	}
	try(rt.Core)
	for _, c := range rt.Extensions {
		try(c)
	}
	return known, rest
}

// SplitURN cuts a qualified attribute name (RFC 7644 §3.10) into the schema's URI and the rest, which is an attribute
// name with an optional sub-attribute, or empty where s is the URI alone. The dot and the colons inside a URI make the
// grammar ambiguous (Q39), so that the longest known URI wins and is returned in the schema's own spelling; only the URI
// of an unknown schema ends at the last colon. It is false for a name without a URI; rest is s then.
func (rt *ResourceType) SplitURN(s string) (uri, rest string, ok bool) {
	if known, after := rt.Prefix(s); known != nil && (after == "" || after[0] == ':') {
		if after = strings.TrimPrefix(after, ":"); strings.IndexByte(after, ':') < 0 {
			return known.ID, after, true
		} // else the URI goes on, and is a longer one that nobody declared
	}
	if len(s) < len("urn:") || !doc.FoldEqual(s[:len("urn:")], "urn:") {
		return "", s, false
	}
	i := strings.LastIndexByte(s, ':')
	return s[:i], s[i+1:], true
}
