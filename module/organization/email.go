package organization

import (
	"errors"
	"net/mail"
	"regexp"
)

// address is the shape that the API asks for beyond the syntax of RFC 5322: an ASCII local part, and a domain with
// a dot whose last label consists of letters.
var address = regexp.MustCompile(`^[\x00-\x7F]+@.+\.\p{L}+$`)

// CheckEmail returns an error unless a member can be invited at the address. It never repeats the address.
func CheckEmail(s string) error {
	// The address has to be bare: what the parser understands must be all that was written, no name, no comment.
	if a, err := mail.ParseAddress(s); err != nil || a.Name != "" || a.Address != s || !address.MatchString(s) {
		return errors.New("not a supported e-mail address")
	}
	return nil
}
