package quirks

import (
	"errors"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// rewrite keeps an operation in its place, with whatever has to change in it. Where unset, it becomes a remove.
func (p *pass) rewrite(l *list, o *operation, t *target, unset bool, why rule) error {
	if err := p.wrote(); err != nil {
		return err
	}
	l.keep(p, o.span.From)
	if unset {
		o.act = remove
		p.noteAt(o, why)
	}
	var in list
	for i := range o.n {
		if err := p.rewritePart(&in, o, t, &o.parts[i], unset); err != nil {
			return err
		}
	}
	if o.span.To == 0 {
		for p.cur.More() {
			key := p.cur.Key()
			p.extra(&in, key, p.cur.Skip())
		}
		o.span.To = p.cur.Offset()
	}
	in.close(p, o.span.To-1)
	p.cur.Jump(o.span.To)
	l.end(o.span.To)
	return nil
}

// noteAt records that an operation became a remove.
func (p *pass) noteAt(o *operation, why rule) {
	if o.at >= 0 && p.acc.wants() {
		c := p.d.At(o.at)
		p.note(why, p.raw(c.Skip()), []byte("remove"))
		return
	}
	p.note(why, nil, nil)
}

func (p *pass) rewritePart(in *list, o *operation, t *target, part *part, unset bool) error {
	switch part.what {
	case partOp:
		if err := p.spelled(in, part.key, "op"); err != nil {
			return err
		}
		p.rewriteOp(o)
		in.end(part.value.To)
	case partPath:
		if t == nil { // the path is null
			p.place.key(part.key)
			p.note(nullPath, p.raw(part.value), nil)
			p.place.pop()
			in.drop(p, doc.Span{From: part.key.From, To: part.value.To})
			return nil
		}
		if err := p.spelled(in, part.key, "path"); err != nil {
			return err
		}
		if !t.same {
			p.place.key(part.key)
			p.rewritePath(t, part.value)
			p.place.pop()
		}
		in.end(part.value.To)
	case partValue:
		p.cur.Jump(part.value.From)
		if unset {
			in.drop(p, doc.Span{From: part.key.From, To: p.cur.Skip().To})
			return nil
		}
		if err := p.spelled(in, part.key, "value"); err != nil {
			return err
		}
		p.place.key(part.key)
		if err := p.operand(o.act, t); err != nil {
			return err
		}
		p.place.pop()
		in.end(p.cur.Offset())
	default:
		p.extra(in, part.key, part.value)
	}
	return nil
}

// deviation is the rule under which the name that the operation came with is written in another way; none where it came as
// it should, if only with escapes, or is to be left alone. Whoever writes or remembers an operation asks here.
func (p *pass) deviation(o *operation) rule {
	v := p.d.In(o.op)
	switch {
	case p.exactly(o.op, acts[o.was]):
		return none
	case v.Is(acts[o.was]) && !p.escaped(o.op): // without a text being made of it, as nearly always
		if p.on[operationCase] {
			return operationCase
		}
		return none
	}
	text := v.Text()
	if r := p.opRule(text); text != acts[o.was] && p.on[r] {
		return r
	}
	return none
}

// noteOp counts the rule under which an operation's name is written in another way.
func (p *pass) noteOp(o *operation) {
	if r := p.deviation(o); r != none {
		p.note(r, p.raw(o.op), p.quoted(acts[o.act]))
	}
}

// rewriteOp writes the operation's name, if it came in another form or became another one.
func (p *pass) rewriteOp(o *operation) {
	if o.act == o.was && p.deviation(o) == none {
		return
	}
	p.replace(doc.Span{From: o.op.From + 1, To: o.op.To - 1}, acts[o.act])
	p.noteOp(o)
}

// rewritePath writes the canonical path.
func (p *pass) rewritePath(t *target, s doc.Span) {
	p.ed.Cut(s.From, s.To)
	p.ed.WriteString(t.canon)
	p.noteSpelling(t, p.raw(s))
}

// noteSpelling counts the rules because of which a path is written in another way.
func (p *pass) noteSpelling(t *target, before []byte) {
	for _, r := range t.rules {
		if r != none {
			p.note(r, before, p.quoted(t.canon))
		}
	}
}

// operand normalizes the value of an add or a replace.
func (p *pass) operand(a act, t *target) error {
	switch {
	case t == nil:
		return p.unwrapped(a)
	case a == remove:
		p.cur.Skip() // of something that the schema does not know
		return nil
	case t.urn != nil && p.cur.Kind() == doc.Object:
		return p.extension(t.urn, a)
	case t.item && t.attr != nil && p.cur.Kind() == doc.Object:
		return p.complex(t.attr)
	case t.item:
		p.cur.Skip()
		return nil
	}
	return p.value(t.attr, t.list)
}

// at names an attribute and where it is, unless that is its name.
func (p *pass) at(name string) string {
	if where := p.where(); where != name {
		return name + " at " + where
	}
	return name
}

// located says in the detail of an error where it was.
func (p *pass) located(err error) error {
	e, ok := errors.AsType[*scim.Error](err)
	if where := p.where(); ok && where != "" {
		named := *e
		named.Detail = where + ": " + e.Detail
		return &named
	}
	return err
}

// where names the place for an error's detail.
func (p *pass) where() string { return p.place.name(p.d) }
