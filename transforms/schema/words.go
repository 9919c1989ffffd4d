package schema

import "strings"

// The words of RFC 7643 §7, in the order of the constants.
var (
	typeWords       = [...]string{"string", "boolean", "decimal", "integer", "dateTime", "binary", "reference", "complex"}
	mutabilityWords = [...]string{"readWrite", "readOnly", "immutable", "writeOnly"}
	returnedWords   = [...]string{"default", "always", "never", "request"}
	uniquenessWords = [...]string{"none", "server", "global"}
)

// String is the data type as a schema document spells it (RFC 7643 §7).
func (t Type) String() string { return typeWords[t] }

// String is the mutability as a schema document spells it (RFC 7643 §7).
func (m Mutability) String() string { return mutabilityWords[m] }

// String is the word for when the attribute is returned, as a schema document spells it (RFC 7643 §7).
func (r Returned) String() string { return returnedWords[r] }

// String is the uniqueness as a schema document spells it (RFC 7643 §7).
func (u Uniqueness) String() string { return uniquenessWords[u] }

// ParseType reads the name of a data type, in any ASCII case.
func ParseType(s string) (Type, bool) {
	for i, word := range typeWords {
		if equalFold(s, word) {
			return Type(i), true
		}
	}
	return 0, false
}

// IsName tells whether s can be an attribute's name: ATTRNAME of RFC 7643 §2.1, a letter followed by letters, digits,
// "$", "-" and "_", and besides "$ref", which RFC 7643 §2.4 defines although the grammar does not reach it. What is no
// name never gets as far as a JSON key, "__proto__" for one.
func IsName(s string) bool {
	if s == "" {
		return false
	}
	if s[0] == '$' {
		return equalFold(s, "$ref")
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

// IsURN tells whether s can be the URI of an extension schema: a URN (RFC 8141) of plain characters, without the ones
// that have a meaning in a filter or a path.
func IsURN(s string) bool {
	if len(s) < len("urn:a:b") || !equalFold(s[:len("urn:")], "urn:") {
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

func letter(c byte) bool { return lower(c) >= 'a' && lower(c) <= 'z' }

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
