package quirks

import (
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// objectInList makes a list of one object.
func objectInList(p *pass, a *schema.Attribute, s doc.Span) (bool, error) {
	return true, p.listOfOne(a, s, objectForList)
}

// textInList makes a list of one string.
func textInList(p *pass, a *schema.Attribute, s doc.Span) (bool, error) {
	if s.To-s.From == 2 || a.Type == schema.Complex {
		return false, nil
	}
	return true, p.listOfOne(a, s, objectForList)
}

// valueInList makes a list of a string that stands for an element: see objectOfValue.
func valueInList(p *pass, a *schema.Attribute, s doc.Span) (bool, error) {
	if s.To-s.From == 2 || a.SubAttribute("value") == nil {
		return false, nil
	}
	return true, p.listOfOne(a, s, none)
}

// numberInList makes a list of a number that stands for a member: see memberOfNumber.
func numberInList(p *pass, a *schema.Attribute, s doc.Span) (bool, error) {
	if !isMembers(a) || !digits(p.raw(s)) {
		return false, nil
	}
	return true, p.listOfOne(a, s, none)
}

// listOfOne makes a list of one element, and normalizes that.
func (p *pass) listOfOne(a *schema.Attribute, s doc.Span, why rule) error {
	p.replace(doc.Span{From: s.From, To: s.From}, "[")
	if why != none {
		p.note(why, p.raw(s), nil)
	}
	if err := p.one(a); err != nil {
		return err
	}
	p.replace(doc.Span{From: s.To, To: s.To}, "]")
	return nil
}

// whole returns the value at the cursor, which stays where it is.
func (p *pass) whole() doc.Span { return p.peek(p.cur) }

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

// elements normalizes a list, element by element.
func (p *pass) elements(a *schema.Attribute) error {
	primaries := p.primaries
	p.primaries = 0
	seen := p.distinct(a)
	l := p.open()
	for n := 0; l.next(p); n++ {
		p.place.index(n)
		if p.again(seen) {
			p.note(duplicateMembers, p.raw(p.cur.Skip()), nil)
			l.drop(p)
		} else if err := p.one(a); err != nil {
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

// distinct is for the identifiers of the list at the cursor, where each may be in it once (Q59); nil where it may not matter.
func (p *pass) distinct(a *schema.Attribute) *identifiers {
	if !isMembers(a) || !p.on[duplicateMembers] {
		return nil
	}
	s := p.whole()
	return &identifiers{from: s.From, text: p.raw(s)}
}

// identifiers are those of a list's elements so far.
type identifiers struct {
	from int
	text []byte // the list
	copy string // of it, of which the identifiers are parts
	seen map[string]struct{}
}

// again reports whether an element with the identifier of the one at the cursor was there before.
func (p *pass) again(ids *identifiers) bool {
	if ids == nil {
		return false
	}
	id, ok := p.identifier(p.cur)
	if !ok {
		return false
	}
	if ids.seen == nil {
		ids.copy, ids.seen = string(ids.text), make(map[string]struct{}, 1+len(ids.text)/64)
	}
	text := ids.copy[id.From+1-ids.from : id.To-1-ids.from]
	if p.escaped(id) {
		text = p.d.In(id).Text()
	}
	n := len(ids.seen)
	ids.seen[text] = struct{}{}
	return len(ids.seen) == n
}

// one normalizes the element of a list at the cursor.
func (p *pass) one(a *schema.Attribute) error {
	if isMembers(a) {
		if err := p.identified(a); err != nil {
			return err
		}
	}
	return p.valueAt(asElement, a)
}

// objectOfValue makes an object of a string in a list of objects.
func objectOfValue(p *pass, a *schema.Attribute, s doc.Span) (bool, error) {
	switch {
	case s.To-s.From == 2, a.SubAttribute("value") == nil:
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
	if !isMembers(a) || !digits(p.raw(s)) {
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

// identified refuses a member at the cursor that nobody can be identified by (Q61).
func (p *pass) identified(a *schema.Attribute) error {
	c := p.cur
	kind := c.Kind()
	switch {
	case kind == doc.Null, kind == doc.Bool, kind == doc.Array:
		return p.nameless()
	case a.Type != schema.Complex, kind == doc.Number:
		return nil
	case kind == doc.Object && !p.find(&c, "value"):
		return p.nameless()
	}
	switch c.Kind() {
	case doc.String:
		s := c.Skip()
		if s.To-s.From == 2 {
			return p.nameless()
		}
		if kind == doc.String { // in an object, see withoutControls
			return p.uncontrolled("value", s)
		}
		return nil
	case doc.Number: // see member-number
		return nil
	}
	return p.nameless()
}

// find moves into the object at the cursor, to the value of a key. It is false where there is no such key.
func (p *pass) find(c *doc.Cursor, name string) bool {
	for c.Open(); c.More(); c.Skip() {
		if key := c.Key(); p.keyword(key, name) {
			return true
		}
	}
	return false
}

func (p *pass) nameless() error {
	return scim.Errorf(400, scim.InvalidValue, "%s is a member without a value (the id of a user or group)", p.where())
}

// identifier returns the string that identifies the member at the cursor, or the number that will be one, with what is around
// it in the place of the quotes: the two are the same member then.
func (p *pass) identifier(c doc.Cursor) (doc.Span, bool) {
	if c.Kind() == doc.Object && !p.find(&c, "value") {
		return doc.Span{}, false
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
