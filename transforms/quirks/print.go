package quirks

import (
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// leaveOut leaves an operation out, because of its value.
func (p *pass) leaveOut(l *list, o *operation, value doc.Span, why ruleID) {
	p.note(why, p.raw(value), nil)
	p.cur.Jump(o.span.To)
	l.drop(p)
}

// rewrite keeps an operation in its place, with whatever has to change in it. It is the given change; nil where it has no
// path: then its value is the given object of changes, which may be wrapped.
func (p *pass) rewrite(o *operation, c *change, object doc.Span) error {
	if err := p.wrote(); err != nil {
		return err
	}
	removes := c != nil && c.becomes == unset
	if removes {
		o.act = remove
		if c.value.To > 0 {
			p.note(c.why, p.raw(c.value), []byte("remove"))
		} else {
			p.note(c.why, nil, nil)
		}
	}
	if o.plain && !removes { // nearly always
		p.rewriteOp(o)
		if c != nil {
			p.rewritePath(c.t, o.at, o.path)
		}
		err := p.rewriteValue(o, c, object)
		p.cur.Jump(o.span.To)
		return err
	}
	p.cur.Jump(o.span.From)
	for l := p.open(); l.next(p); {
		key := p.cur.Key()
		word, _ := p.word(key)
		switch {
		case word == wordExtra:
			p.extra(&l, key)
			continue
		case word == wordPath && c == nil:
			p.place.key(key)
			p.note(nullPath, p.raw(p.cur.Skip()), nil)
			p.place.pop()
			l.drop(p)
			continue
		case word == wordValue && removes:
			p.cur.Skip()
			l.drop(p)
			continue
		}
		if err := p.spelled(key, words[word]); err != nil {
			return err
		}
		switch word {
		case wordOp:
			p.cur.Skip()
			p.rewriteOp(o)
		case wordPath:
			p.rewritePath(c.t, key, p.cur.Skip())
		case wordValue:
			if err := p.rewriteValue(o, c, object); err != nil {
				return err
			}
		}
	}
	return nil
}

// rewriteOp writes the operation's name, if it came in another form or became another one.
func (p *pass) rewriteOp(o *operation) {
	if o.act == o.was && o.other == none {
		return
	}
	p.replace(doc.Span{From: o.op.From + 1, To: o.op.To - 1}, acts[o.act])
	p.noteOp(o)
}

// rewritePath writes the canonical path.
func (p *pass) rewritePath(t *target, key, s doc.Span) {
	if t.same {
		return
	}
	p.ed.Cut(s.From, s.To)
	p.ed.WriteString(t.canon)
	p.place.key(key)
	p.noteSpelling(t, p.raw(s))
	p.place.pop()
}

// rewriteValue normalizes the value of an operation, if it has one.
func (p *pass) rewriteValue(o *operation, c *change, object doc.Span) (err error) {
	if o.value.To == 0 {
		return nil
	}
	p.place.key(o.key)
	p.cur.Jump(object.From)
	if c != nil {
		err = p.operand(c, p.changes[1:])
	} else {
		if object != o.value {
			p.replace(doc.Span{From: o.value.From, To: object.From}, "")
			p.note(scalarInArray, p.raw(o.value), nil)
		}
		_, err = p.object(nil, p.changes)
	}
	if err != nil {
		return err
	}
	if object != o.value {
		p.replace(doc.Span{From: object.To, To: o.value.To}, "")
		p.cur.Jump(o.value.To)
	}
	p.place.pop()
	return nil
}

// operand normalizes the value of a change, which is at the cursor. Those inside are given where it is an extension's object.
func (p *pass) operand(c *change, inside []change) error {
	switch t, kind := c.t, p.cur.Kind(); {
	case c.act == remove: // of something that the schema does not know
		p.cur.Skip()
		return nil
	case t.urn != nil && kind == doc.Object:
		_, err := p.object(t.urn, inside)
		return err
	case t.item && t.attr != nil && kind == doc.Object:
		return p.complex(t.attr)
	case t.item:
		p.cur.Skip()
		return nil
	default:
		return p.value(t.attr, t.list)
	}
}

// object normalizes the object at the cursor, whose members are the given changes, in its place. It returns the walk over
// them, which is at its end.
func (p *pass) object(ext *schema.Schema, changes []change) (l list, err error) {
	l = p.open()
	names := keyNames{object: p.cur}
	for l.next(p) {
		c := &changes[0]
		inside := changes[1 : 1+c.inside]
		changes = changes[1+c.inside:]
		p.place.key(p.cur.Key())
		if c.becomes == omit {
			p.note(c.why, p.raw(p.cur.Skip()), nil)
			l.drop(p)
		} else if err := p.field(ext, c, inside, &names); err != nil {
			return l, err
		}
		p.place.pop()
	}
	return l, nil
}

// field normalizes one member of such an object. The cursor is at the value.
func (p *pass) field(ext *schema.Schema, c *change, inside []change, names *keyNames) error {
	switch {
	case ext == nil && p.verb != scim.Patch && p.d.In(c.key).Is("schemas"):
		p.listSchemas(c.key)
		return nil
	case c.t == nil:
		p.cur.Skip()
		return nil
	case ext != nil:
		if c.t.attr != nil {
			p.spell(c.key, c.t.attr.Name)
		}
	case !c.t.same:
		if !names.rename(p.d, c.key, c.t.canon) {
			return scim.Errorf(400, scim.InvalidSyntax, "%s is there in two spellings", c.t.canon)
		}
		p.replace(c.key, string(doc.AppendString(nil, c.t.canon)))
		p.noteSpelling(c.t, p.raw(c.key))
	}
	return p.operand(c, inside)
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

// noteOp counts the rule under which an operation's name is written in another way.
func (p *pass) noteOp(o *operation) {
	if o.other != none {
		p.note(o.other, p.raw(o.op), p.quoted(acts[o.act]))
	}
}

// noteSpelling counts the rules because of which a path is written in another way.
func (p *pass) noteSpelling(t *target, before []byte) {
	for _, r := range t.rules {
		if r != none {
			p.note(r, before, p.quoted(t.canon))
		}
	}
}
