// Package doc is the only door between JSON from outside and the rest of the gateway.
//
// A document is scanned once ([Scan]): valid JSON, valid UTF-8, bounded depth, no duplicate keys, numbers kept as text.
// What passed is a [Doc], read through [Value] without copying, changed through [Node], and asked for constant paths
// through gjson and sjson. No other package indexes into raw JSON bytes.
package doc

// Doc is a JSON document that passed the scanner. The zero Doc is no document.
type Doc struct{ raw []byte }

// Raw returns the document's text, byte for byte as it was scanned, white space around it included. It must not be changed.
func (d Doc) Raw() []byte { return d.raw }

// IsZero reports whether there is no document at all.
func (d Doc) IsZero() bool { return d.raw == nil }

// Value returns the document's root.
func (d Doc) Value() Value { return Value{raw: trim(d.raw)} }

// Kind is what a JSON value is.
type Kind uint8

// The kinds of JSON values (RFC 8259 §3); Invalid is the kind of the zero [Value].
const (
	Invalid Kind = iota
	Null
	Bool
	Number
	String
	Array
	Object
)

// String names the kind as the JSON specification does.
func (k Kind) String() string {
	return [...]string{"nothing", "null", "boolean", "number", "string", "array", "object"}[k]
}
