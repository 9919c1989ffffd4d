package scim

import (
	"fmt"
	"strconv"
	"time"

	"github.com/caddy-scim/gateway/transforms/doc"
)

// The scimType keywords of RFC 7644 §3.12 that the gateway uses.
const (
	InvalidFilter = "invalidFilter"
	TooMany       = "tooMany"
	Uniqueness    = "uniqueness"
	Mutability    = "mutability"
	InvalidSyntax = "invalidSyntax"
	InvalidPath   = "invalidPath"
	NoTarget      = "noTarget"
	InvalidValue  = "invalidValue"
)

// Error is the answer to a request that could not be carried out (RFC 7644 §3.12). Entra's portal shows it to the
// tenant's administrators, so it holds no internal host name, no secret and no value of a document beyond attribute names.
type Error struct {
	Status     int           // HTTP status code
	Type       string        // scimType; empty where the RFC defines none
	Detail     string        // one line for the person who has to act on it
	RetryAfter time.Duration // for the Retry-After header with 429 and 503; zero sends none
	Cause      error         // for the log only; nil where the detail says it all
	NoAccess   bool          // the user has no access, whatever was refused: nobody has to be called
}

// Errorf makes an [Error] whose detail is formatted as fmt.Sprintf does.
func Errorf(status int, scimType, format string, args ...any) *Error {
	return &Error{Status: status, Type: scimType, Detail: fmt.Sprintf(format, args...)}
}

// NoSuch returns the answer to a request for a resource that does not exist; what is a word such as user.
func NoSuch(what string) *Error {
	return Errorf(404, "", "there is no such %s", what)
}

func (e *Error) Error() string {
	s := strconv.Itoa(e.Status) + " " + e.Type + ": " + e.Detail
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Cause }

// IsError reports whether a document says that it is an error of SCIM.
func IsError(v doc.Value) bool {
	list, _ := v.Lookup("schemas")
	for item := range list.Items() {
		if item.Is(ErrorSchema) {
			return true
		}
	}
	return false
}

// Body returns the error as a document; status is a string there (RFC 7644 §3.12).
func (e *Error) Body() []byte {
	b := append([]byte(nil), `{"schemas":["`+ErrorSchema+`"],"status":"`...)
	b = strconv.AppendInt(b, int64(e.Status), 10)
	b = append(b, '"')
	if e.Type != "" {
		b = append(b, `,"scimType":`...)
		b = doc.AppendString(b, e.Type)
	}
	b = append(b, `,"detail":`...)
	return append(doc.AppendString(b, e.Detail), '}')
}
