package quirks

import (
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// onExtension normalizes an operation whose path is the URI of a schema and whose value is an object of its attributes:
// what an operation without a path says of them under that key.
func (p *pass) onExtension(l *list, o *operation, t *target) error {
	c := p.d.At(o.at)
	value := c.Skip()
	plan, err := p.surveyExtension(o.act, t.urn, value)
	switch {
	case err != nil:
		return err
	case !plan.apart:
		return p.rewrite(l, o, t, false, none)
	}
	p.cur.Jump(value.To)
	p.finish(o)
	if plan.stay == 0 {
		p.note(plan.why, p.raw(value), nil)
		l.drop(p, o.span)
		return nil
	}
	p.noteSpelling(t, p.raw(o.path))
	w := p.apart(l, o, plan.why)
	if err := p.eachNamed(w, o.act, t.urn, value); err != nil {
		return err
	}
	p.together(o, w)
	return nil
}

// surveyExtension looks for attributes in an extension's object that have to become operations of their own.
func (p *pass) surveyExtension(a act, ext *schema.Schema, span doc.Span) (s survey, err error) {
	c := p.d.At(span.From)
	for c.Open(); c.More(); {
		key := c.Key()
		at := c.Offset()
		c.Skip()
		s.fields++
		s.stay++
		t, dotted := p.named(ext, key)
		if err := s.judge(p, a, t, at); err != nil {
			return s, err
		}
		if dotted {
			s.apart, s.why = true, max(s.why, dottedKeys)
		}
	}
	return s, nil
}

// takeExtensionApart writes the object of an extension as one operation, or, where one of its attributes has to be
// an operation of its own, as one operation for each.
func (p *pass) takeExtensionApart(w *splitter, a act, t *target, key, value doc.Span) error {
	plan, err := p.surveyExtension(a, t.urn, value)
	if err != nil {
		return err
	}
	if !plan.apart {
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
			if t.urn != nil {
				return scim.Errorf(400, scim.InvalidPath, "%s has a schema inside another one", p.where())
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
