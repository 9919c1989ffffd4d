package organization

import (
	"bytes"
	"errors"

	"github.com/google/uuid"
)

// guid is an id: a GUID in its usual form of 36 characters, lower-case when written, in any case when read.
type guid uuid.UUID

var errGUID = errors.New("a GUID was expected")

func newGUID() guid { return guid(uuid.New()) }

func parseGUID(s string) (guid, error) {
	// uuid.Parse also takes braces, a urn: prefix and no hyphens at all, which the API does not.
	if len(s) != 36 {
		return guid{}, errGUID
	}
	u, err := uuid.Parse(s)
	if err != nil {
		return guid{}, errGUID
	}
	return guid(u), nil
}

func (g guid) String() string { return uuid.UUID(g).String() }

// MarshalText writes the usual form.
func (g guid) MarshalText() ([]byte, error) { return uuid.UUID(g).MarshalText() }

// UnmarshalText reads the usual form only.
func (g *guid) UnmarshalText(b []byte) (err error) {
	*g, err = parseGUID(string(b))
	return err
}

func (g guid) compare(h guid) int { return bytes.Compare(g[:], h[:]) }
