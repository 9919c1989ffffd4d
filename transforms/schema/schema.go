// Package schema holds SCIM schemas as data (RFC 7643 §2, §4, §7, §8.7). Coercion, matching and PATCH ask it what an
// attribute is; nothing guesses from the look of a value. [Set] is what is known of all resource types, standard.go what
// the RFC defines.
package schema

// Type is an attribute's data type (RFC 7643 §2.3).
type Type uint8

// The data types of RFC 7643 §2.3.
const (
	String Type = iota
	Boolean
	Decimal
	Integer
	DateTime
	Binary
	Reference
	Complex
)

// Mutability is what a client may do to an attribute (RFC 7643 §2.2).
type Mutability uint8

// The mutabilities of RFC 7643 §2.2.
const (
	ReadWrite Mutability = iota
	ReadOnly
	Immutable
	WriteOnly
)

// Returned is when an attribute is part of an answer (RFC 7643 §2.4, §7).
type Returned uint8

// The values of "returned" of RFC 7643 §7.
const (
	Default Returned = iota
	Always
	Never
	OnRequest
)

// Uniqueness is where an attribute's value must be unique (RFC 7643 §7).
type Uniqueness uint8

// The values of "uniqueness" of RFC 7643 §7.
const (
	None Uniqueness = iota
	Server
	Global
)

// Attribute describes one attribute (RFC 7643 §7). Names are compared without ASCII case.
type Attribute struct {
	Name           string
	Description    string
	Type           Type
	MultiValued    bool
	Required       bool
	CaseExact      bool
	Mutability     Mutability
	Returned       Returned
	Uniqueness     Uniqueness
	Canonical      []string     // canonicalValues
	ReferenceTypes []string     // for Reference
	Sub            []*Attribute // for Complex
}

// Schema is a named set of attributes.
type Schema struct {
	ID          string // URI, the case of RFC 7643
	Name        string
	Description string
	Attributes  []*Attribute
}

// ResourceType is an endpoint with its schemas (RFC 7643 §6).
type ResourceType struct {
	Name       string // "User", "Group"
	Endpoint   string // "/Users", "/Groups"
	Core       *Schema
	Extensions []*Schema
}

// Set is all that one gateway knows: two resource types, with the custom attributes declared for it.
type Set struct {
	User, Group *ResourceType
}
