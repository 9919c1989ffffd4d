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
		p.cur.Skip()
	} else {
		p.cur.Jump(s.To)
	}
	return nil
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
		if r := p.ofNull(sub, key); r != none {
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

// sub returns the sub-attribute that a key names. It is called for each key of each element of a list that has to be opened.
func (p *pass) sub(a *schema.Attribute, key doc.Span) *schema.Attribute {
	for _, s := range a.Sub {
		if p.exactly(key, s.Name) { // nearly always
			return s
		}
	}
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

// ofNull returns the rule that leaves out the sub-attribute at the cursor because it is null; none where none does.
func (p *pass) ofNull(sub *schema.Attribute, key doc.Span) rule {
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
	rule  rule
	omits nothing
}

// refIsNothing leaves out "$ref":null, but of a PUT (Q55).
func refIsNothing(p *pass, _ *schema.Attribute, key doc.Span) bool {
	return p.verb != scim.Replace && p.d.In(key).Is("$ref")
}

// nullIsNothing leaves out null in a POST, booleans excepted (Q24).
func nullIsNothing(p *pass, sub *schema.Attribute, _ doc.Span) bool {
	return p.verb == scim.Create && sub != nil && sub.Type != schema.Boolean
}
