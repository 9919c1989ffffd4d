package mapping

import (
	"fmt"

	"github.com/caddy-scim/gateway/transforms/scim"
)

// Error is a mistake in a mapping.
type Error struct {
	Where  string // the place in the definition, such as user.create[0].edits[1]; empty for the whole of it
	Reason string // one line, lower case
}

func (e *Error) Error() string {
	if e.Where == "" {
		return "mapping: " + e.Reason
	}
	return "mapping: " + e.Where + ": " + e.Reason
}

func errorf(where, format string, args ...any) *Error {
	return &Error{where, fmt.Sprintf(format, args...)}
}

// unmade is what the provider is told when a call cannot be made as the mapping says. It is nobody's fault but the
// mapping's: neither did the API answer something wrong, nor would another request do better.
func unmade(where, format string, args ...any) error {
	return scim.Errorf(500, "", "the mapping does not fit: %s cannot be carried out: "+format, append([]any{where}, args...)...)
}
