package quirks

import (
	"bytes"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// pathless normalizes an operation without a path: its value is an object of attributes (RFC 7644 §3.5.2.1, §3.5.2.3).
func (p *pass) pathless(l *list, o *operation) error {
	if o.act == remove {
		return p.pathlessRemoval(l, o)
	}
	if o.at < 0 {
		_, _, err := p.verdict(add, &target{}, -1)
		return err
	}
	c := p.d.At(o.at)
	list, inner, wrapped := p.soleObject(c)
	if wrapped {
		c, o.at = p.d.At(inner.From), inner.From
	}
	if c.Kind() != doc.Object {
		return scim.Errorf(400, scim.InvalidValue, "%s has no path, so that its value has to be an object of attributes", p.where())
	}
	plan, err := p.survey(o)
	if err != nil {
		return err
	}
	switch {
	case plan.fields > 0 && plan.stay == 0:
		p.note(plan.why, p.sample(o.at), nil)
		p.cur.Jump(o.span.To)
		l.drop(p, o.span)
		return nil
	case plan.apart:
		if wrapped {
			p.note(scalarInArray, p.raw(list), nil)
		}
		return p.takeApart(l, o, plan.why)
	}
	return p.rewrite(l, o, nil, false, none)
}

// soleObject is the one object in the array at the cursor, which some clients wrap the value of an operation without a path
// in, and the array.
func (p *pass) soleObject(c doc.Cursor) (list, object doc.Span, ok bool) {
	if !p.on[scalarInArray] || c.Kind() != doc.Array {
		return list, object, false
	}
	list = p.peek(c)
	if c.Open(); !c.More() || c.Kind() != doc.Object {
		return list, object, false
	}
	object = c.Skip()
	return list, object, !c.More()
}

// unwrapped normalizes the object of attributes at the cursor, which may be the only one in an array.
func (p *pass) unwrapped(a act) error {
	list, object, ok := p.soleObject(p.cur)
	if !ok {
		return p.attributes(a)
	}
	p.replace(doc.Span{From: list.From, To: object.From}, "")
	p.note(scalarInArray, p.raw(list), nil)
	p.cur.Jump(object.From)
	if err := p.attributes(a); err != nil {
		return err
	}
	p.replace(doc.Span{From: object.To, To: list.To}, "")
	p.cur.Jump(list.To)
	return nil
}

// survey is what has to become of an operation without a path.
type survey struct {
	fields, stay int  // keys, and those that are not left out
	idle         int  // of those, the ones that change nothing
	apart        bool // it has to become one operation for each key
	why          rule // because of which rule
}

// judge adds the verdict on one key.
func (s *survey) judge(p *pass, a act, t *target, at int) error {
	v, r, err := p.verdict(a, t, at)
	switch v {
	case omit:
		s.stay--
	case unset:
		s.apart = true
	default:
		return err
	}
	s.why = max(s.why, r)
	return err
}

func (p *pass) survey(o *operation) (s survey, err error) {
	c := p.d.At(o.at)
	p.place.key(o.value().key)
	defer p.place.pop()
	for c.Open(); c.More(); {
		key := c.Key()
		at := c.Offset()
		kind := c.Kind()
		value := c.Skip()
		s.fields++
		s.stay++
		t, path, err := p.keyTarget(key, kind)
		if err != nil {
			return s, err
		}
		if path {
			s.apart, s.why = true, dottedKeys
		}
		idle := p.idle(t, key, value)
		if idle {
			s.idle++
		}
		if t == nil {
			continue
		}
		if t.urn != nil && kind == doc.Object {
			inside, err := p.surveyExtension(o.act, t.urn, value)
			if err != nil {
				return s, err
			}
			if inside.apart {
				s.apart, s.why = true, max(s.why, inside.why)
				if inside.stay == 0 {
					s.stay--
				}
			}
			continue
		}
		staying := s.stay
		if err := s.judge(p, o.act, t, at); err != nil {
			return s, err
		}
		if idle && s.stay < staying {
			s.idle-- // it is left out already
		}
	}
	if s.apart && s.idle == s.stay {
		s.stay = 0
	}
	return s, nil
}

// idle tells whether a key of an operation without a path says about the resource what nobody may change, as a resource in an
// answer does: its id, its schemas, meta. It is ignored there; as an operation of its own it would be refused, and everything
// else with it. The id of another resource is no such thing.
func (p *pass) idle(t *target, key, value doc.Span) bool {
	switch {
	case p.d.In(key).Is("schemas"):
		return true
	case t == nil || t.attr == nil || t.attr.Mutability != schema.ReadOnly:
		return false
	}
	return !t.isID() || p.d.In(value).Text() == p.id
}

// keyTarget is what a key in an operation without a path leads to, and whether the key is a path that no attribute is
// called (Q37, Q54): an attribute's name has no dot (RFC 7643 §2.1). It is nil for what the schema does not know.
func (p *pass) keyTarget(key doc.Span, value doc.Kind) (t *target, path bool, err error) {
	raw := p.raw(key)
	special := bytes.ContainsAny(raw, `.[:\`)
	if !special {
		t, err = p.target(key)
		switch {
		case err != nil, t.attr == nil: // a name that no attribute has, or may have
			return nil, false, nil
		case t.path.Attr.URI == "":
			return t, false, nil
		case !p.on[dottedKeys]:
			return nil, false, nil
		}
		return t, true, nil // the bare name of an extension's attribute
	}
	if t, err = p.target(key); err != nil {
		if !p.on[dottedKeys] || value == doc.Object && bytes.IndexByte(raw, ':') >= 0 {
			return nil, false, nil // the URI of a schema may be any (RFC 7643 §3), and need not read like a path
		}
		return nil, false, err
	}
	switch {
	case t.urn != nil, t.path.Attr.Name == "":
		return t, false, nil
	case t.path.Attr.URI != "" && p.rt.Schema(t.path.Attr.URI) == nil && value == doc.Object:
		return nil, false, nil // the object of an extension that nobody declared
	case t.path.Attr.URI == "" && t.path.Attr.Sub == "" && t.path.Filter == nil && bytes.IndexByte(raw, ':') < 0:
		return t, false, nil // a plain name, written with escapes
	case !p.on[dottedKeys]:
		return nil, false, nil
	}
	return t, true, nil
}

// takeApart writes one operation for each key, in their order.
func (p *pass) takeApart(l *list, o *operation, why rule) error {
	w := p.apart(l, o, why)
	c := p.d.At(o.at)
	for c.Open(); c.More(); {
		key := c.Key()
		kind := c.Kind()
		value := c.Skip()
		t, _, err := p.keyTarget(key, kind)
		if err != nil {
			return err
		}
		if p.idle(t, key, value) {
			continue
		}
		if t != nil && t.urn != nil && kind == doc.Object {
			if err := p.takeExtensionApart(w, o.act, t, key, value); err != nil {
				return err
			}
			continue
		}
		if t == nil {
			// The key becomes a path, so that it has to be one, and is read as one: what stays a key may be anything.
			if t, err = p.target(key); err != nil {
				return err
			}
		}
		if err := p.single(w, o.act, t, key, value); err != nil {
			return err
		}
	}
	p.together(o, w)
	return nil
}

// apart begins to write several operations in the place of one.
func (p *pass) apart(l *list, o *operation, why rule) *splitter {
	if why != none {
		p.acc.count(why, 1)
		if p.acc.wants() {
			p.acc.count(why, -1)
			p.note(why, []byte("one operation"), []byte("one for each attribute"))
		}
	}
	p.noteOp(o)
	p.place.key(o.value().key)
	return &splitter{list: l, from: o.span.From}
}

// together ends it.
func (p *pass) together(o *operation, w *splitter) {
	p.place.pop()
	w.close(p, o.span)
	p.cur.Jump(o.span.To)
}

// single writes the operation for one key.
func (p *pass) single(w *splitter, a act, t *target, key, value doc.Span) error {
	p.place.key(key)
	p.secret = t.attr != nil && t.attr.Returned == schema.Never
	defer func() {
		p.place.pop()
		p.secret = false
	}()
	v, r, err := p.verdict(a, t, value.From)
	if err != nil {
		return err
	}
	if v == omit {
		p.note(r, p.raw(value), nil)
		return nil
	}
	if err := p.wrote(); err != nil {
		return err
	}
	p.noteSpelling(t, p.raw(key))
	if v == unset {
		w.next(p, value.To)
		p.ed.Write(`{"op":"remove","path":`)
		p.ed.WriteString(t.canon)
		p.ed.Write("}")
		p.note(r, p.raw(value), []byte("remove"))
		return nil
	}
	w.next(p, value.From)
	p.ed.Write(`{"op":"`)
	p.ed.Write(acts[a])
	p.ed.Write(`","path":`)
	p.ed.WriteString(t.canon)
	p.ed.Write(`,"value":`)
	p.cur.Jump(value.From)
	if err := p.operand(a, t); err != nil {
		return err
	}
	p.ed.Cut(p.cur.Offset(), p.cur.Offset())
	p.ed.Write("}")
	w.from = p.cur.Offset()
	return nil
}

// value is the operation's value.
func (o *operation) value() *part {
	for i := range o.n {
		if o.parts[i].what == partValue {
			return &o.parts[i]
		}
	}
	return nil
}
