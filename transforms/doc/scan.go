package doc

import (
	"bytes"
	"math"
	"strconv"
)

// The scanner's limits.
const (
	MaxDepth  = 64   // nested arrays and objects
	MaxNumber = 1000 // bytes of one number
)

// Error is why a text is not a document the gateway accepts. It never quotes the text.
type Error struct {
	Offset int    // bytes from the beginning
	Reason string // one line, lower case
}

func (e *Error) Error() string { return e.Reason + " at byte " + strconv.Itoa(e.Offset) }

// Why a text is refused. They are constants, so that a refusal costs nothing and says nothing of what was in the text.
const (
	errEmpty     = "empty document"
	errTruncated = "the document breaks off"
	errValue     = "expected a value"
	errKey       = "expected a key in quotes"
	errColon     = "expected a colon"
	errComma     = "expected a comma or the end of the array or object"
	errLiteral   = "unknown literal"
	errNumber    = "malformed number"
	errLong      = "number of more than " + maxNumberText + " bytes"
	errDeep      = "nested more than " + maxDepthText + " deep"
	errControl   = "control character in a string"
	errEscape    = "unknown escape in a string"
	errSurrogate = "lone surrogate in a string"
	errUTF8      = "invalid UTF-8 in a string"
	errDuplicate = "duplicate key"
	errTrailing  = "text after the document"
	errLarge     = "document of more than 4 GiB"

	maxDepthText  = "64"
	maxNumberText = "1000"
)

// TrimBOM returns the text without one leading UTF-8 byte order mark, and whether there was one. RFC 8259 §8.1 lets a receiver
// ignore the mark or refuse it: [Scan] ignores it, a caller that would rather refuse asks here first (H6).
func TrimBOM(b []byte) ([]byte, bool) { return bytes.CutPrefix(b, []byte("\xef\xbb\xbf")) }

// Scan checks a text from outside: one JSON value (RFC 8259), valid UTF-8, at most [MaxDepth] deep, no two keys of an
// object equal after decoding and ASCII case folding, no lone surrogate, no number longer than [MaxNumber], nothing after
// the value. One leading byte order mark is left out of the document. Any error is an [*Error].
//
// It takes one pass, time linear in the text whatever the text is, and no memory that depends on how many values there
// are, except for an object of very many keys. The document aliases the text, which must not change any more.
func Scan(b []byte) (Doc, error) {
	text, _ := TrimBOM(b)
	if uint64(len(text)) > math.MaxUint32 {
		return Doc{}, &Error{Reason: errLarge}
	}
	at, reason := scan(text)
	if reason != "" {
		return Doc{}, &Error{Offset: at + len(b) - len(text), Reason: reason}
	}
	return Doc{text}, nil
}

// frame is an array or object that is not closed yet.
type frame struct {
	base   uint32 // an object's first key in keys.open
	object bool
	many   bool // there is a set of its keys
}

// scan returns where and why the text is refused; no reason means that it is not. The nesting is kept in an array of fixed
// size instead of on the goroutine's stack: nothing from outside can make it grow (6 MB of brackets kill a recursive
// parser and its process with it).
func scan(b []byte) (at int, reason string) {
	var (
		frames [MaxDepth]frame
		names  = borrowKeys(b)
		depth  int // open frames
		i, end int
		esc    bool // in the key that was read last
	)
	defer names.giveBack()

value:
	if i = space(b, i); i == len(b) {
		if depth == 0 {
			return i, errEmpty
		}
		return i, errTruncated
	}
	switch c := b[i]; c {
	case '"':
		if end, _, reason = stringEnd(b, i+1); reason != "" {
			return end, reason
		}
		i = end + 1
	case '{', '[':
		if depth == MaxDepth {
			return i, errDeep
		}
		frames[depth] = frame{base: uint32(len(names.open)), object: c == '{'}
		depth++
		if i = space(b, i+1); i == len(b) {
			return i, errTruncated
		}
		if b[i] == c+2 { // the closing bracket of either kind
			goto closing
		}
		if c == '{' {
			goto key
		}
		goto value
	case 't':
		if end = literalEnd(b, i, "true"); end < 0 {
			return i, errLiteral
		}
		i = end
	case 'f':
		if end = literalEnd(b, i, "false"); end < 0 {
			return i, errLiteral
		}
		i = end
	case 'n':
		if end = literalEnd(b, i, "null"); end < 0 {
			return i, errLiteral
		}
		i = end
	default:
		if c != '-' && (c < '0' || c > '9') {
			return i, errValue
		}
		if end, reason = numberEnd(b, i); reason != "" {
			return end, reason
		}
		i = end
	}

after: // a value has ended before i
	if i = space(b, i); depth == 0 {
		if i < len(b) {
			return i, errTrailing
		}
		return i, ""
	}
	if i == len(b) {
		return i, errTruncated
	}
	if !frames[depth-1].object {
		switch b[i] {
		case ',':
			i++
			goto value
		case ']':
			goto closing
		}
		return i, errComma
	}
	switch b[i] {
	case ',':
		if i = space(b, i+1); i == len(b) {
			return i, errTruncated
		}
		goto key
	case '}':
		goto closing
	}
	return i, errComma

key:
	if b[i] != '"' {
		return i, errKey
	}
	if end, esc, reason = stringEnd(b, i+1); reason != "" {
		return end, reason
	}
	if !names.add(&frames[depth-1], i+1, end, esc) {
		return i, errDuplicate
	}
	if i = space(b, end+1); i == len(b) {
		return i, errTruncated
	}
	if b[i] != ':' {
		return i, errColon
	}
	i++
	goto value

closing: // b[i] closes the innermost frame
	depth--
	if frames[depth].object {
		names.drop(&frames[depth])
	}
	i++
	goto after
}
