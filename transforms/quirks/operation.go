package quirks

import (
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// act is what an operation does (RFC 7644 §3.5.2).
type act uint8

const (
	add act = iota
	replace
	remove
)

var acts = [...]string{add: "add", replace: "replace", remove: "remove"}

// part is a member of an operation.
type part struct {
	what  uint8
	key   doc.Span
	value doc.Span
}

const (
	partExtra uint8 = iota
	partOp
	partPath
	partValue
)

// maxParts is how many members an operation may have. The RFC knows three.
const maxParts = 8

// operation is one member of Operations as it came.
type operation struct {
	span  doc.Span // To is 0 as long as the cursor stands at the value
	parts [maxParts]part
	n     int

	op, path doc.Span
	at       int // where the value begins; -1 where there is none
	act      act
}

// operation normalizes one operation.
func (p *pass) operation(l *list) error {
	var o operation
	if err := p.read(&o); err != nil {
		return err
	}
	if err := p.action(&o); err != nil {
		return err
	}
	if o.path == (doc.Span{}) {
		return p.pathless(l, &o)
	}
	t, err := p.target(o.path)
	if err != nil {
		return err
	}
	p.secret = t.attr != nil && t.attr.Returned == schema.Never
	err = p.onTarget(l, &o, t)
	p.secret = false
	return err
}

// onTarget normalizes an operation with a path.
func (p *pass) onTarget(l *list, o *operation, t *target) error {
	v, r, err := p.verdict(o.act, t, o.at)
	if err != nil {
		return err
	}
	switch v {
	case omit:
		p.cur.Jump(o.at)
		p.cur.Skip()
		p.finish(o)
		p.note(r, p.raw(o.span), nil)
		l.drop(p, o.span)
		return nil
	case split:
		return p.expand(l, o, t)
	}
	if err := p.rewrite(l, o, t, v == unset, r); err != nil {
		return err
	}
	if v == keep {
		p.learn(o, t)
	}
	return nil
}

// read takes the members of an operation up to the value, if what the operation does and where is known by then: a long
// list is then read once. Otherwise it takes all of them.
func (p *pass) read(o *operation) error {
	if p.cur.Kind() != doc.Object {
		return scim.Errorf(400, scim.InvalidSyntax, "%s is not an object", p.where())
	}
	o.span.From, o.at = p.cur.Offset(), -1
	p.cur.Open()
	for p.cur.More() {
		if o.n == maxParts {
			return scim.Errorf(400, scim.InvalidSyntax, "%s has too many members", p.where())
		}
		part := &o.parts[o.n]
		o.n++
		part.key = p.cur.Key()
		switch word := p.word(part.key); word {
		case partOp:
			part.what, part.value = partOp, p.cur.Skip()
			o.op = part.value
		case partPath:
			part.what = partPath
			switch p.cur.Kind() {
			case doc.String:
				part.value = p.cur.Skip()
				o.path = part.value
			case doc.Null:
				if part.value = p.cur.Skip(); p.on[nullPath] {
					continue
				}
				fallthrough
			default:
				return scim.Errorf(400, scim.InvalidPath, "path of %s is not a string", p.where())
			}
		case partValue:
			part.what, o.at = partValue, p.cur.Offset()
			if o.op.To > 0 && o.path.To > 0 {
				part.value.From = o.at
				return nil
			}
			part.value = p.cur.Skip()
		default:
			part.value = p.cur.Skip()
		}
	}
	o.span.To = p.cur.Offset()
	return nil
}

// word tells which member of an operation a key names.
func (p *pass) word(key doc.Span) uint8 {
	switch string(p.raw(key)) {
	case `"op"`:
		return partOp
	case `"path"`:
		return partPath
	case `"value"`:
		return partValue
	}
	switch v := p.d.In(key); {
	case v.Is("op"):
		return partOp
	case v.Is("path"):
		return partPath
	case v.Is("value"):
		return partValue
	}
	return partExtra
}

// action finds out what the operation does. Nothing is ever taken for a replace because it is nothing else.
func (p *pass) action(o *operation) error {
	switch raw := p.raw(o.op); string(raw) {
	case `"add"`:
		o.act = add
		return nil
	case `"replace"`:
		o.act = replace
		return nil
	case `"remove"`:
		o.act = remove
		return nil
	case "":
		return scim.Errorf(400, scim.InvalidSyntax, "%s has no op", p.where())
	}
	v := p.d.In(o.op)
	if v.Kind() != doc.String {
		return scim.Errorf(400, scim.InvalidSyntax, "op of %s is not a string", p.where())
	}
	word := v.Text()
	if p.on[operationSpaces] {
		word = strings.Trim(word, " \t\r\n")
	}
	if p.on[operationAlias] && doc.FoldEqual(word, "delete") {
		word = acts[remove]
	}
	for i, name := range acts {
		if doc.FoldEqual(word, name) {
			o.act = act(i)
			return nil
		}
	}
	return scim.Errorf(400, scim.InvalidSyntax, "op of %s is none of add, replace and remove", p.where())
}

// opRule is the rule that a deviating op falls under.
func (p *pass) opRule(text string) rule {
	switch trimmed := strings.Trim(text, " \t\r\n"); {
	case trimmed != text:
		return operationSpaces
	case doc.FoldEqual(text, "delete"):
		return operationAlias
	}
	return operationCase
}

// finish moves behind the operation. If not all of it was read, the cursor is behind its value.
func (p *pass) finish(o *operation) {
	if o.span.To == 0 {
		for p.cur.More() {
			p.cur.Key()
			p.cur.Skip()
		}
		o.span.To = p.cur.Offset()
	}
	p.cur.Jump(o.span.To)
}

// rewrite keeps an operation in its place, with whatever has to change in it. Where unset, it becomes a remove.
func (p *pass) rewrite(l *list, o *operation, t *target, unset bool, why rule) error {
	if err := p.wrote(); err != nil {
		return err
	}
	l.keep(p, o.span.From)
	if unset && o.act != remove {
		o.act = remove
		p.noteAt(o, why)
	} else if unset {
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
		p.rewriteOp(o, part.value)
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

// rewriteOp writes the operation's name, if it came in another form or became another one.
func (p *pass) rewriteOp(o *operation, s doc.Span) {
	raw, name := p.raw(s), acts[o.act]
	if p.exactly(s, name) {
		return
	}
	text := p.d.In(s).Text()
	r := p.opRule(text)
	became := !doc.FoldEqual(text, name) && r == operationCase // a replace that became a remove was counted
	switch {
	case text == name:
		return
	case !became && r == operationCase && !p.on[operationCase]:
		return
	}
	p.replace(s, `"`+name+`"`)
	if !became || r == operationCase && p.on[operationCase] && text != doc.Fold(text) {
		p.note(r, raw, p.quoted(name))
	}
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
		return p.attributes(a)
	case a == remove:
		p.cur.Skip() // of something that the schema does not know
		return nil
	case t.urn != nil && p.cur.Kind() == doc.Object:
		return p.extension(t.urn, a)
	case t.item && p.cur.Kind() == doc.Object:
		return p.complex(t.attr)
	case t.item:
		p.cur.Skip()
		return nil
	}
	return p.value(t.attr, t.list)
}

// where names the place for an error's detail.
func (p *pass) where() string { return p.place.name(p.d) }
