package quirks

import (
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// several writes one operation for each of the changes in the place of the one that they came in, in their order. Those
// inside of an extension are given with its target.
func (p *pass) several(l *list, o *operation, why ruleID, ext *target, changes []change) error {
	if why != none {
		p.note(why, []byte("one operation"), []byte("one for each attribute"))
	}
	p.noteOp(o)
	p.place.key(o.key)
	var in *schema.Schema
	if ext != nil {
		in = ext.urn
	}
	if err := p.each(l, in, changes); err != nil {
		return err
	}
	p.place.pop()
	p.cur.Jump(o.span.To)
	if l.n == 0 {
		l.drop(p)
	}
	return nil
}

func (p *pass) each(l *list, ext *schema.Schema, changes []change) error {
	for len(changes) > 0 {
		c := &changes[0]
		inside := changes[1 : 1+c.inside]
		changes = changes[1+c.inside:]
		switch {
		case c.idle:
			continue
		case c.apart:
			p.place.key(c.key)
			if err := p.each(l, c.t.urn, inside); err != nil {
				return err
			}
			p.place.pop()
		default:
			if err := p.single(l, ext, c, inside); err != nil {
				return err
			}
		}
	}
	return nil
}

// single writes the operation for one change.
func (p *pass) single(l *list, ext *schema.Schema, c *change, inside []change) error {
	if err := p.becomesPath(ext, c); err != nil {
		return err
	}
	p.place.key(c.key)
	p.secret = c.t.secret()
	defer func() {
		p.place.pop()
		p.secret = false
	}()
	if c.becomes == omit {
		p.note(c.why, p.raw(c.value), nil)
		return nil
	}
	if err := p.wrote(); err != nil {
		return err
	}
	p.noteSpelling(c.t, p.raw(c.key))
	if c.becomes == unset {
		l.instead(p, c.value.To)
		p.ed.Write(`{"op":"remove","path":`)
		p.ed.WriteString(c.t.canon)
		p.ed.Write("}")
		p.note(c.why, p.raw(c.value), []byte("remove"))
		return nil
	}
	l.instead(p, c.value.From)
	p.ed.Write(`{"op":"`)
	p.ed.Write(acts[c.act])
	p.ed.Write(`","path":`)
	p.ed.WriteString(c.t.canon)
	p.ed.Write(`,"value":`)
	p.cur.Jump(c.value.From)
	if err := p.operand(c, inside); err != nil {
		return err
	}
	l.from = p.cur.Offset()
	p.ed.Cut(l.from, l.from)
	p.ed.Write("}")
	return nil
}

// becomesPath resolves a key that leads nowhere: it becomes a path, so that it has to be one, and is read as one. What stays a
// key may be anything.
func (p *pass) becomesPath(ext *schema.Schema, c *change) (err error) {
	switch {
	case ext == nil && c.t == nil:
		c.t, err = p.target(c.key)
	case ext != nil && c.t.attr == nil:
		if c.t, err = p.n.resolve(p.rt, pathIn(ext, p.d.In(c.key).Text())); err != nil {
			err = p.located(err)
		} else if c.t.urn != nil {
			err = scim.Errorf(400, scim.InvalidPath, "%s has a schema inside another one", p.where())
		}
	default:
		return nil
	}
	if err != nil {
		return err
	}
	return p.judge(c)
}
