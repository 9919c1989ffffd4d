package quirks

import (
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// many normalizes the value of an attribute that is a list.
func (p *pass) many(a *schema.Attribute) error {
	switch p.cur.Kind() {
	case doc.Array:
		return p.elements(a)
	case doc.Object:
		if at, ok := p.held(a, p.cur); ok {
			return p.unfold(a, at)
		}
		if a.Type != schema.Complex || !p.on[objectForList] {
			break
		}
		s := p.whole()
		p.replace(doc.Span{From: s.From, To: s.From}, "[")
		p.note(objectForList, p.raw(s), nil)
		if err := p.one(a); err != nil {
			return err
		}
		p.replace(doc.Span{From: s.To, To: s.To}, "]")
		return nil
	case doc.String:
		s := p.whole()
		empty := s.To-s.From == 2
		switch {
		case empty && isMembers(a):
			return p.nameless()
		case empty, a.Type != schema.Complex && !p.on[objectForList],
			a.Type == schema.Complex && (!p.on[bareValue] || a.SubAttribute("value") == nil):
		default:
			p.replace(doc.Span{From: s.From, To: s.From}, "[")
			if a.Type != schema.Complex {
				p.note(objectForList, p.raw(s), nil)
			}
			if err := p.one(a); err != nil {
				return err
			}
			p.replace(doc.Span{From: s.To, To: s.To}, "]")
			return nil
		}
	case doc.Number:
		if s := p.whole(); isMembers(a) && p.on[memberNumber] && digits(p.raw(s)) {
			p.replace(doc.Span{From: s.From, To: s.From}, "[")
			if err := p.one(a); err != nil {
				return err
			}
			p.replace(doc.Span{From: s.To, To: s.To}, "]")
			return nil
		}
	}
	p.cur.Skip()
	return nil
}

// whole is the value at the cursor, which stays where it is.
func (p *pass) whole() doc.Span {
	c := p.cur
	return c.Skip()
}

// unfold takes the list out of an object that holds it under the attribute's own name.
func (p *pass) unfold(a *schema.Attribute, at int) error {
	s := p.whole()
	p.replace(doc.Span{From: s.From, To: at}, "")
	p.note(membersObject, nil, nil)
	p.cur.Jump(at)
	if err := p.many(a); err != nil {
		return err
	}
	p.replace(doc.Span{From: p.cur.Offset(), To: s.To}, "")
	p.cur.Jump(s.To)
	return nil
}

// elements normalizes a list, element by element. A list of thousands is thousands of elements of one shape: what was
// found out about the first holds for those that differ from it in the text of plain strings only.
func (p *pass) elements(a *schema.Attribute) error {
	p.cur.Open()
	var (
		l         list
		w         = walk{distinct: isMembers(a) && p.on[duplicateMembers]}
		primaries = p.primaries
		learning  = p.rec == nil // a list inside of an element is part of what is learned about the element
	)
	p.primaries = 0
	defer func() { p.primaries = primaries }()
	for p.cur.More() {
		if w.knows() {
			if n := w.m.repeat(p); n > 0 {
				l.end(p.cur.Offset())
				w.n += n
				continue
			}
		}
		p.place.index(w.n)
		whole := p.whole()
		if w.again(p, whole) {
			l.drop(p, whole)
			p.place.pop()
			continue
		}
		l.keep(p, whole.From)
		learn := learning && w.m != nil
		if learn {
			w.m.learn(p, whole)
		}
		if err := p.one(a); err != nil {
			return err
		}
		if learn {
			w.m.learned(p, w.distinct)
		}
		l.end(p.cur.Offset())
		p.place.pop()
	}
	w.m.free()
	l.close(p, p.closing())
	if p.primaries > 1 && p.verb != scim.Patch && p.on[twoPrimaries] {
		p.acc.count(twoPrimaries, 1)
		return scim.Errorf(400, scim.InvalidValue, "%s has more than one primary element", a.Name)
	}
	return nil
}

// one normalizes the element of a list at the cursor.
func (p *pass) one(a *schema.Attribute) error {
	members := isMembers(a)
	switch kind := p.cur.Kind(); {
	case kind == doc.Object && a.Type == schema.Complex:
		s := p.whole()
		if members {
			if err := p.member(p.d.In(s)); err != nil {
				return err
			}
		}
		if a.Name == "roles" && (p.on[rolesJSON] || p.on[rolesDisplay]) {
			p.element = p.d.In(s)
			if p.role(s) {
				p.cur.Skip()
				return nil
			}
		}
		return p.complex(a)
	case kind == doc.String && a.Type == schema.Complex && a.SubAttribute("value") != nil:
		s := p.cur.Skip()
		if s.To-s.From == 2 {
			if members {
				return p.nameless()
			}
			return nil
		}
		if members {
			if err := p.uncontrolled("value", s); err != nil {
				return err
			}
		}
		if p.on[bareValue] {
			if a.Name == "roles" && p.role(s) {
				return nil
			}
			if p.rec != nil {
				p.rec.text(a.SubAttribute("value"), s)
			}
			p.wrap(s, `{"value":`, "}")
			p.note(bareValue, p.raw(s), p.wrapped(s))
		}
		return nil
	case kind == doc.Number && members && p.on[memberNumber]:
		s := p.cur.Skip()
		if !digits(p.raw(s)) {
			return nil
		}
		p.wrap(s, `{"value":"`, `"}`)
		p.note(memberNumber, p.raw(s), p.quoted(string(p.raw(s))))
		return nil
	case members && (kind == doc.Null || kind == doc.Bool || kind == doc.Array):
		return p.nameless()
	}
	if a.Type != schema.Complex {
		return p.value(a, false)
	}
	p.cur.Skip()
	return nil
}

// member refuses a member that nobody can be identified by (Q61, F45).
func (p *pass) member(v doc.Value) error {
	id, _ := v.Lookup("value")
	switch id.Kind() {
	case doc.String:
		if len(id.Raw()) > 2 {
			return nil
		}
	case doc.Number: // see member-number
		return nil
	}
	return p.nameless()
}

func (p *pass) nameless() error {
	return scim.Errorf(400, scim.InvalidValue, "%s is a member without a value (the id of a user or group)", p.where())
}

// identifier is the string that identifies a member, or the number that will be one, with what is around it in the place
// of the quotes: the two are the same member then.
func (p *pass) identifier(element doc.Span) (doc.Span, bool) {
	c := p.d.At(element.From)
	if c.Kind() == doc.Object {
		for c.Open(); ; c.Skip() {
			if !c.More() {
				return doc.Span{}, false
			}
			if p.d.In(c.Key()).Is("value") {
				break
			}
		}
	}
	switch c.Kind() {
	case doc.String:
		s := c.Skip()
		return s, s.To-s.From > 2
	case doc.Number:
		s := c.Skip()
		return doc.Span{From: s.From - 1, To: s.To + 1}, p.on[memberNumber] && digits(p.raw(s))
	}
	return doc.Span{}, false
}
