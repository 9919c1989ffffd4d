package quirks

import (
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// position is how a value stands in a document.
type position uint8

const (
	asValue   position = iota // of an attribute or sub-attribute that is no list, or a simple value in one
	asList                    // of an attribute that is a list, as a whole
	asElement                 // in such a list
	positions
)

// rewriting is the part of a rule that changes the value in a span, which is the attribute's. It reports whether it did, so
// that nothing else has to be done about the value.
type rewriting func(p *pass, a *schema.Attribute, s doc.Span) (bool, error)

// values are the rewritings whose rules are on, by where the value stands, what it is, and what the schema says it should be.
type values [positions][doc.Object + 1][schema.Complex + 1][]valueRule

type valueRule struct {
	name string // of the attribute; empty for all
	do   rewriting
}

// value normalizes the value at the cursor, which is the attribute's, or that of a list as a whole, and moves behind it. Only
// the schema decides what it should be: a value of an attribute that the schema does not know is left alone (T2), however
// it looks.
func (p *pass) value(a *schema.Attribute, list bool) error {
	at := asValue
	switch {
	case a == nil:
		p.cur.Skip()
		return nil
	case list:
		at = asList
	}
	secret := p.secret
	p.secret = secret || a.Returned == schema.Never
	err := p.valueAt(at, a)
	p.secret = secret
	return err
}

func (p *pass) valueAt(at position, a *schema.Attribute) error {
	kind := p.cur.Kind()
	var s doc.Span
	for _, r := range p.n.values[at][kind][a.Type] {
		if r.name != "" && r.name != a.Name {
			continue
		}
		if s.To == 0 {
			s = p.whole()
		}
		if done, err := r.do(p, a, s); err != nil {
			return err
		} else if done {
			p.cur.Jump(s.To)
			return nil
		}
	}
	switch {
	case at == asList && kind == doc.Array:
		return p.elements(a)
	case at == asList && kind == doc.String && isMembers(a):
		if s = p.whole(); s.To-s.From == 2 {
			return p.nameless()
		}
	case at != asList && kind == doc.Object && a.Type == schema.Complex:
		return p.complex(a)
	case at == asElement && a.Type != schema.Complex:
		return p.valueAt(asValue, a)
	case at == asValue && kind == doc.Bool && a.Name == "primary":
		if s = p.whole(); p.d.In(s).True() {
			p.primaries++
		}
	}
	if s.To == 0 {
		s = p.whole()
	}
	p.cur.Jump(s.To)
	return nil
}

// field is one member of an object.
type field struct{ key, value doc.Span }

// fields returns the members of the object at the cursor, which stays where it is. They are read once, whoever asks: a list
// may have very many objects.
func (p *pass) fields() []field {
	if p.opened.From != p.cur.Offset() || p.opened.To == 0 {
		p.parts = p.parts[:0]
		c := p.cur
		for c.Open(); c.More(); {
			key := c.Key()
			p.parts = append(p.parts, field{key, c.Skip()})
		}
		p.opened = doc.Span{From: p.cur.Offset(), To: c.Offset()}
	}
	p.known = p.opened
	return p.parts
}

// complex normalizes the object at the cursor, whose members are sub-attributes. A member of a group is one in whatever
// form it came: in a list, or alone.
func (p *pass) complex(a *schema.Attribute) error {
	was := p.inMembers
	p.inMembers = isMembers(a)
	fields, l := p.fields(), p.open()
	p.parts, p.opened = fields[len(fields):], doc.Span{} // for what is inside
	for i := 0; l.next(p); i++ {
		key := fields[i].key
		sub, spelled := p.sub(a, key)
		p.place.key(key)
		p.known = fields[i].value
		p.cur.Jump(p.known.From)
		if r := p.ofNull(sub, key); r != none {
			p.note(r, p.raw(p.known), nil)
			p.cur.Jump(p.known.To)
			l.drop(p)
		} else {
			if !spelled && sub != nil {
				p.spell(key, sub.Name)
			}
			if err := p.value(sub, sub != nil && sub.MultiValued); err != nil {
				return err
			}
		}
		p.place.pop()
	}
	p.parts, p.opened, p.inMembers = fields[:0], doc.Span{}, was
	return nil
}

// sub returns the sub-attribute that a key names, and whether it is spelled as in the schema. It is called for each key of each
// element of a list.
func (p *pass) sub(a *schema.Attribute, key doc.Span) (sub *schema.Attribute, spelled bool) {
	name := p.raw(doc.Span{From: key.From + 1, To: key.To - 1})
	for _, s := range a.Sub {
		if string(name) == s.Name { // nearly always
			return s, true
		}
	}
	k := p.d.In(key)
	for _, s := range a.Sub {
		if k.Is(s.Name) {
			return s, false
		}
	}
	if a.Name == "roles" && p.on[rolesDisplay] && k.Is("displayName") {
		if _, ok := p.element.Lookup("display"); !ok {
			return a.SubAttribute("display"), false
		}
	}
	return nil, false
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

// ofNull returns the rule that leaves out the sub-attribute at the cursor because it is null; none where none does.
func (p *pass) ofNull(sub *schema.Attribute, key doc.Span) ruleID {
	if p.cur.Kind() == doc.Null {
		for _, r := range p.n.nulls {
			if r.omits(p, sub, key) {
				return r.rule
			}
		}
	}
	return none
}

// nothing is the part of a rule that leaves out a sub-attribute, which the schema may not know, because it is null.
type nothing func(p *pass, sub *schema.Attribute, key doc.Span) bool

type ofNull struct {
	rule  ruleID
	omits nothing
}

// refIsNothing leaves out "$ref":null, but of a PUT (Q55).
func refIsNothing(p *pass, _ *schema.Attribute, key doc.Span) bool {
	return p.verb != scim.Replace && p.keyword(key, "$ref")
}

// nullIsNothing leaves out null in a POST, booleans excepted (Q24).
func nullIsNothing(p *pass, sub *schema.Attribute, _ doc.Span) bool {
	return p.verb == scim.Create && sub != nil && sub.Type != schema.Boolean
}
