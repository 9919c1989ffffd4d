package quirks

import (
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
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

// operation is one member of Operations as it came. Where it lacks something, the span is the zero one.
type operation struct {
	span     doc.Span
	op       doc.Span
	path, at doc.Span // and the path's key
	value    doc.Span
	key      doc.Span // the value's
	plain    bool     // its members are called as in the RFC, there are no others, and they come in the RFC's order
	was, act act      // what it came as, and what it becomes
	other    ruleID   // under which its name, which came in another form, is written as in the RFC
}

// operation normalizes the operation at the cursor: what it does is read into a list of changes, each of which the rules
// judge once, and then printed.
func (p *pass) operation(l *list) error {
	var o operation
	if err := p.read(&o); err != nil {
		return err
	}
	if err := p.action(&o); err != nil {
		return err
	}
	p.changes = p.changes[:0]
	if o.path.To == 0 {
		return p.pathless(l, &o)
	}
	t, err := p.target(o.path)
	if err != nil {
		return err
	}
	p.secret = t.secret()
	err = p.onPath(l, &o, t)
	p.secret = false
	return err
}

// onPath normalizes an operation with a path.
func (p *pass) onPath(l *list, o *operation, t *target) error {
	p.changes = append(p.changes, change{act: o.act, t: t, value: o.value})
	c := &p.changes[0]
	if t.urn != nil && o.act != remove && p.kind(o.value) == doc.Object {
		return p.onExtension(l, o)
	}
	if err := p.judge(c); err != nil {
		return err
	}
	switch c.becomes {
	case omit:
		p.leaveOut(l, o, o.value, c.why)
		return nil
	case split:
		return p.expand(l, o, c)
	}
	return p.rewrite(o, c, o.value)
}

// onExtension normalizes an operation whose path is the URI of a schema and whose value is an object of its attributes:
// what an operation without a path says of them under that key.
func (p *pass) onExtension(l *list, o *operation) error {
	is, err := p.inside(0)
	whole := &p.changes[0]
	switch {
	case err != nil:
		return err
	case !is.apart:
		return p.rewrite(o, whole, o.value)
	case is.stay == 0:
		p.leaveOut(l, o, o.value, is.why)
		return nil
	}
	p.noteSpelling(whole.t, p.raw(o.path))
	return p.several(l, o, is.why, whole.t, p.changes[1:])
}

// pathless normalizes an operation without a path: its value is an object of attributes (RFC 7644 §3.5.2.1, §3.5.2.3).
func (p *pass) pathless(l *list, o *operation) error {
	if o.act == remove {
		return p.pathlessRemoval(l, o)
	}
	if o.value.To == 0 {
		return p.valueless()
	}
	object := p.soleObject(o.value)
	if p.kind(object) != doc.Object {
		return scim.Errorf(400, scim.InvalidValue, "%s has no path, so that its value has to be an object of attributes", p.where())
	}
	p.place.key(o.key)
	is, err := p.attributes(o.act, nil, object)
	p.place.pop()
	switch {
	case err != nil:
		return err
	case is.fields > 0 && is.stay == 0:
		p.leaveOut(l, o, object, is.why)
		return nil
	case !is.apart:
		return p.rewrite(o, nil, object)
	case object != o.value:
		p.note(scalarInArray, p.raw(o.value), nil)
	}
	return p.several(l, o, is.why, nil, p.changes)
}

// soleObject returns the one object in an array, which some clients wrap the value of an operation without a path in, and any
// other value itself.
func (p *pass) soleObject(value doc.Span) doc.Span {
	if c := p.d.At(value.From); p.on[scalarInArray] && c.Kind() == doc.Array {
		if c.Open(); c.More() && c.Kind() == doc.Object {
			if object := c.Skip(); !c.More() {
				return object
			}
		}
	}
	return value
}

// read takes the members of the operation at the cursor, and moves behind it.
func (p *pass) read(o *operation) error {
	if p.cur.Kind() != doc.Object {
		return scim.Errorf(400, scim.InvalidSyntax, "%s is not an object", p.where())
	}
	o.span.From, o.plain = p.cur.Offset(), true
	for p.cur.Open(); p.cur.More(); {
		key, kind := p.cur.Key(), p.cur.Kind()
		value := p.cur.Skip()
		word, plain := p.word(key)
		o.plain = o.plain && plain
		switch word {
		case wordOp:
			o.op = value
		case wordValue:
			o.key, o.value = key, value
		case wordPath:
			switch {
			case kind == doc.String:
				o.path, o.at = value, key
			case kind != doc.Null || !p.on[nullPath]:
				return scim.Errorf(400, scim.InvalidPath, "path of %s is not a string", p.where())
			default:
				o.plain = false
			}
		}
	}
	o.plain = o.plain && (o.path.To == 0 || o.op.From < o.path.From) && (o.value.To == 0 || max(o.op.From, o.path.From) < o.value.From)
	o.span.To, p.known = p.cur.Offset(), o.value
	return nil
}

// The members that an operation has.
const (
	wordExtra = iota // any other
	wordOp
	wordPath
	wordValue
)

var words = [...]string{wordOp: "op", wordPath: "path", wordValue: "value"}

// word returns which member of an operation a key names, and whether it is spelled as in the RFC.
func (p *pass) word(key doc.Span) (word int, plain bool) {
	switch string(p.raw(key)) {
	case `"op"`:
		return wordOp, true
	case `"path"`:
		return wordPath, true
	case `"value"`:
		return wordValue, true
	}
	for word := wordOp; word <= wordValue; word++ {
		if p.d.In(key).Is(words[word]) {
			return word, false
		}
	}
	return wordExtra, false
}

// action finds out what the operation does. Nothing is ever taken for a replace because it is nothing else.
func (p *pass) action(o *operation) error {
	if o.op.To == 0 {
		return scim.Errorf(400, scim.InvalidSyntax, "%s has no op", p.where())
	}
	v := p.d.In(o.op)
	if v.Kind() != doc.String {
		return scim.Errorf(400, scim.InvalidSyntax, "op of %s is not a string", p.where())
	}
	switch string(v.Raw()) { // nearly always
	case `"add"`, `"Add"`:
		o.was = add
	case `"replace"`, `"Replace"`:
		o.was = replace
	case `"remove"`, `"Remove"`:
		o.was = remove
	default:
		return p.oddAction(o, v.Text())
	}
	o.act = o.was
	if v.Raw()[1] != acts[o.was][0] && p.on[operationCase] {
		o.other = operationCase
	}
	return nil
}

// oddAction finds out what the operation does by a name that is written in any other way.
func (p *pass) oddAction(o *operation, text string) error {
	word, r := text, operationCase
	if trimmed := strings.Trim(text, " \t\r\n"); p.on[operationSpaces] && trimmed != text {
		word, r = trimmed, operationSpaces
	}
	if p.on[operationAlias] && doc.FoldEqual(word, "delete") {
		if word = acts[remove]; r == operationCase {
			r = operationAlias
		}
	}
	for i, name := range acts {
		if doc.FoldEqual(word, name) {
			o.was, o.act = act(i), act(i)
			if text != name && p.on[r] { // with escapes it is the same word
				o.other = r
			}
			return nil
		}
	}
	return scim.Errorf(400, scim.InvalidSyntax, "op of %s is none of add, replace and remove", p.where())
}
