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
	was, act act // what it came as, and what it becomes
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
	if t.urn != nil && o.act != remove && o.at >= 0 {
		if c := p.d.At(o.at); c.Kind() == doc.Object {
			return p.onExtension(l, o, t)
		}
	}
	v, r, err := p.verdict(o.act, t, o.at)
	if err != nil {
		return err
	}
	switch v {
	case omit:
		p.cur.Jump(o.at)
		p.cur.Skip()
		p.finish(o)
		p.note(r, p.sample(o.at), nil)
		l.drop(p, o.span)
		return nil
	case split:
		return p.expand(l, o, t)
	}
	return p.rewrite(l, o, t, v == unset, r)
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
	if o.op == (doc.Span{}) {
		return scim.Errorf(400, scim.InvalidSyntax, "%s has no op", p.where())
	}
	for i, name := range acts {
		if p.exactly(o.op, name) {
			o.was, o.act = act(i), act(i)
			return nil
		}
	}
	v := p.d.In(o.op)
	if v.Kind() != doc.String {
		return scim.Errorf(400, scim.InvalidSyntax, "op of %s is not a string", p.where())
	}
	for i, name := range acts {
		if v.Is(name) {
			o.was, o.act = act(i), act(i)
			return nil
		}
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
			o.was, o.act = act(i), act(i)
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
