package doc

import (
	"bytes"
	"encoding/binary"
	"iter"
	"math/bits"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Value is one JSON value inside a scanned document, without white space around it. It aliases the document's bytes.
// The zero Value is no value: its kind is [Invalid].
type Value struct{ raw []byte }

// Raw returns the value's text in the document.
func (v Value) Raw() []byte { return v.raw }

// Kind returns what the value is.
func (v Value) Kind() Kind {
	if len(v.raw) == 0 {
		return Invalid
	}
	switch v.raw[0] {
	case 'n':
		return Null
	case 't', 'f':
		return Bool
	case '"':
		return String
	case '[':
		return Array
	case '{':
		return Object
	}
	return Number
}

// True reports whether the value is the literal true.
func (v Value) True() bool { return len(v.raw) > 0 && v.raw[0] == 't' }

// Text returns the decoded text of a string, and the raw text of anything else.
func (v Value) Text() string {
	if v.Kind() != String {
		return string(v.raw)
	}
	in := v.raw[1 : len(v.raw)-1]
	if bytes.IndexByte(in, '\\') < 0 {
		return string(in)
	}
	var short [128]byte
	return string(appendUnescaped(short[:0], in))
}

// Is reports whether the value is a string equal to name, ASCII letters compared without case (RFC 7643 §2.1). No other
// letters fold: neither the long s nor the Kelvin sign is an ASCII letter. It does not allocate.
func (v Value) Is(name string) bool {
	if len(v.raw)-2 > 6*len(name) { // an escape makes a byte of a text two to six
		return false
	}
	more, ok := v.begins(name)
	return ok && more == 0
}

// HasPrefix reports whether the value is a string that begins with prefix, compared as by [Value.Is].
func (v Value) HasPrefix(prefix string) bool {
	_, ok := v.begins(prefix)
	return ok
}

// begins reports whether the value is a string that begins with prefix, and how long the rest is.
func (v Value) begins(prefix string) (more int, ok bool) {
	if len(v.raw)-2 < len(prefix) || v.raw[0] != '"' {
		return 0, false
	}
	in := v.raw[1 : len(v.raw)-1]
	if prefix != "" && in[0] != '\\' && lower(in[0]) != lower(prefix[0]) { // nearly always
		return 0, false
	}
	if bytes.IndexByte(in, '\\') >= 0 {
		var buf [128]byte
		in = appendUnescaped(buf[:0], in)
	}
	more = len(in) - len(prefix)
	return more, more >= 0 && foldEqual(in[:len(prefix)], prefix)
}

// Fields walks over an object's members in order; over anything else it does nothing. The first value is the key.
func (v Value) Fields() iter.Seq2[Value, Value] {
	return func(yield func(Value, Value) bool) {
		if v.Kind() != Object {
			return
		}
		c := v.Cursor()
		for c.Open(); c.More(); {
			if key := c.In(c.Key()); !yield(key, c.Next()) {
				return
			}
		}
	}
}

// Items walks over an array's elements in order; over anything else it does nothing.
func (v Value) Items() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		if v.Kind() != Array {
			return
		}
		c := v.Cursor()
		for c.Open(); c.More(); {
			if !yield(c.Next()) {
				return
			}
		}
	}
}

// HasItems reports whether the value is an array that has an element.
func (v Value) HasItems() bool { return v.Kind() == Array && v.raw[space(v.raw, 1)] != ']' }

// Lookup returns the value of an object's key, compared as [Value.Is] does.
func (v Value) Lookup(name string) (Value, bool) {
	for key, val := range v.Fields() {
		if key.Is(name) {
			return val, true
		}
	}
	return Value{}, false
}

// FoldEqual compares two names as SCIM does: ASCII letters without case, everything else exactly.
func FoldEqual(a, b string) bool { return foldEqual(a, b) }

// Fold returns the name with its ASCII letters in lower case.
func Fold(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] != lower(s[i]) {
			var b strings.Builder
			b.Grow(len(s))
			b.WriteString(s[:i])
			for ; i < len(s); i++ {
				b.WriteByte(lower(s[i]))
			}
			return b.String()
		}
	}
	return s
}

// AppendString appends s as a JSON string: only what RFC 8259 §7 demands is escaped, so that <, > and & stay as they are.
// What is no valid UTF-8, as it may come out of a URL, becomes U+FFFD: a document is never invalid.
func AppendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	s = valid(s)
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

func valid(s string) string {
	if utf8.ValidString(s) { // much faster than to look for what is to be replaced
		return s
	}
	return strings.ToValidUTF8(s, "\ufffd")
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func foldEqual[A, B string | []byte](a A, b B) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func trim(b []byte) []byte { return bytes.Trim(b, " \t\r\n") }

// skip returns the index after the value that begins at i. The text has been scanned, so it is known to be whole.
func skip(b []byte, i int) int {
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '{', '[':
		depth := 0
		for ; ; i++ {
			switch b[i] {
			case '"':
				i = skipString(b, i) - 1
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
		}
	}
	for i < len(b) && b[i] != ',' && b[i] != '}' && b[i] != ']' && b[i] > ' ' {
		i++
	}
	return i
}

// skipString returns the index after the string that begins at i. Eight bytes are looked at together, as in [stringEnd].
func skipString(b []byte, i int) int {
	for i++; ; {
		if i+8 <= len(b) {
			w := binary.LittleEndian.Uint64(b[i:])
			quote, back := w^'"'*ones, w^'\\'*ones
			m := ((quote-ones)&^quote | (back-ones)&^back) & highs
			if m == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(m) / 8
		}
		switch b[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
		i++
	}
}

// appendUnescaped decodes the inside of a scanned string (RFC 8259 §7).
func appendUnescaped(dst, in []byte) []byte {
	for i := 0; i < len(in); i++ {
		run := bytes.IndexByte(in[i:], '\\')
		if run < 0 {
			return append(dst, in[i:]...)
		}
		dst = append(dst, in[i:i+run]...)
		i += run + 1
		switch in[i] {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r := hex4(in[i+1:])
			i += 4
			if utf16.IsSurrogate(r) && i+6 < len(in) && in[i+1] == '\\' {
				r = utf16.DecodeRune(r, hex4(in[i+3:]))
				i += 6
			}
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, in[i])
		}
	}
	return dst
}
