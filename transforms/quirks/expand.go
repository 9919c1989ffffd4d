package quirks

import (
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// expand writes one remove for each element that the value of a remove names (Q56).
func (p *pass) expand(l *list, o *operation, t *target) error {
	if !p.ed.Changed() {
		p.ed.Grow(len(p.d.Raw()) * 5 / 8) // what a member and a remove of it need, more or less
	}
	p.note(memberRemovalValue, p.sample(o.at), p.quoted(t.canon+"[…]"))
	p.noteOp(o)
	p.noteSpelling(t, p.raw(o.path))
	p.place.key(o.value().key)
	p.cur.Jump(o.at)
	x := expansion{t: t, w: splitter{list: l, from: o.span.From}}
	// The path is a new one, so that it is written canonically, whatever may keep its spelling elsewhere.
	x.open = string(doc.AppendString([]byte(`{"op":"remove","path":`), t.path.String()))
	x.open = x.open[:len(x.open)-1] + `[value eq \"`
	if err := p.expandValue(&x); err != nil {
		return err
	}
	p.place.pop()
	p.finish(o)
	x.w.close(p, o.span)
	return nil
}

// sample is a value, given by where it begins, for a record that somebody wants. What stands beside it may be a secret.
func (p *pass) sample(at int) []byte {
	if !p.acc.wants() || at < 0 {
		return nil
	}
	c := p.d.At(at)
	return p.raw(c.Skip())
}

// expansion is a remove that becomes several.
type expansion struct {
	t    *target
	w    splitter
	open string // the beginning of an operation, up to an identifier
}

// expandValue goes through the value: a list, one element, or an object that holds the list.
func (p *pass) expandValue(x *expansion) error {
	switch p.cur.Kind() {
	case doc.Array:
		return p.expandList(x)
	case doc.Object:
		if held, ok := p.held(x.t.attr, p.cur); ok {
			end := p.whole().To
			p.note(membersObject, nil, nil)
			p.cur.Jump(held)
			if err := p.expandValue(x); err != nil {
				return err
			}
			p.cur.Jump(end)
			return nil
		}
	}
	return p.expandElement(x)
}

// held is where the list is that an object with the attribute's own name holds: {"members":[…]}.
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

func (p *pass) expandList(x *expansion) error {
	seen := p.distinct(x.t.attr)
	p.cur.Open()
	for n := 0; p.cur.More(); n++ {
		p.place.index(n)
		if p.again(seen) {
			p.note(duplicateMembers, p.raw(p.cur.Skip()), nil)
		} else if err := p.expandElement(x); err != nil {
			return err
		}
		p.place.pop()
	}
	return nil
}

// expandElement writes the remove of the element at the cursor.
func (p *pass) expandElement(x *expansion) error {
	if err := p.wrote(); err != nil {
		return err
	}
	whole := p.cur.Skip()
	if isMembers(x.t.attr) {
		if id, ok := p.identifier(p.d.At(whole.From)); ok && !p.escaped(id) {
			x.w.next(p, whole.To)
			p.ed.Write(x.open)
			p.ed.WriteRaw(p.raw(id)[1 : id.To-id.From-1])
			p.ed.Write(`\"]"}`)
			return nil
		} else if ok {
			if err := p.uncontrolled("value", id); err != nil {
				return err
			}
		}
	}
	f, err := p.elementFilter(x.t.attr, p.d.In(whole))
	if err != nil {
		return err
	}
	path := x.t.path
	path.Filter = f
	x.w.next(p, whole.To)
	p.ed.Write(`{"op":"remove","path":`)
	p.ed.WriteString(path.String())
	p.ed.Write("}")
	return nil
}

// elementFilter is the filter that names an element: by its value alone for members, by value and type else, and by all of
// its sub-attributes where it has no value.
func (p *pass) elementFilter(a *schema.Attribute, v doc.Value) (filter.Filter, error) {
	nameless := func() error {
		return scim.Errorf(400, scim.InvalidValue, "%s of a remove of %s names no element: it has no value", p.where(), a.Name)
	}
	var f filter.Filter
	and := func(name string, lit filter.Literal) error {
		c := &filter.Compare{Attr: filter.Attr{Name: name}, Op: filter.Eq, Value: lit}
		if f == nil {
			f = c
		} else {
			f = &filter.And{Left: f, Right: c}
		}
		return p.uncontrolledText(name, lit.Text) // as in every path
	}
	if v.Kind() != doc.Object {
		lit, ok := p.literal(a, a, v)
		if !ok || a.Type == schema.Complex && a.SubAttribute("value") == nil {
			return nil, nameless()
		}
		err := and("value", lit)
		return f, err
	}
	byValue, valued := a.SubAttribute("value") != nil, false
	for key, val := range v.Fields() {
		sub := a.SubAttribute(key.Text())
		switch {
		case sub == nil || sub.MultiValued || sub.Type == schema.Complex || val.Kind() == doc.Null:
			continue
		case byValue && (isMembers(a) || sub.Name != "type") && sub.Name != "value":
			continue
		}
		lit, ok := p.literal(a, sub, val)
		if !ok {
			if sub.Name == "value" {
				return nil, nameless()
			}
			continue
		}
		valued = valued || sub.Name == "value"
		if err := and(sub.Name, lit); err != nil {
			return nil, err
		}
	}
	if f == nil || byValue && !valued {
		return nil, nameless()
	}
	return f, nil
}

// literal is a value, of an element of a list or of one of its sub-attributes, as a filter has it: the type decides (T16).
func (p *pass) literal(list, a *schema.Attribute, v doc.Value) (filter.Literal, bool) {
	switch v.Kind() {
	case doc.Bool:
		return filter.Literal{Kind: doc.Bool, Text: v.Text()}, a.Type == schema.Boolean
	case doc.String:
		text := v.Text()
		if word := p.truth(v); word != "" && a.Type == schema.Boolean {
			return filter.Literal{Kind: doc.Bool, Text: word}, true
		}
		if numeric(a) { // as in every filter, whether or not number-string is on
			return filter.Literal{Kind: doc.Number, Text: text}, writtenAsNumber(text, a.Type == schema.Decimal)
		}
		return filter.Literal{Kind: doc.String, Text: text}, len(v.Raw()) > 2 && a.Type != schema.Boolean
	case doc.Number:
		if isMembers(list) {
			return filter.Literal{Kind: doc.String, Text: v.Text()}, p.on[memberNumber] && digits(v.Raw())
		}
		return filter.Literal{Kind: doc.Number, Text: v.Text()}, numeric(a)
	}
	return filter.Literal{}, false
}

func numeric(a *schema.Attribute) bool { return a.Type == schema.Integer || a.Type == schema.Decimal }

// truth is the boolean that a string stands for; empty where it stands for none.
func (p *pass) truth(v doc.Value) string {
	switch {
	case !p.on[booleanString]:
	case v.Is("true"):
		return "true"
	case v.Is("false"):
		return "false"
	case p.on[localizedBoolean]:
		return localized(v.Text())
	}
	return ""
}

// pathlessRemoval is a remove without a path, which has no target (RFC 7644 §3.5.2.2), whatever its value says.
func (p *pass) pathlessRemoval(l *list, o *operation) error {
	noTarget := scim.Errorf(400, scim.NoTarget, "%s is a remove without a path (RFC 7644 §3.5.2.2)", p.where())
	if !p.on[pathlessRemoval] || o.at < 0 {
		return noTarget
	}
	c := p.d.At(o.at)
	if c.Kind() != doc.Object {
		return noTarget
	}
	c.Open()
	if !c.More() {
		return noTarget
	}
	key := c.Key()
	t, err := p.target(key)
	if err != nil || t.attr == nil || !t.isMembers() {
		return noTarget
	}
	at := c.Offset()
	if c.Skip(); c.More() {
		return noTarget
	}
	v, r, err := p.verdict(remove, t, at)
	if err != nil {
		return err
	}
	if v == omit {
		p.note(r, p.sample(o.at), nil)
		p.cur.Jump(o.span.To)
		l.drop(p, o.span)
		return nil
	}
	p.note(pathlessRemoval, nil, nil)
	o.at = at
	return p.expand(l, o, t)
}
