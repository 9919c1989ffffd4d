// Package filter parses, prints and evaluates SCIM filters (RFC 7644 §3.4.2.2) and attribute paths (RFC 7644 §3.5.2,
// §3.10). Begin to read at [Parse] and [ParsePath]; [Options] say what is tolerated.
package filter

import "github.com/caddy-scim/gateway/transforms/doc"

// Filter is a parsed filter: one of [*And], [*Or], [*Not], [*Compare], [*Present], [*ValuePath].
type Filter interface {
	// String is the filter in canonical form: one space between words, operators in lower case, attribute names as the
	// schema spells them, literals as JSON, parentheses only where precedence needs them.
	String() string
	filter()
}

// Operator is a comparison operator (RFC 7644 §3.4.2.2), in lower case.
type Operator string

// The comparison operators of RFC 7644 §3.4.2.2.
const (
	Eq Operator = "eq"
	Ne Operator = "ne"
	Co Operator = "co"
	Sw Operator = "sw"
	Ew Operator = "ew"
	Gt Operator = "gt"
	Ge Operator = "ge"
	Lt Operator = "lt"
	Le Operator = "le"
)

// Attr names an attribute or a sub-attribute, with the URI of its schema where the text had one or canonical form
// demands one.
type Attr struct {
	URI  string // empty for the core schema
	Name string
	Sub  string // empty for the attribute itself
}

// And holds where both sides do.
type And struct{ Left, Right Filter }

// Or holds where one side does.
type Or struct{ Left, Right Filter }

// Not holds where the filter in it does not.
type Not struct{ Filter Filter }

// Compare compares an attribute with a literal.
type Compare struct {
	Attr  Attr
	Op    Operator
	Value Literal
}

// Present reports whether an attribute has a value ("pr").
type Present struct{ Attr Attr }

// ValuePath holds for a resource one of whose elements of a multi-valued complex attribute satisfies the inner filter
// ("emails[type eq "work"]"). Attributes inside are named relative to the element.
type ValuePath struct {
	Attr   Attr
	Filter Filter
}

// Path is the target of a PATCH operation (RFC 7644 §3.5.2): attrPath, or valuePath with an optional sub-attribute.
// A path that is only a schema URI has an empty Attr.Name.
type Path struct {
	Attr   Attr   // Attr.Sub is empty where Filter is not nil
	Filter Filter // nil without brackets
	Sub    string // sub-attribute after the brackets
}

// Literal is a comparison value (RFC 7644 §3.4.2.2: compValue).
type Literal struct {
	Kind doc.Kind // String, Number, Bool or Null
	Text string   // decoded for a string, else as written
}

// Node returns the literal as a JSON value.
func (l Literal) Node() *doc.Node {
	if l.Kind != doc.String {
		if d, err := doc.Scan([]byte(l.Text)); err == nil { // always: a number or a word is JSON by the grammar of filters
			return doc.Tree(d.Value())
		}
	}
	return doc.NewString(l.Text)
}

func (*And) filter()       {}
func (*Or) filter()        {}
func (*Not) filter()       {}
func (*Compare) filter()   {}
func (*Present) filter()   {}
func (*ValuePath) filter() {}
