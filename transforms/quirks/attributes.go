package quirks

import (
	"bytes"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// attributes normalizes the object at the cursor, whose members are attributes of the resource: that of a PATCH operation
// without a path.
func (p *pass) attributes(a act) error {
	p.cur.Open()
	object := keyNames{object: p.cur}
	var l list
	for p.cur.More() {
		key := p.cur.Key()
		t, _, err := p.keyTarget(key, p.cur.Kind())
		if err != nil {
			return err
		}
		if t == nil {
			p.cur.Skip()
			l.keep(p, key.From)
			l.end(p.cur.Offset())
			continue
		}
		p.place.key(key)
		if v, r, err := p.verdict(a, t, p.cur.Offset()); err != nil {
			return err
		} else if v == omit {
			s := p.cur.Skip()
			p.note(r, p.raw(s), nil)
			p.place.pop()
			l.drop(p, doc.Span{From: key.From, To: s.To})
			continue
		}
		l.keep(p, key.From)
		if err := p.attribute(t, &object, key, a); err != nil {
			return err
		}
		p.place.pop()
		l.end(p.cur.Offset())
	}
	l.close(p, p.closing())
	return nil
}

// attribute normalizes one member of such an object. The cursor is at the value.
func (p *pass) attribute(t *target, object *keyNames, key doc.Span, a act) error {
	if !t.same {
		if !object.rename(p.d, key, t.canon) {
			return scim.Errorf(400, scim.InvalidSyntax, "%s is there in two spellings", t.canon)
		}
		p.replace(key, string(doc.AppendString(nil, t.canon)))
		p.noteSpelling(t, p.raw(key))
	}
	if t.urn != nil && p.cur.Kind() == doc.Object {
		return p.extension(t.urn, a)
	}
	return p.value(t.attr, t.list)
}

// keyNames are the keys of an object that has keys to be written in another way.
type keyNames struct {
	object doc.Cursor
	all    map[string]struct{} // folded; nil as long as no key was
}

// rename adds the name that a key gets. It is false where another key has it already, or gets it: which of the two counts
// is nobody's to guess (H4). Keys that differ in the case of letters only have been refused before.
func (n *keyNames) rename(d doc.Doc, key doc.Span, name string) bool {
	if d.In(key).Is(name) {
		return true
	}
	if n.all == nil {
		n.all = make(map[string]struct{})
		for c := n.object; c.More(); c.Skip() {
			n.all[doc.Fold(d.In(c.Key()).Text())] = struct{}{}
		}
	}
	before := len(n.all)
	n.all[doc.Fold(name)] = struct{}{}
	return len(n.all) > before
}

// extension normalizes the object of an extension (RFC 7643 §3.3).
func (p *pass) extension(s *schema.Schema, a act) error {
	p.cur.Open()
	var l list
	for p.cur.More() {
		key := p.cur.Key()
		attr := p.attributeOf(s, key)
		p.place.key(key)
		if drop, err := p.dropsFromExtension(s, attr, key, a); err != nil {
			return err
		} else if drop != none {
			v := p.cur.Skip()
			p.note(drop, p.raw(v), nil)
			p.place.pop()
			l.drop(p, doc.Span{From: key.From, To: v.To})
			continue
		}
		l.keep(p, key.From)
		if attr != nil {
			p.spell(key, attr.Name)
		}
		if err := p.value(attr, attr != nil && attr.MultiValued); err != nil {
			return err
		}
		p.place.pop()
		l.end(p.cur.Offset())
	}
	l.close(p, p.closing())
	return nil
}

func (p *pass) attributeOf(s *schema.Schema, key doc.Span) *schema.Attribute {
	k := p.d.In(key)
	for _, a := range s.Attributes {
		if k.Is(a.Name) {
			return a
		}
	}
	return nil
}

// dropsFromExtension is the rule that leaves an attribute out of an extension's object.
func (p *pass) dropsFromExtension(s *schema.Schema, attr *schema.Attribute, key doc.Span, a act) (rule, error) {
	if attr == nil {
		return none, nil
	}
	if p.verb != scim.Patch {
		return p.dropsFromResource(attr), nil
	}
	v, r, err := p.verdict(a, p.inExtension(s, key), p.cur.Offset())
	if v != omit {
		r = none
	}
	return r, err
}

// dropsFromResource is the rule that leaves the attribute at the cursor out of a POST. Nothing is ever left out of a PUT,
// where null, "" and [] clear (T13).
func (p *pass) dropsFromResource(a *schema.Attribute) rule {
	if p.verb != scim.Create {
		return none
	}
	c := p.cur
	if a != nil && !a.MultiValued && c.Kind() == doc.Array {
		if inner, ok := p.only(a, c); ok {
			c = p.d.At(inner.From) // what will be taken out of the array
		}
	}
	for a != nil && c.Kind() == doc.Object {
		at, ok := p.held(a, c)
		if !ok {
			break
		}
		c = p.d.At(at) // or out of the object
	}
	switch c.Kind() {
	case doc.Null:
		if p.on[createNulls] && (a == nil || a.Type != schema.Boolean || a.MultiValued) {
			return createNulls
		}
	case doc.String:
		s := c.Skip()
		if pointsElsewhere(a) && s.To-s.From == 2 && p.on[emptyManager] {
			return emptyManager
		}
	case doc.Object:
		if pointsElsewhere(a) && p.on[emptyManagerObject] && emptied(p.d.In(c.Skip())) {
			return emptyManagerObject
		}
	case doc.Array:
		if c.Open(); a != nil && a.MultiValued && p.on[emptyLists] && !c.More() {
			return emptyLists
		}
	}
	if a != nil && p.on[readOnlyAttributes] && a.Mutability == schema.ReadOnly {
		return readOnlyAttributes
	}
	return none
}

// resource normalizes the document of a POST or PUT.
func (p *pass) resource() error {
	s, err := p.schemas()
	if err != nil {
		return err
	}
	p.cur.Open()
	object := keyNames{object: p.cur}
	var l list
	for p.cur.More() {
		key := p.cur.Key()
		p.place.key(key)
		if err := p.field(&l, &s, &object, key); err != nil {
			return err
		}
		p.place.pop()
	}
	end := p.closing()
	l.close(p, end)
	if s.text != "" && !s.found {
		l.add(p, end, `"schemas":`+s.text)
		for _, r := range s.rules {
			p.note(r, nil, []byte(s.text))
		}
	}
	if !s.members && p.verb == scim.Replace && p.on[absentMembers] {
		l.add(p, end, `"members":[]`)
		p.note(absentMembers, nil, []byte("[]"))
	}
	return nil
}

// field normalizes one member of a resource.
func (p *pass) field(l *list, s *schemas, object *keyNames, key doc.Span) error {
	if p.d.In(key).Is("schemas") {
		l.keep(p, key.From)
		p.spell(key, "schemas")
		v := p.cur.Skip()
		if s.text != "" {
			p.replace(v, s.text)
			for _, r := range s.rules {
				p.note(r, p.raw(v), []byte(s.text))
			}
		}
		l.end(v.To)
		return nil
	}
	t := p.plainTarget(key)
	if t == nil || t.urn == nil || p.cur.Kind() != doc.Object {
		var a *schema.Attribute
		if t != nil {
			a = t.attr
		}
		if r := p.dropsFromResource(a); r != none {
			v := p.cur.Skip()
			p.note(r, p.raw(v), nil)
			l.drop(p, doc.Span{From: key.From, To: v.To})
			return nil
		}
	}
	l.keep(p, key.From)
	if t == nil {
		p.cur.Skip()
		l.end(p.cur.Offset())
		return nil
	}
	if err := p.attribute(t, object, key, add); err != nil {
		return err
	}
	l.end(p.cur.Offset())
	return nil
}

// plainTarget is what a key of a resource leads to: an attribute or an extension. It is nil for anything else.
func (p *pass) plainTarget(key doc.Span) *target {
	t, err := p.target(key)
	switch {
	case err != nil:
		return nil
	case t.urn != nil:
		return t
	case t.attr == nil || t.path.Attr.Sub != "" || t.path.Filter != nil || t.path.Attr.URI != "":
		return nil
	case bytes.ContainsAny(p.raw(key), ":.["):
		return nil
	}
	return t
}

// pointsElsewhere tells whether an attribute refers to another resource, as the manager does.
func pointsElsewhere(a *schema.Attribute) bool {
	return a != nil && !a.MultiValued && a.Type == schema.Complex && a.SubAttribute("value") != nil
}
