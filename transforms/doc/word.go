package doc

import (
	"strings"
	"unicode/utf8"
)

// Unquote returns the text of a JSON string (RFC 8259 §7) that stands by itself, quotes and all, as one does in a filter. An
// error is an [*Error].
func Unquote(s string) (string, error) {
	if len(s) < 2 || s[0] != '"' {
		return "", &Error{Reason: errValue}
	}
	inside := s[1 : len(s)-1]
	if s[len(s)-1] == '"' && utf8.ValidString(inside) && !strings.ContainsFunc(inside, func(r rune) bool { return r < ' ' || r == '\\' || r == '"' }) {
		return inside, nil
	}
	b := []byte(s)
	switch end, _, reason := stringEnd(b, 1); {
	case reason != "":
		return "", &Error{Offset: end, Reason: reason}
	case end < len(b)-1:
		return "", &Error{Offset: end + 1, Reason: errTrailing}
	}
	return Value{b}.Text(), nil
}

// IsNumber reports whether a text is a JSON number (RFC 8259 §6), of at most [MaxNumber] bytes: 007 is none, and neither is a
// GUID that begins with digits.
func IsNumber(s string) bool {
	if s == "" || len(s) > MaxNumber {
		return false
	}
	end, reason := numberEnd([]byte(s), 0)
	return reason == "" && end == len(s)
}
