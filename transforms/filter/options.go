package filter

import (
	"iter"
	"math/bits"
	"strconv"
	"strings"
)

// The parser's limits. A filter comes out of a request line and a path out of a document of bounded size, but both are
// read by recursion and printed again.
const (
	DefaultMaxBytes = 16 << 10
	MaxDepth        = 32 // parentheses inside one another
)

// Options is what a provider's profile decides about filters and paths. The zero value is the grammar of the RFC.
type Options struct {
	// Lenient allows every leniency there is.
	Lenient bool
	// Allow are the leniencies that are allowed where Lenient is false. What is not allowed is an error, or stays as it was
	// written where the RFC permits that too: see [Notes].
	Allow Notes
	// Strict refuses whatever Entra does not send, in filters as in brackets: everything but eq and and (H20). A directory
	// value that ended up in a filter as text then cannot widen it.
	Strict bool
	// Boolean is "true" or "false" for a word that means it, and empty for any other text: true and false themselves the
	// parser knows. Nil knows no word. See [LocalizedBoolean].
	Boolean func(word string) string
	// NoControls refuses strings with control characters: whoever wrote "Sales\north" forgot that a backslash is an escape.
	NoControls bool
	// MaxBytes limits the text; 0 is [DefaultMaxBytes].
	MaxBytes int
}

func (o Options) allows(n Notes) bool { return o.Lenient || o.Allow&n != 0 }

// Notes is a set of what the parser mended or spelled anew. An empty set means that the text is canonical but for
// parentheses and the escapes in its strings.
type Notes uint16

// What RFC 7643 §2.1 and RFC 7644 §3.4.2.2, §3.10 permit, so that Options has no say in it.
const (
	NameCase     Notes = 1 << iota // an attribute or a URI not in the schema's spelling (Q26, Q50)
	OperatorCase                   // an operator not in lower case (Q21)
	CoreURN                        // the core schema's URI before an attribute; left out of the canonical form (E112)
)

// What the RFC permits and Options may leave as it was written.
const (
	// BareExtension: an extension's attribute without the URI, where neither the core schema nor another extension has one
	// of the name (Q17). A comparison gets its ".value" along with the URI. Left alone, it is an unknown attribute.
	BareExtension Notes = 1 << (iota + 3)
	// ComplexCompare: a complex attribute compared as a whole, which means its value (RFC 7644 §3.4.2.2 shows
	// `emails co "example.com"`). Some servers know `members eq "id"` only (C45), others only the canonical
	// `members.value eq "id"`.
	ComplexCompare
)

// What the RFC does not permit: an error where Options does not allow it.
const (
	Spaces              Notes = 1 << (iota + 5) // spaces where there is none, or more than one
	UnquotedLiteral                             // a string without quotes (Q15)
	BooleanString                               // "True" or True for a boolean attribute (Q21, Q52)
	NumberString                                // "5" for an integer or decimal attribute (Q46)
	ValuePathComparison                         // emails[type eq "work"].value eq "x" in a filter (Q16)
	DotInsteadOfColon                           // a dot between URI and attribute (Q40)
	LocalizedBoolean                            // "Vrai" for a boolean attribute: a word that Options knows (Q36)
)

var noteNames = [...]string{
	"name-case", "operator-case", "core-urn", "bare-extension", "complex-compare", "spaces", "unquoted-literal",
	"boolean-string", "number-string", "value-path-comparison", "dot-instead-of-colon",
	"localized-boolean",
}

// refusals say what is wrong with the text where the note is not allowed.
var refusals = map[Notes]string{
	Spaces:              "one space belongs between words and none elsewhere",
	UnquotedLiteral:     "a string belongs in double quotes",
	BooleanString:       "a boolean is written true or false, without quotes",
	NumberString:        "a number is written without quotes",
	ValuePathComparison: "a comparison cannot follow a value path: it belongs inside the brackets",
	DotInsteadOfColon:   "a colon belongs between the URI of a schema and an attribute",
	LocalizedBoolean:    "a boolean is written true or false, in English and without quotes",
}

// Has reports whether the set has any of the given notes.
func (n Notes) Has(some Notes) bool { return n&some != 0 }

// All walks over the notes in the set, one by one.
func (n Notes) All() iter.Seq[Notes] {
	return func(yield func(Notes) bool) {
		for n != 0 && yield(n&-n) {
			n &= n - 1
		}
	}
}

// String lists the names of the notes.
func (n Notes) String() string {
	var names []string
	for one := range n.All() {
		names = append(names, noteNames[bits.TrailingZeros16(uint16(one))])
	}
	return strings.Join(names, ",")
}

// Error is why a text is no filter or no path that the gateway takes. The reason may name attributes of the schema; it
// never quotes the text, which holds personal data.
type Error struct {
	Offset int    // bytes from the beginning
	Reason string // one line, lower case
}

func (e *Error) Error() string { return e.Reason + ", at byte " + strconv.Itoa(e.Offset) }
