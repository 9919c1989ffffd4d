package quirks

import (
	"slices"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// maxRole is the longest text that is read as a role in JSON (H9).
const maxRole = 4 << 10

// roleOfText makes an object of a role whose value is JSON: see [pass.role].
func roleOfText(p *pass, _ *schema.Attribute, s doc.Span) (bool, error) { return p.role(s), nil }

// displayOfRole remembers the role whose displayName is to be called display.
func displayOfRole(p *pass, _ *schema.Attribute, s doc.Span) (bool, error) {
	p.element = p.d.In(s)
	return false, nil
}

// role writes a role whose value is JSON in a string (Q42) as an object, if the text is wholly what Entra sends: an object
// with no other keys than id, value and displayName. The role is an object, or the string alone, which bare-value would
// make the value of one. It reports whether it did.
func (p *pass) role(s doc.Span) bool {
	if !p.on[rolesJSON] {
		return false
	}
	outer := p.d.In(s)
	text := outer
	if outer.Kind() == doc.Object {
		text, _ = outer.Lookup("value")
	}
	if text.Kind() != doc.String || len(text.Raw()) > maxRole || text.Raw()[1] != '{' {
		return false
	}
	inner, err := doc.Scan([]byte(text.Text()))
	if err != nil {
		return false
	}
	var value, display doc.Value
	for key, v := range inner.Value().Fields() {
		switch {
		case key.Is("id"):
		case key.Is("value"):
			value = v
		case key.Is("displayName"):
			display = v
		default:
			return false
		}
		if v.Kind() != doc.String {
			return false
		}
	}
	if value.Kind() != doc.String {
		return false
	}
	role := doc.NewObject()
	if outer.Kind() == doc.Object {
		role = doc.Tree(outer)
	}
	role.Set("value", doc.NewString(value.Text()))
	if display.Kind() == doc.String && role.Get("display") == nil {
		role.Set("display", doc.NewString(display.Text()))
	}
	out, ok := p.asRole(role.AppendTo(nil))
	if !ok {
		return false
	}
	if outer.Kind() == doc.String {
		p.note(bareValue, p.raw(s), p.wrapped(s))
	}
	p.replace(s, string(out))
	p.note(rolesJSON, p.raw(s), out)
	return true
}

// asRole gives the other rules their say about what the role is now: names of another case, booleans that are strings. It
// is false where one of them refuses it; the role as it came is refused for the same then.
func (p *pass) asRole(role []byte) ([]byte, bool) {
	verb := p.verb
	if verb == scim.Patch {
		verb = scim.Replace
	}
	var acc Account
	whole, err := doc.Scan(slices.Concat([]byte(`{"schemas":["`+schema.UserURI+`"],"roles":[`), role, []byte(`]}`)))
	if err == nil {
		whole, err = p.n.Body(p.rt, verb, "", whole, &acc)
	}
	if err != nil {
		return nil, false
	}
	list, _ := whole.Value().Lookup("roles")
	for item := range list.Items() {
		for id, n := range acc.Counts() {
			p.acc.count(byID(id), n)
		}
		return item.Raw(), true
	}
	return nil, false
}
