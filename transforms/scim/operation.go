package scim

import (
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// Verb is what an operation does to its resource type (RFC 7644 §3.2).
type Verb uint8

// The verbs of RFC 7644 §3.2.
const (
	List Verb = iota
	Read
	Create
	Replace
	Patch
	Delete
)

// String returns the verb as logs and metrics show it.
func (v Verb) String() string {
	return [...]string{"list", "read", "create", "replace", "patch", "delete"}[v]
}

// Writes reports whether the verb changes the resource.
func (v Verb) Writes() bool { return v >= Create }

// Operation is one request after routing and normalization: everything in it is canonical.
type Operation struct {
	Type  *schema.ResourceType
	Verb  Verb
	ID    string // decoded; empty for List and Create
	Query Query
	Body  doc.Doc // zero for List, Read and Delete
	Base  string  // public URL of the SCIM root, without a slash at the end

	Deactivates bool // the body switches a user off, or may be meant to: found out once, by quirks.Deactivates
}

// Query is the canonical query of an operation (RFC 7644 §3.4.2, §3.9).
type Query struct {
	Filter     filter.Filter // nil where the request had none
	StartIndex int           // at least 1 (RFC 7644 §3.4.2.4); 1 where the request had none
	Count      int           // at least 0; -1 where the request had none
	Attributes []string      // attributes, as canonical paths
	Excluded   []string      // excludedAttributes, as canonical paths
	Raw        string        // the canonical query, percent-encoded, parameters in the order they came; empty for none
}

// Answer is what an operation came to: the document that the provider is told, and the headers that go with it.
type Answer struct {
	Status   int    // HTTP status code
	Body     []byte // nil for 204
	Location string // public URL of a created resource (RFC 7644 §3.3)
	ETag     string // weak entity tag; empty where the upstream has none
}
