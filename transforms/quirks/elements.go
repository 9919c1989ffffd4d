package quirks

import (
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// inList returns the rewriting that makes a list of one value of which a condition holds, and normalizes it as an element.
func inList(why ruleID, holds func(a *schema.Attribute, raw []byte) bool) rewriting {
	return func(p *pass, a *schema.Attribute, s doc.Span) (bool, error) {
		if !holds(a, p.raw(s)) {
			return false, nil
		}
		p.replace(doc.Span{From: s.From, To: s.From}, "[")
		if why != none {
			p.note(why, p.raw(s), nil)
		}
		if err := p.one(a); err != nil {
			return false, err
		}
		p.replace(doc.Span{From: s.To, To: s.To}, "]")
		return true, nil
	}
}

func anything(*schema.Attribute, []byte) bool { return true }

// simpleText is about a string in a list of strings.
func simpleText(a *schema.Attribute, raw []byte) bool {
	return len(raw) > 2 && a.Type != schema.Complex
}

// standsForElement is about a string in the place of an object: see objectOfValue.
func standsForElement(a *schema.Attribute, raw []byte) bool {
	return len(raw) > 2 && a.SubAttribute("value") != nil
}

// memberID is about a number in the place of a member: see memberOfNumber.
func memberID(a *schema.Attribute, raw []byte) bool { return isMembers(a) && digits(raw) }

// whole returns the value at the cursor, which stays where it is.
func (p *pass) whole() doc.Span {
	if p.cur.Offset() == p.known.From {
		return p.known
	}
	return p.peek(p.cur)
}

// peek returns the value at a cursor.
func (p *pass) peek(c doc.Cursor) doc.Span { return c.Skip() }

// listInObject takes the list out of an object that holds it under the attribute's own name.
func listInObject(p *pass, a *schema.Attribute, s doc.Span) (bool, error) {
	at, ok := p.held(a, p.cur)
	if !ok {
		return false, nil
	}
	p.replace(doc.Span{From: s.From, To: at}, "")
	p.note(membersObject, nil, nil)
	p.cur.Jump(at)
	if err := p.valueAt(asList, a); err != nil {
		return false, err
	}
	p.replace(doc.Span{From: p.cur.Offset(), To: s.To}, "")
	return true, nil
}

// held returns where the list is that an object with the attribute's own name holds: {"members":[…]}.
func (p *pass) held(a *schema.Attribute, c doc.Cursor) (at int, ok bool) {
	if !isMembers(a) || !p.on[membersObject] {
		return 0, false
	}
	n := 0
	for c.Open(); c.More(); n++ {
		key := c.Key()
		if p.d.In(key).Is(a.Name) && (c.Kind() == doc.Array || c.Kind() == doc.Object) {
			at, ok = c.Offset(), true
		}
		c.Skip()
	}
	return at, ok && n == 1
}

// unheld returns the list that an object in its place holds, and any other value itself.
func (p *pass) unheld(a *schema.Attribute, v doc.Span) doc.Span {
	for p.kind(v) == doc.Object {
		at, ok := p.held(a, p.d.At(v.From))
		if !ok {
			break
		}
		v = p.peek(p.d.At(at))
	}
	return v
}

// elements normalizes a list, element by element.
func (p *pass) elements(a *schema.Attribute) error {
	primaries := p.primaries
	p.primaries = 0
	seen := p.distinct(a)
	l := p.open()
	for n := 0; l.next(p); n++ {
		p.place.index(n)
		if id, again := p.identify(a, seen); again {
			l.drop(p)
		} else if err := p.member(a, id); err != nil {
			return err
		}
		p.place.pop()
	}
	if p.primaries > 1 && p.verb != scim.Patch && p.on[twoPrimaries] {
		p.acc.count(twoPrimaries, 1)
		return scim.Errorf(400, scim.InvalidValue, "%s has more than one primary element", a.Name)
	}
	p.primaries = primaries
	return nil
}

// identifiers are those of a list's elements so far; nil where each may be in it more than once.
type identifiers map[string]struct{}

// distinct returns a table for the identifiers of the list at the cursor, where each may be in it once (Q59).
func (p *pass) distinct(a *schema.Attribute) identifiers {
	if !isMembers(a) || !p.on[duplicateMembers] {
		return nil
	}
	s := p.whole()
	return make(identifiers, (s.To-s.From)/64)
}

// identify returns what the element of a list at the cursor is identified by, where it is a member, and whether one of those seen
// so far is the same: then it moves behind the element, which counts no more.
func (p *pass) identify(a *schema.Attribute, seen identifiers) (id doc.Span, again bool) {
	if !isMembers(a) {
		return id, false
	}
	if id = p.identifier(); seen == nil || id.To == 0 {
		return id, false
	}
	text := p.d.Alias(doc.Span{From: id.From + 1, To: id.To - 1})
	if p.escaped(id) {
		text = p.d.In(id).Text()
	}
	n := len(seen)
	seen[text] = struct{}{}
	if again = len(seen) == n; again {
		p.note(duplicateMembers, p.raw(p.cur.Skip()), nil)
	}
	return id, again
}

// one normalizes the element of a list at the cursor.
func (p *pass) one(a *schema.Attribute) error {
	id, _ := p.identify(a, nil)
	return p.member(a, id)
}

// member normalizes the element of a list at the cursor, whose identifier is given where it is a member. One that nobody can
// be identified by is refused (Q61).
func (p *pass) member(a *schema.Attribute, id doc.Span) error {
	switch kind := p.cur.Kind(); {
	case !isMembers(a), kind == doc.Number: // see member-number
	case id.To > 0:
		if kind == doc.String && a.Type == schema.Complex { // in an object, see withoutControls
			if err := p.uncontrolled("value", id); err != nil {
				return err
			}
		}
	case kind == doc.Object && (a.Type != schema.Complex || p.numbered()), kind == doc.String && a.Type != schema.Complex:
	default:
		return p.nameless()
	}
	return p.valueAt(asElement, a)
}

// objectOfValue makes an object of a string in a list of objects.
func objectOfValue(p *pass, a *schema.Attribute, s doc.Span) (bool, error) {
	switch {
	case !standsForElement(a, p.raw(s)):
		return false, nil
	case a.Name == "roles" && p.role(s):
		return true, nil
	}
	p.wrap(s, `{"value":`, "}")
	p.note(bareValue, p.raw(s), p.wrapped(s))
	return true, nil
}

// memberOfNumber makes a member of a number.
func memberOfNumber(p *pass, a *schema.Attribute, s doc.Span) (bool, error) {
	if !memberID(a, p.raw(s)) {
		return false, nil
	}
	p.wrap(s, `{"value":"`, `"}`)
	p.note(memberNumber, p.raw(s), p.quoted(string(p.raw(s))))
	return true, nil
}

// idOfNumber makes a string of a member's id that is a number.
func idOfNumber(p *pass, a *schema.Attribute, s doc.Span) (bool, error) {
	if !p.inMembers || a.Name != "value" || !digits(p.raw(s)) {
		return false, nil
	}
	p.wrap(s, `"`, `"`)
	p.note(memberNumber, p.raw(s), p.quoted(string(p.raw(s))))
	return true, nil
}

func (p *pass) nameless() error {
	return scim.Errorf(400, scim.InvalidValue, "%s is a member without a value (the id of a user or group)", p.where())
}

// numbered reports whether the value of the object at the cursor is a number: see member-number.
func (p *pass) numbered() bool { return p.kind(p.valueOf()) == doc.Number }

// valueOf returns the value in the object at the cursor; the zero span where there is none.
func (p *pass) valueOf() doc.Span {
	for _, f := range p.fields() {
		if p.keyword(f.key, "value") {
			return f.value
		}
	}
	return doc.Span{}
}

// identifier returns the string that identifies the member at the cursor, or the number that will be one, with what is around
// it in the place of the quotes: the two are the same member then. It returns the zero span where nothing does.
func (p *pass) identifier() (s doc.Span) {
	switch p.cur.Kind() {
	case doc.Object:
		s = p.valueOf()
	case doc.String, doc.Number:
		s = p.whole()
	}
	switch p.kind(s) {
	case doc.String:
		if s.To-s.From > 2 {
			return s
		}
	case doc.Number:
		if p.on[memberNumber] && digits(p.raw(s)) {
			return doc.Span{From: s.From - 1, To: s.To + 1}
		}
	}
	return doc.Span{}
}
