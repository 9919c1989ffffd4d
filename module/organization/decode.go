package organization

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// decode reads a body into a model. Names are matched in any case, as the original does, and unknown ones are
// passed over.
func decode[T any](body []byte) (*T, error) {
	p := problems{}
	if !utf8.Valid(body) {
		p.add("$", "The JSON value is not valid UTF-8.")
		return nil, p.err()
	}
	var v *T
	err := json.Unmarshal(body, &v)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		p.add(strings.TrimSuffix("$."+wrong.Field, "."), "The JSON value could not be converted.")
	} else if errors.Is(err, errGUID) {
		p.add("$", "The JSON value could not be converted: "+errGUID.Error()+".")
	} else if err != nil {
		p.add("$", "The JSON value could not be read: "+err.Error()+".")
	} else if v == nil {
		return nil, errEmptyBody
	}
	return v, p.err()
}

// required notes that a field which must be there is missing or blank.
func (p problems) required(field string, there bool) {
	if !there {
		p.add(field, fmt.Sprintf("The %s field is required.", lastName(field)))
	}
}

// atMost notes that a text is longer than it may be. Characters are counted as .NET does, in UTF-16 units, since
// that is what the limits of the original mean.
func (p problems) atMost(field, text string, limit int) {
	units := 0
	for _, r := range text {
		units++
		if r >= 0x10000 {
			units++
		}
	}
	if units > limit {
		p.add(field, fmt.Sprintf("The field %s must be a string with a maximum length of %d.", lastName(field), limit))
	}
}

// email checks an address and returns it as it is stored.
func (p problems) email(field, text string) string {
	if blank(text) {
		p.required(field, false)
		return ""
	}
	p.atMost(field, text, 256)
	if CheckEmail(text) != nil {
		p.add(field, fmt.Sprintf("The %s field is not a supported e-mail address format.", lastName(field)))
	}
	return strings.Map(func(r rune) rune {
		if l := unicode.ToLower(r); r < utf8.RuneSelf || l >= utf8.RuneSelf { // a letter that is no ASCII one stays none
			return l
		}
		return r
	}, text)
}

// externalID checks an external id and returns it as it is stored: a blank one is none.
func (p problems) externalID(text *string) *string {
	if text == nil || blank(*text) {
		return nil
	}
	p.atMost("ExternalId", *text, 300)
	return text
}

// collectionModel is the access to a collection as a request states it.
type collectionModel struct {
	ID            *guid `json:"id"`
	ReadOnly      *bool `json:"readOnly"`
	HidePasswords bool  `json:"hidePasswords"`
	Manage        bool  `json:"manage"`
}

// collections checks the access that a request states and returns it as it is stored, never nil.
func (p problems) collections(models []collectionModel) []collection {
	out := make([]collection, 0, len(models))
	for i, m := range models {
		at := fmt.Sprintf("Collections[%d].", i)
		p.required(at+"Id", m.ID != nil)
		p.required(at+"ReadOnly", m.ReadOnly != nil)
		if m.ID != nil && m.ReadOnly != nil {
			out = append(out, collection{*m.ID, *m.ReadOnly, m.HidePasswords, m.Manage})
		}
	}
	return out
}

// exclusive refuses access that both manages and does not even show everything.
func exclusive(access []collection) error {
	for _, c := range access {
		if c.Manage && (c.ReadOnly || c.HidePasswords) {
			return errNoManage
		}
	}
	return nil
}

// lastName returns what messages call a field: the part of its path after the last dot.
func lastName(field string) string { return field[strings.LastIndexByte(field, '.')+1:] }

func blank(s string) bool { return strings.TrimSpace(s) == "" }
