package schema

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Fold makes values comparable whose attribute is not caseExact (RFC 7643 §2.2): its lower case, in letters of all scripts.
// No letter becomes an ASCII one by it, the Kelvin sign no k and the dotted capital I no i, so that no two accounts whose
// names merely look alike are the same (T3).
func Fold(s string) string { return mapped(s, unicode.ToLower) }

// Upper returns the upper case of a text, with the same exception.
func Upper(s string) string { return mapped(s, unicode.ToUpper) }

func mapped(s string, to func(rune) rune) string {
	return strings.Map(func(r rune) rune {
		if m := to(r); (m < utf8.RuneSelf) == (r < utf8.RuneSelf) {
			return m
		}
		return r
	}, s)
}
