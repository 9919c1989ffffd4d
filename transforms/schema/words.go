package schema

import (
	"strings"
	"time"

	"github.com/caddy-scim/gateway/transforms/doc"
)

// The words of RFC 7643 §7, in the order of the constants.
var (
	typeWords       = [...]string{"string", "boolean", "decimal", "integer", "dateTime", "binary", "reference", "complex"}
	mutabilityWords = [...]string{"readWrite", "readOnly", "immutable", "writeOnly"}
	returnedWords   = [...]string{"default", "always", "never", "request"}
	uniquenessWords = [...]string{"none", "server", "global"}
)

// String returns the data type as a schema document spells it (RFC 7643 §7).
func (t Type) String() string { return typeWords[t] }

// String returns the mutability as a schema document spells it (RFC 7643 §7).
func (m Mutability) String() string { return mutabilityWords[m] }

// String returns the word for when the attribute is returned, as a schema document spells it (RFC 7643 §7).
func (r Returned) String() string { return returnedWords[r] }

// String returns the uniqueness as a schema document spells it (RFC 7643 §7).
func (u Uniqueness) String() string { return uniquenessWords[u] }

// parseType reads the name of a data type, in any ASCII case.
func parseType(s string) (Type, bool) {
	for i, word := range typeWords {
		if doc.FoldEqual(s, word) {
			return Type(i), true
		}
	}
	return 0, false
}

// IsName reports whether s can be an attribute's name: ATTRNAME of RFC 7643 §2.1, a letter followed by letters, digits,
// "$", "-" and "_", and besides "$ref", which RFC 7643 §2.4 defines although the grammar does not reach it. What is no
// name never gets as far as a JSON key, "__proto__" for one.
func IsName(s string) bool {
	if s == "" {
		return false
	}
	if s[0] == '$' {
		return doc.FoldEqual(s, "$ref")
	}
	if !letter(s[0]) {
		return false
	}
	for i := 1; i < len(s); i++ {
		if c := s[i]; !letter(c) && (c < '0' || c > '9') && c != '$' && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// IsURN reports whether s can be the URI of an extension schema: a URN (RFC 8141) of plain characters, without the ones
// that have a meaning in a filter or a path.
func IsURN(s string) bool {
	if len(s) < len("urn:a:b") || !doc.FoldEqual(s[:len("urn:")], "urn:") {
		return false
	}
	segments := 0
	for segment := range strings.SplitSeq(s, ":") {
		if segment == "" {
			return false
		}
		for i := range len(segment) {
			if c := segment[i]; !letter(c) && (c < '0' || c > '9') && !strings.ContainsRune("-._~%+", rune(c)) {
				return false
			}
		}
		segments++
	}
	return segments >= 3
}

// IsURI reports whether a key of a resource is the URI of a schema: an attribute's name has no colon (RFC 7643 §2.1).
func IsURI(key string) bool { return strings.IndexByte(key, ':') >= 0 }

// ParseDateTime reads an xsd:dateTime (RFC 7643 §2.3.5). The time zone is optional there; without one it is UTC.
func ParseDateTime(s string) (time.Time, bool) {
	for _, layout := range [...]string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
