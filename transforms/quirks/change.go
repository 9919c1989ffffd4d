package quirks

import (
	"bytes"
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// change is what a request says about one attribute: an operation with a path, a member of the object that an operation
// without one has, a member of an extension's object, an attribute of a POST or PUT. Rules that decide what becomes of it
// are functions of it; what they do to its value is in value.go.
type change struct {
	act   act
	t     *target  // what it changes; nil for a key that leads nowhere, and stays what it is
	key   doc.Span // in an object; none where the operation has a path
	value doc.Span // none where there is none

	meant doc.Span // the value, without an array or object that is only wrapped around it
	kind  doc.Kind // of what is meant; Invalid where there is no value

	becomes verdict
	why     ruleID // because of which it does
	idle    bool   // changes nothing, and would be refused as an operation
	apart   bool   // of an extension: what is inside has to become operations
	inside  int    // of an extension: how many of the changes that follow are inside
}

// verdict is what becomes of a change.
type verdict uint8

const (
	keep  verdict = iota // it stays what it is; its value may change
	unset                // it is a remove, without a value
	omit                 // it is left out
	split                // it is one remove for each element of the value
)

// ruling is the part of a rule that decides about a change, by the act, the attribute and the look of the value: what becomes of
// it where a condition holds, or else a judgement. Neither changes anything.
type ruling struct {
	rule    ruleID
	becomes verdict
	holds   condition
	judge   judgement
}

// of returns the ruling as that of a rule.
func (r ruling) of(rule ruleID) ruling {
	r.rule = rule
	return r
}

type (
	condition func(*pass, *change) bool
	judgement func(*pass, *change) (verdict, error)
)

// decide decides what becomes of a member of an object. Nothing is left out of a PUT, where null, "" and [] clear (T13).
func (p *pass) decide(ext *schema.Schema, c *change) error {
	switch {
	case p.verb == scim.Patch && c.t != nil:
		return p.judge(c)
	case p.verb != scim.Create:
	case ext == nil && !p.d.In(c.key).Is("schemas"), ext != nil && c.t.attr != nil:
		return p.ask(p.n.ofAttributes, c)
	}
	return nil
}

// judge decides what becomes of a change in a PATCH.
func (p *pass) judge(c *change) error {
	switch {
	case c.act == remove && c.value.To == 0:
		return nil
	case c.act == remove:
		if err := p.removable(c); err != nil {
			return err
		}
	case c.act == add && c.t.namesMember():
		return nil // the path says who is added, so that null is not nothing
	case c.t.attr == nil && c.value.To > 0:
		return nil // what is unknown is not touched (T2)
	}
	if err := p.ask(p.n.ofChanges, c); err != nil {
		return err
	}
	if c.value.To == 0 && c.becomes == keep {
		return p.valueless()
	}
	return nil
}

func (p *pass) valueless() error {
	return scim.Errorf(400, scim.InvalidValue, "%s has no value; to clear an attribute, use remove", p.where())
}

// ask asks rules, until one decides.
func (p *pass) ask(rules []ruling, c *change) error {
	c.meant = p.meaning(c)
	c.kind = p.kind(c.meant)
	for i := range rules {
		r, err := &rules[i], error(nil)
		if r.judge != nil {
			c.becomes, err = r.judge(p, c)
		} else if r.holds(p, c) {
			c.becomes = r.becomes
		}
		if err != nil {
			return err
		}
		if c.becomes != keep {
			c.why = r.rule
			return nil
		}
	}
	return nil
}

// meaning returns the value of a change, without what the other rules take off it: else an array would get by what its element
// does not.
func (p *pass) meaning(c *change) doc.Span {
	v := c.value
	if c.t == nil || c.t.attr == nil || c.act == remove {
		return v
	}
	if p.kind(v) == doc.Array && !c.t.list && !c.t.item {
		if inner, ok := p.only(c.t.attr, p.d.At(v.From)); ok {
			v = inner
		}
	}
	return p.unheld(c.t.attr, v)
}

// kind returns the kind of the value at a place; Invalid where there is none.
func (p *pass) kind(s doc.Span) doc.Kind { return p.d.In(s).Kind() }

// survey is what has to become of an object of changes.
type survey struct {
	fields, stay int    // its members, and those that are not left out
	idle         int    // of those, the ones that change nothing
	apart        bool   // each has to become an operation of its own
	why          ruleID // because of which rule
}

// attributes reads the changes that an object of attributes is, of the resource or of an extension, and has each decided.
func (p *pass) attributes(a act, ext *schema.Schema, object doc.Span) (s survey, err error) {
	c := p.d.At(object.From)
	for c.Open(); c.More(); s.fields++ {
		i := len(p.changes)
		key, kind := c.Key(), c.Kind()
		t, dotted, err := p.leads(ext, key, kind)
		if err != nil {
			return s, err
		}
		p.changes = append(p.changes, change{act: a, t: t, key: key, value: c.Skip()})
		is := &p.changes[i]
		s.stay++
		if dotted {
			s.apart = true
			if ext == nil || s.why == none {
				s.why = dottedKeys
			}
		}
		is.idle = ext == nil && p.idle(is)
		if t != nil && t.urn != nil && kind == doc.Object {
			in, err := p.inside(i)
			if err != nil {
				return s, err
			}
			if in.apart {
				s.apart, s.why = true, max(s.why, in.why)
				if in.stay == 0 {
					s.stay--
				}
			}
		} else if err := p.decide(ext, is); err != nil {
			return s, err
		}
		is = &p.changes[i]
		switch {
		case is.becomes == omit:
			s.stay--
		case is.idle:
			s.idle++
		}
		s.apart = s.apart || is.becomes == unset
		s.why = max(s.why, is.why)
	}
	if s.apart && s.idle == s.stay {
		s.stay = 0
	}
	return s, nil
}

// inside reads what is inside of a change that is an extension's object.
func (p *pass) inside(i int) (survey, error) {
	whole := p.changes[i]
	s, err := p.attributes(whole.act, whole.t.urn, whole.value)
	p.changes[i].apart, p.changes[i].inside = s.apart, len(p.changes)-i-1
	return s, err
}

// idle reports whether a change says about the resource what nobody may change, as a resource in an answer does: its id, its
// schemas, meta. It is ignored in an operation without a path; as an operation of its own it would be refused, and
// everything else with it. The id of another resource is no such thing.
func (p *pass) idle(c *change) bool {
	switch {
	case p.d.In(c.key).Is("schemas"):
		return true
	case c.t == nil || c.t.attr == nil || c.t.attr.Mutability != schema.ReadOnly:
		return false
	}
	return !c.t.isID() || p.d.In(c.value).Text() == p.id
}

// leads returns what a key in an object of attributes leads to, and whether the key is a path, which no attribute is called
// (Q37, Q54): an attribute's name has no dot (RFC 7643 §2.1). It is nil for what the schema does not know.
func (p *pass) leads(ext *schema.Schema, key doc.Span, value doc.Kind) (t *target, path bool, err error) {
	if ext != nil {
		t, path = p.named(ext, key)
		return t, path, nil
	}
	if p.verb != scim.Patch {
		return p.plainTarget(key), false, nil
	}
	raw := p.raw(key)
	special := bytes.ContainsAny(raw, `.[:\`)
	t, err = p.target(key)
	switch {
	case !special && (err != nil || t.attr == nil): // a name that no attribute has, or may have
		return nil, false, nil
	case err != nil && (!p.on[dottedKeys] || value == doc.Object && bytes.IndexByte(raw, ':') >= 0):
		return nil, false, nil // the URI of a schema may be any (RFC 7643 §3), and need not read like a path
	case err != nil:
		return nil, false, err
	case t.urn != nil, t.path.Attr.Name == "":
		return t, false, nil
	case t.path.Attr.URI != "" && p.rt.Schema(t.path.Attr.URI) == nil && value == doc.Object:
		return nil, false, nil // the object of an extension that nobody declared
	case t.path.Attr.URI == "" && (!special || t.path.Attr.Sub == "" && t.path.Filter == nil && bytes.IndexByte(raw, ':') < 0):
		return t, false, nil // a plain name, perhaps written with escapes
	case !p.on[dottedKeys]:
		return nil, false, nil
	}
	return t, true, nil // or the bare name of an extension's attribute
}

// named returns the target of a key in an extension's object, and whether the key is a path that no attribute is called (Q37):
// manager.value, or one with a URN of its own.
func (p *pass) named(s *schema.Schema, key doc.Span) (t *target, path bool) {
	text := p.d.In(key).Text()
	if p.on[dottedKeys] && p.verb == scim.Patch && strings.ContainsAny(text, ".[:") {
		if t, err := p.n.resolve(p.rt, pathIn(s, text)); err == nil && t.attr != nil {
			return t, true
		}
	}
	return p.inExtension(s, text), false
}

// pathIn returns a key in an extension's object as a path.
func pathIn(s *schema.Schema, key string) string {
	if strings.Contains(key, ":") {
		return key
	}
	return s.ID + ":" + key
}

// inExtension returns the target of a key in an extension's object that is called as an attribute is.
func (p *pass) inExtension(s *schema.Schema, name string) *target {
	a := s.Attribute(name)
	if a != nil && p.on[attributeCase] {
		name = a.Name
	}
	path := filter.Path{Attr: filter.Attr{URI: s.ID, Name: name}}
	if s == p.rt.Core {
		path.Attr.URI = ""
	}
	return &target{attr: a, list: a != nil && a.MultiValued, path: path, canon: path.String(), same: true}
}
