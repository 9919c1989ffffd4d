package quirks

import (
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// onExtension normalizes an operation whose path is the URI of a schema and whose value is an object of its attributes:
// what an operation without a path says of them under that key.
func (p *pass) onExtension(l *list, o *operation, t *target) error {
	c := p.d.At(o.at)
	value := c.Skip()
	apart, why, err := p.surveyExtension(o.act, t.urn, value, false, none)
	if err != nil {
		return err
	}
	if !apart {
		return p.rewrite(l, o, t, false, none)
	}
	p.cur.Jump(value.To)
	p.finish(o)
	p.noteSpelling(t, p.raw(o.path))
	w := p.apart(l, o, why)
	if err := p.eachNamed(w, o.act, t.urn, value); err != nil {
		return err
	}
	p.together(l, o, w)
	return nil
}

// surveyExtension looks for attributes in an extension's object that have to become operations of their own.
func (p *pass) surveyExtension(a act, s *schema.Schema, span doc.Span, apart bool, why rule) (bool, rule, error) {
	c := p.d.At(span.From)
	for c.Open(); c.More(); {
		key := c.Key()
		at := c.Offset()
		c.Skip()
		t, dotted := p.named(s, key)
		v, r, err := p.verdict(a, t, at)
		switch {
		case err != nil:
			return apart, why, err
		case v == unset:
			apart, why = true, max(why, r)
		case dotted:
			apart, why = true, max(why, dottedKeys)
		}
	}
	return apart, why, nil
}

// takeExtensionApart writes the object of an extension as one operation, or, where one of its attributes has to be
// an operation of its own, as one operation for each.
func (p *pass) takeExtensionApart(w *splitter, a act, t *target, key, value doc.Span) error {
	apart, _, err := p.surveyExtension(a, t.urn, value, false, none)
	if err != nil {
		return err
	}
	if !apart {
		return p.single(w, a, t, key, value)
	}
	p.place.key(key)
	defer p.place.pop()
	return p.eachNamed(w, a, t.urn, value)
}

// eachNamed writes one operation for each attribute in an extension's object.
func (p *pass) eachNamed(w *splitter, a act, s *schema.Schema, value doc.Span) error {
	c := p.d.At(value.From)
	for c.Open(); c.More(); {
		key := c.Key()
		t, _ := p.named(s, key)
		if t.attr == nil { // what becomes a path has to be one
			var err error
			if t, err = p.n.resolve(p.rt, pathIn(s, p.d.In(key).Text())); err != nil {
				return p.located(err)
			}
		}
		if err := p.single(w, a, t, key, c.Skip()); err != nil {
			return err
		}
	}
	return nil
}

// named is the target of a key in an extension's object, and whether the key is a path that no attribute is called (Q37):
// manager.value, or one with a URN of its own.
func (p *pass) named(s *schema.Schema, key doc.Span) (t *target, dotted bool) {
	text := p.d.In(key).Text()
	if !p.on[dottedKeys] || !strings.ContainsAny(text, ".[:") {
		return p.inExtension(s, key), false
	}
	if t, err := p.n.resolve(p.rt, pathIn(s, text)); err == nil && t.attr != nil {
		return t, true
	}
	return p.inExtension(s, key), false
}

// pathIn is a key in an extension's object as a path.
func pathIn(s *schema.Schema, key string) string {
	if strings.Contains(key, ":") {
		return key
	}
	return s.ID + ":" + key
}

// inExtension is the target of a key in an extension's object that is called as an attribute is.
func (p *pass) inExtension(s *schema.Schema, key doc.Span) *target {
	name := p.d.In(key).Text()
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
