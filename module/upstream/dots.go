package upstream

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// HasDots reports whether somebody may see a dot segment (RFC 3986 §3.3) in a path segment. Proxies and servers differ in
// how often they decode a path, in what they take for a slash, and in what they drop: %252e, "..;" and "..%00" are dots
// for some. What is no text once decoded, or is never done with decoding, has them too.
func HasDots(segment string) bool {
	if !strings.ContainsAny(segment, ".%") { // nearly always
		return !utf8.ValidString(segment)
	}
	for range 8 {
		if !utf8.ValidString(segment) {
			return true
		}
		for part := range strings.FieldsFuncSeq(segment, func(r rune) bool { return r == '/' || r == '\\' }) {
			part, _, _ = strings.Cut(part, ";")
			part = strings.TrimFunc(part, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) })
			if part == "." || part == ".." {
				return true
			}
		}
		decoded, err := url.PathUnescape(segment)
		if err != nil || decoded == segment {
			return false // a percent sign is a letter like any other
		}
		segment = decoded
	}
	return true
}
