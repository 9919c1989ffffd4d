package quirks

import (
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// removable refuses a remove with a value that could mean anything.
func (p *pass) removable(c *change) error {
	switch t := c.t; {
	case t.spread:
		return scim.Errorf(400, scim.InvalidValue,
			"a remove of %s takes no value; name the element in the path: %s", t.canon, t.path.Attr.Name+`[value eq "…"]`)
	case t.item && t.attr != nil && isMembers(t.attr) && !p.same(t, p.d.In(c.value)):
		return scim.Errorf(400, scim.InvalidValue,
			"a remove names other members in its value than in its path; leave the value out, or name the member in the path: members[value eq \"…\"]")
	}
	return nil
}

// saysNoMore is about a remove whose value says no more than its path (Q44).
func saysNoMore(_ *pass, c *change) bool {
	return c.act == remove && !c.t.list && (c.t.attr != nil || c.kind == doc.Null)
}

// removalSplit makes removes of the elements of a list that the value names. Ignoring the value would remove the whole list,
// so that whatever the value is, it is never ignored (Q56, Q61).
func removalSplit(p *pass, c *change) (verdict, error) {
	if c.act != remove || !c.t.list {
		return keep, nil
	}
	switch v := p.unheld(c.t.attr, c.value); p.kind(v) {
	case doc.Array:
		if p.d.In(v).HasItems() {
			return split, nil
		}
		return omit, nil // nothing is to be removed
	case doc.Object, doc.String:
		return split, nil
	case doc.Number:
		if c.t.isMembers() && p.on[memberNumber] || numeric(c.t.attr) {
			return split, nil
		}
	}
	return keep, scim.Errorf(400, scim.InvalidValue,
		"the value of a remove of %s names no element; leave it out to remove all of them", c.t.canon)
}

// removalRefused refuses a remove of a list with a value.
func removalRefused(_ *pass, c *change) (verdict, error) {
	if c.act != remove || !c.t.list {
		return keep, nil
	}
	return keep, scim.Errorf(400, scim.InvalidValue,
		"a remove of %s takes no value; name the element in the path, or enable the quirk %s", c.t.canon, table[memberRemovalValue].ID)
}

// same reports whether a value names nobody but the member whom the path names.
func (p *pass) same(t *target, v doc.Value) bool {
	one, ok := t.one()
	switch v.Kind() {
	case doc.Null:
		return true
	case doc.Array:
		for item := range v.Items() {
			if !p.same(t, item) {
				return false
			}
		}
		return true
	case doc.Object:
		id, _ := v.Lookup("value")
		return ok && id.Text() == one.Value.Text
	}
	return ok && v.Text() == one.Value.Text
}

// pathlessRemoval normalizes a remove without a path, which has no target (RFC 7644 §3.5.2.2), whatever its value says.
func (p *pass) pathlessRemoval(l *list, o *operation) error {
	c, ok := p.soleMembers(o.value)
	if !ok {
		return scim.Errorf(400, scim.NoTarget, "%s is a remove without a path (RFC 7644 §3.5.2.2)", p.where())
	}
	p.changes = append(p.changes, c)
	is := &p.changes[0]
	if err := p.judge(is); err != nil {
		return err
	}
	if is.becomes == omit {
		p.leaveOut(l, o, o.value, is.why)
		return nil
	}
	p.note(pathlessRemoval, nil, nil)
	return p.expand(l, o, is)
}

// soleMembers returns the remove of the members that an object with nothing else names.
func (p *pass) soleMembers(value doc.Span) (change, bool) {
	if !p.on[pathlessRemoval] || p.kind(value) != doc.Object {
		return change{}, false
	}
	c := p.d.At(value.From)
	if c.Open(); !c.More() {
		return change{}, false
	}
	key := c.Key()
	of := c.Skip()
	t, err := p.target(key)
	return change{act: remove, t: t, value: of}, err == nil && t.attr != nil && t.isMembers() && !c.More()
}

// expand writes one remove for each element that the value of a remove names (Q56).
func (p *pass) expand(l *list, o *operation, c *change) error {
	if !p.ed.Changed() {
		p.ed.Grow(len(p.d.Raw()) * 5 / 8) // what a member and a remove of it need, more or less
	}
	p.note(memberRemovalValue, p.raw(c.value), p.quoted(c.t.canon+"[…]"))
	p.noteOp(o)
	p.noteSpelling(c.t, p.raw(o.path))
	p.place.key(o.key)
	p.cur.Jump(c.value.From)
	// The path is a new one, so that it is written canonically, whatever may keep its spelling elsewhere.
	x := expansion{list: l, t: c.t, open: string(doc.AppendString([]byte(`{"op":"remove","path":`), c.t.path.String()))}
	x.open = x.open[:len(x.open)-1] + `[value eq \"`
	if err := p.expandValue(&x); err != nil {
		return err
	}
	p.place.pop()
	p.cur.Jump(o.span.To)
	if l.n == 0 {
		l.drop(p)
	}
	return nil
}

// expansion is a remove that becomes several.
type expansion struct {
	list *list
	t    *target
	open string // the beginning of an operation, up to an identifier
}

// expandValue goes through the value: a list, one element, or an object that holds the list.
func (p *pass) expandValue(x *expansion) error {
	switch p.cur.Kind() {
	case doc.Array:
		return p.expandList(x)
	case doc.Object:
		if held, ok := p.held(x.t.attr, p.cur); ok {
			p.note(membersObject, nil, nil)
			p.cur.Jump(held)
			return p.expandValue(x)
		}
	}
	id, _ := p.identify(x.t.attr, nil)
	return p.expandElement(x, id)
}

func (p *pass) expandList(x *expansion) error {
	seen := p.distinct(x.t.attr)
	p.cur.Open()
	for n := 0; p.cur.More(); n++ {
		p.place.index(n)
		if id, again := p.identify(x.t.attr, seen); !again {
			if err := p.expandElement(x, id); err != nil {
				return err
			}
		}
		p.place.pop()
	}
	return nil
}

// expandElement writes the remove of the element at the cursor, whose identifier is given where it is a member.
func (p *pass) expandElement(x *expansion, id doc.Span) error {
	if err := p.wrote(); err != nil {
		return err
	}
	whole := p.whole()
	element := p.d.In(whole)
	switch {
	case !isMembers(x.t.attr):
		if err := p.normal(x.t.attr, whole, &element); err != nil {
			return err
		}
	case id.To > 0 && !p.escaped(id):
		p.cur.Jump(whole.To)
		x.list.instead(p, whole.To)
		p.ed.Write(x.open)
		p.ed.Write(p.d.Alias(doc.Span{From: id.From + 1, To: id.To - 1}))
		p.ed.Write(`\"]"}`)
		return nil
	case id.To > 0:
		if err := p.uncontrolled("value", id); err != nil {
			return err
		}
	}
	p.cur.Jump(whole.To)
	f, err := p.elementFilter(x.t.attr, element)
	if err != nil {
		return err
	}
	path := x.t.path
	path.Filter = f
	x.list.instead(p, whole.To)
	p.ed.Write(`{"op":"remove","path":`)
	p.ed.WriteString(path.String())
	p.ed.Write("}")
	return nil
}

// normal makes of the element at the cursor what the rules for values would make of it in a list that is added, and moves
// behind it: so it is named as it was when it was added. No rule is counted for it.
func (p *pass) normal(a *schema.Attribute, s doc.Span, element *doc.Value) error {
	ed, acc := p.ed, p.acc
	p.ed, p.acc = doc.Editor{}, nil
	p.ed.BeginIn(p.d, s)
	err := p.one(a)
	*element = p.ed.Doc().Value()
	p.ed, p.acc = ed, acc
	return err
}

// elementFilter returns the filter that names an element: by its value alone for members, by value and type else, and by all of
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

// literal returns a value, of an element of a list or of one of its sub-attributes, as a filter has it: the type decides (T16).
func (p *pass) literal(list, a *schema.Attribute, v doc.Value) (filter.Literal, bool) {
	switch v.Kind() {
	case doc.Bool:
		return filter.Literal{Kind: doc.Bool, Text: v.Text()}, a.Type == schema.Boolean
	case doc.String:
		text := v.Text()
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
