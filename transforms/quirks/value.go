package quirks

import (
	"bytes"
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// value normalizes the value at the cursor, which is the attribute's, and moves behind it. Only the schema decides what it
// should be: a value of an attribute that the schema does not know is left alone (T2), however it looks.
func (p *pass) value(a *schema.Attribute, whole bool) error {
	if a == nil {
		p.cur.Skip()
		return nil
	}
	if a.Returned == schema.Never && !p.secret {
		p.secret = true
		err := p.value(a, whole)
		p.secret = false
		return err
	}
	if whole {
		return p.many(a)
	}
	switch p.cur.Kind() {
	case doc.String:
		return p.text(a)
	case doc.Object:
		if a.Type == schema.Complex {
			return p.complex(a)
		}
	case doc.Array:
		return p.unwrap(a)
	case doc.Bool:
		if s := p.cur.Skip(); a.Name == "primary" && p.d.In(s).True() {
			p.primaries++
		}
		return nil
	case doc.Number:
		if s := p.cur.Skip(); p.inMembers && a.Name == "value" && p.on[memberNumber] && digits(p.raw(s)) {
			p.wrap(s, `"`, `"`)
			p.note(memberNumber, p.raw(s), p.quoted(string(p.raw(s))))
		}
		return nil
	}
	p.cur.Skip()
	return nil
}

// text normalizes a string.
func (p *pass) text(a *schema.Attribute) error {
	s := p.cur.Skip()
	switch a.Type {
	case schema.Boolean:
		return p.boolean(a, s)
	case schema.Integer, schema.Decimal:
		p.number(a, s)
	case schema.Complex:
		if p.on[managerString] && s.To-s.From > 2 && a.SubAttribute("value") != nil {
			p.wrap(s, `{"value":`, "}")
			p.note(managerString, p.raw(s), p.wrapped(s))
		}
	case schema.String:
		return p.controls(a, s)
	}
	return nil
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

// boolean makes a boolean of a string.
func (p *pass) boolean(a *schema.Attribute, s doc.Span) error {
	if !p.on[booleanString] {
		return nil
	}
	v, r := p.d.In(s), booleanString
	word := ""
	switch {
	case v.Is("true"):
		word = "true"
	case v.Is("false"):
		word = "false"
	case p.on[localizedBoolean]:
		r = localizedBoolean
		word = localized(v.Text())
	}
	if word == "" {
		return scim.Errorf(400, scim.InvalidValue, "%s is neither true nor false; correct the mapping of %s (in Entra: "+
			`Switch([IsSoftDeleted], , "False", "True", "True", "False") for active)`, p.at(a.Name), a.Name)
	}
	if word == "true" && a.Name == "primary" {
		p.primaries++
	}
	p.replace(s, word)
	p.note(r, p.raw(s), []byte(word))
	return nil
}

// number makes a number of a string that is written like one in JSON. No other text is: "007" is none.
func (p *pass) number(a *schema.Attribute, s doc.Span) {
	if !p.on[numberString] {
		return
	}
	inside := p.raw(s)[1 : s.To-s.From-1]
	if !writtenAsNumber(string(inside), a.Type == schema.Decimal) {
		return
	}
	p.replace(s, string(inside))
	p.note(numberString, p.raw(s), inside)
}

// writtenAsNumber tells whether a text is an integer, or with decimal, a decimal number, in JSON's spelling. An exponent is
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

// controls refuses control characters in what identifies a resource (H7). Elsewhere they may mean something: an address
// has lines.
func (p *pass) controls(a *schema.Attribute, s doc.Span) error {
	if !p.escaped(s) || !p.identifies(a) {
		return nil
	}
	return p.uncontrolled(a.Name, s)
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

// escaped tells whether a string, or the inside of one, has an escape, or the one control character that needs none.
func (p *pass) escaped(s doc.Span) bool {
	return bytes.IndexByte(p.raw(s), '\\') >= 0 || bytes.IndexByte(p.raw(s), 0x7f) >= 0
}

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

// unwrap takes the one element out of an array for an attribute that is no list (Q43). Anything else in an array is left
// alone: two elements are nobody's to choose from (T6).
func (p *pass) unwrap(a *schema.Attribute) error {
	outer := p.cur
	array := outer.Skip()
	if inner, ok := p.only(a, p.cur); ok {
		p.replace(doc.Span{From: array.From, To: inner.From}, "")
		p.note(scalarInArray, p.raw(array), p.raw(inner))
		p.cur.Jump(inner.From)
		if err := p.value(a, false); err != nil {
			return err
		}
		p.replace(doc.Span{From: inner.To, To: array.To}, "")
	}
	p.cur.Jump(array.To)
	return nil
}

// only is what the one element of the array at the cursor holds, if that is what the array stands for.
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

// complex normalizes the object at the cursor, whose members are sub-attributes. A member of a group is one in whatever
// form it came: in a list, or alone.
func (p *pass) complex(a *schema.Attribute) error {
	was := p.inMembers
	p.inMembers = isMembers(a)
	for l := p.open(); l.next(p); {
		key := p.cur.Key()
		sub := p.sub(a, key)
		p.place.key(key)
		if r := p.nullField(sub, key); r != none {
			p.note(r, p.raw(p.cur.Skip()), nil)
			l.drop(p)
		} else {
			if sub != nil {
				p.spell(key, sub.Name)
			}
			if err := p.value(sub, sub != nil && sub.MultiValued); err != nil {
				return err
			}
		}
		p.place.pop()
	}
	p.inMembers = was
	return nil
}

// sub is the sub-attribute that a key names. It is called for each key of each element of a list that has to be opened.
func (p *pass) sub(a *schema.Attribute, key doc.Span) *schema.Attribute {
	k := p.d.In(key)
	for _, s := range a.Sub {
		if k.Is(s.Name) {
			return s
		}
	}
	if a.Name == "roles" && p.on[rolesDisplay] && k.Is("displayName") {
		if _, ok := p.element.Lookup("display"); !ok {
			return a.SubAttribute("display")
		}
	}
	return nil
}

// spell writes a key in the schema's spelling.
func (p *pass) spell(key doc.Span, name string) {
	if p.exactly(key, name) {
		return
	}
	raw := p.raw(key)
	text := p.d.In(key).Text()
	r := attributeCase
	if !doc.FoldEqual(text, name) {
		r = rolesDisplay
	}
	if text == name || !p.on[r] {
		return
	}
	p.replace(key, string(doc.AppendString(nil, name)))
	p.note(r, raw, p.quoted(name))
}

// nullField is the rule that leaves out the sub-attribute at the cursor because it is null, where null says nothing: "$ref":null
// everywhere (Q55), anything in a POST (Q24).
func (p *pass) nullField(sub *schema.Attribute, key doc.Span) rule {
	switch {
	case p.cur.Kind() != doc.Null:
	case p.on[refNull] && p.d.In(key).Is("$ref") && p.verb != scim.Replace:
		return refNull
	case p.verb == scim.Create && p.on[createNulls] && sub != nil && sub.Type != schema.Boolean:
		return createNulls
	}
	return none
}
