package quirks

import (
	"bytes"
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// booleanOfText makes a boolean of "True" and "False".
func booleanOfText(p *pass, a *schema.Attribute, s doc.Span) (bool, error) {
	word := ""
	switch v := p.d.In(s); {
	case v.Is("true"):
		word = "true"
	case v.Is("false"):
		word = "false"
	}
	return p.boolean(booleanString, a, s, word), nil
}

// booleanOfWord makes a boolean of a word of another language, and refuses any other.
func booleanOfWord(p *pass, a *schema.Attribute, s doc.Span) (bool, error) {
	if p.on[booleanString] && p.boolean(localizedBoolean, a, s, localized(p.d.In(s).Text())) {
		return true, nil
	}
	return neitherTrueNorFalse(p, a, s)
}

// boolean writes true or false in the place of a string, unless the word is none.
func (p *pass) boolean(r ruleID, a *schema.Attribute, s doc.Span, word string) bool {
	if word == "" {
		return false
	}
	if word == "true" && a.Name == "primary" {
		p.primaries++
	}
	p.replace(s, word)
	p.note(r, p.raw(s), []byte(word))
	return true
}

// neitherTrueNorFalse refuses a string for a boolean that is a word for neither.
func neitherTrueNorFalse(p *pass, a *schema.Attribute, _ doc.Span) (bool, error) {
	if !p.on[booleanString] {
		return false, nil
	}
	return false, scim.Errorf(400, scim.InvalidValue, "%s is neither true nor false; correct the mapping of %s (in Entra: "+
		`Switch([IsSoftDeleted], , "False", "True", "True", "False") for active)`, p.at(a.Name), a.Name)
}

// numberOfText makes a number of a string that is written like one in JSON. No other text is: "007" is none.
func numberOfText(p *pass, a *schema.Attribute, s doc.Span) (bool, error) {
	inside := p.raw(s)[1 : s.To-s.From-1]
	if !writtenAsNumber(string(inside), a.Type == schema.Decimal) {
		return false, nil
	}
	p.replace(s, string(inside))
	p.note(numberString, p.raw(s), inside)
	return true, nil
}

// writtenAsNumber reports whether a text is an integer, or with decimal, a decimal number, in JSON's spelling. An exponent is
// nothing that anybody means by a string.
func writtenAsNumber(text string, decimal bool) bool {
	return doc.IsNumber(text) && !strings.ContainsAny(text, "eE") && (decimal || !strings.Contains(text, "."))
}

func digits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}

// managerOfText makes an object of the id of what an attribute refers to (RFC 7643 §4.3).
func managerOfText(p *pass, a *schema.Attribute, s doc.Span) (bool, error) {
	if !standsForElement(a, p.raw(s)) {
		return false, nil
	}
	p.wrap(s, `{"value":`, "}")
	p.note(managerString, p.raw(s), p.wrapped(s))
	return true, nil
}

// wrap writes text around a value that stays as it is.
func (p *pass) wrap(s doc.Span, before, after string) {
	p.replace(doc.Span{From: s.From, To: s.From}, before)
	p.replace(doc.Span{From: s.To, To: s.To}, after)
}

func (p *pass) wrapped(s doc.Span) []byte {
	if !p.acc.wants() {
		return nil
	}
	return append(append([]byte(`{"value":`), p.raw(s)...), '}')
}

// withoutControls refuses control characters in what identifies a resource (H7). Elsewhere they may mean something: an
// address has lines.
func withoutControls(p *pass, a *schema.Attribute, s doc.Span) (bool, error) {
	if !p.escaped(s) || !p.identifies(a) { // nearly no string has one
		return false, nil
	}
	return false, p.uncontrolled(a.Name, s)
}

// uncontrolled refuses the string that identifies a resource if it has control characters, wherever it is found.
func (p *pass) uncontrolled(name string, s doc.Span) error {
	if !p.escaped(s) {
		return nil
	}
	return p.uncontrolledText(name, p.d.In(s).Text())
}

func (p *pass) uncontrolledText(name, text string) error {
	if p.on[controlCharacters] && strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		p.acc.count(controlCharacters, 1)
		return scim.Errorf(400, scim.InvalidValue, "%s has control characters", p.at(name))
	}
	return nil
}

// escaped reports whether a string, or the inside of one, has an escape, or the one control character that needs none.
func (p *pass) escaped(s doc.Span) bool {
	return p.escapes && hasEscape(p.raw(s))
}

func hasEscape(b []byte) bool { return bytes.IndexByte(b, '\\') >= 0 || bytes.IndexByte(b, 0x7f) >= 0 }

func (p *pass) identifies(a *schema.Attribute) bool {
	switch a.Name {
	case "userName", "externalId":
		return true
	case "displayName":
		return p.rt == p.n.set.Group
	case "value":
		return p.inMembers
	}
	return a.Uniqueness != schema.None
}

// valueOfArray takes the one element out of an array for an attribute that is no list (Q43). Anything else in an array is left
// alone: two elements are nobody's to choose from (T6).
func valueOfArray(p *pass, a *schema.Attribute, s doc.Span) (bool, error) {
	inner, ok := p.only(a, p.d.At(s.From))
	if !ok {
		return false, nil
	}
	p.replace(doc.Span{From: s.From, To: inner.From}, "")
	p.note(scalarInArray, p.raw(s), p.raw(inner))
	p.cur.Jump(inner.From)
	if err := p.value(a, false); err != nil {
		return false, err
	}
	p.replace(doc.Span{From: inner.To, To: s.To}, "")
	return true, nil
}

// only returns what the one element of the array at the cursor holds, if that is what the array stands for.
func (p *pass) only(a *schema.Attribute, c doc.Cursor) (s doc.Span, ok bool) {
	if !p.on[scalarInArray] {
		return s, false
	}
	if c.Open(); !c.More() {
		return s, false
	}
	kind := c.Kind()
	s = c.Skip()
	if c.More() {
		return s, false
	}
	switch {
	case a.Type == schema.Complex && a.SubAttribute("value") != nil:
		return s, kind == doc.Object || kind == doc.String
	case kind != doc.Object || a.Type == schema.Complex:
		return s, false
	}
	e := p.d.At(s.From)
	for e.Open(); e.More(); {
		key := p.d.In(e.Key())
		switch {
		case key.Is("value"):
			k := e.Kind()
			ok = k != doc.Object && k != doc.Array && k != doc.Null
			s = e.Skip()
		case key.Is("$ref"):
			e.Skip()
		default:
			return s, false
		}
	}
	return s, ok
}
