package doc

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

const (
	ones  = 0x0101010101010101 // the same small number in each of eight bytes, times that number
	highs = 0x80 * ones
)

// stringEnd returns the index of the quote that closes the string whose inside begins at i, and whether there are escapes in
// it. With a reason, it is where the string is wrong.
//
// Eight bytes are looked at together. In m the high bit is set of the first byte that is a quote, a control character or
// a backslash, and perhaps of bytes after it: the subtraction borrows from a byte only where a lower one was hit.
func stringEnd(b []byte, i int) (end int, escaped bool, reason string) {
	from := i
	var seen uint64 // every byte, one over the other: only the high bits matter
	for {
		for i+8 <= len(b) {
			w := binary.LittleEndian.Uint64(b[i:])
			seen |= w
			quote := w ^ 0x02*ones // 0x22 becomes 0x20: what is below 0x21 now is a quote or a control character
			back := w ^ '\\'*ones
			m := ((quote-0x21*ones)&^quote | (back-ones)&^back) & highs
			if m != 0 {
				i += bits.TrailingZeros64(m) / 8
				goto found
			}
			i += 8
		}
		for i < len(b) && b[i] != '"' && b[i] != '\\' && b[i] >= ' ' {
			seen |= uint64(b[i])
			i++
		}
		if i == len(b) {
			return i, false, errTruncated
		}
	found:
		switch b[i] {
		case '"':
			if seen&highs != 0 && !utf8.Valid(b[from:i]) {
				return from - 1, false, errUTF8
			}
			return i, escaped, ""
		case '\\':
			if i, reason = escapeEnd(b, i); reason != "" {
				return i, false, reason
			}
			escaped = true
		default:
			return i, false, errControl
		}
	}
}

// escapeEnd returns the index after the escape whose backslash is at i. A surrogate counts only as a whole pair: what a lone
// one would become is anybody's guess (RFC 8259 §8.2).
func escapeEnd(b []byte, i int) (end int, reason string) {
	if i+1 == len(b) {
		return i + 1, errTruncated
	}
	switch b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2, ""
	case 'u':
	default:
		return i, errEscape
	}
	if reason = hexError(b, i); reason != "" {
		return i, reason
	}
	switch r := hex4(b[i+2:]); {
	case r < 0xD800 || r > 0xDFFF:
		return i + 6, ""
	case r > 0xDBFF:
		return i, errSurrogate
	}
	if low := b[i+6:]; len(low) < 2 || low[0] != '\\' || low[1] != 'u' {
		return i, errSurrogate
	}
	if reason = hexError(b, i+6); reason != "" {
		return i + 6, reason
	}
	if r := hex4(b[i+8:]); r < 0xDC00 || r > 0xDFFF {
		return i, errSurrogate
	}
	return i + 12, ""
}

// hexError returns what is wrong with the four hexadecimal digits of the \u at i.
func hexError(b []byte, i int) string {
	for j := i + 2; j < i+6; j++ {
		if j == len(b) {
			return errTruncated
		}
		if c := b[j] | 0x20; (c < '0' || c > '9' || b[j] != c) && (c < 'a' || c > 'f') {
			return errEscape
		}
	}
	return ""
}

// hex4 returns the number that four hexadecimal digits stand for.
func hex4(b []byte) rune {
	var r rune
	for _, c := range b[:4] {
		if c > '9' {
			c += 9 // the low half of a letter of either case is one to six
		}
		r = r<<4 | rune(c&15)
	}
	return r
}

// literalEnd returns the index after the word at i, or -1 where another one stands.
func literalEnd(b []byte, i int, word string) int {
	if end := i + len(word); end <= len(b) && string(b[i:end]) == word {
		return end
	}
	return -1
}

// numberEnd returns the index after the number at i (RFC 8259 §6). With a reason, it is where the number is wrong.
func numberEnd(b []byte, i int) (end int, reason string) {
	from := i
	if b[i] == '-' {
		i++
	}
	if i < len(b) && b[i] == '0' {
		i++
	} else if i, reason = digitsEnd(b, i); reason != "" {
		return i, reason
	}
	if i < len(b) && b[i] == '.' {
		if i, reason = digitsEnd(b, i+1); reason != "" {
			return i, reason
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if i, reason = digitsEnd(b, i); reason != "" {
			return i, reason
		}
	}
	if i-from > MaxNumber {
		return from, errLong
	}
	return i, ""
}

// digitsEnd returns the index after one or more digits.
func digitsEnd(b []byte, i int) (end int, reason string) {
	from := i
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	switch {
	case i > from:
		return i, ""
	case i == len(b):
		return i, errTruncated
	}
	return i, errNumber
}

// space returns the index of the first byte from i on that is no white space.
func space(b []byte, i int) int {
	for i < len(b) && b[i] <= ' ' && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}
