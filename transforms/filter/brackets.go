package filter

import "github.com/caddy-scim/gateway/transforms/schema"

// path reads a whole path: an attribute, then brackets and a sub-attribute where there are some.
func (p *parser) path() (Path, error) {
	if err := p.start("path"); err != nil {
		return Path{}, err
	}
	attr, def, err := p.attr(false)
	if err != nil {
		return Path{}, err
	}
	path := Path{Attr: attr}
	if p.peek() == '[' {
		if path.Filter, err = p.brackets(attr, def); err != nil {
			return Path{}, err
		}
		if p.peek() == '.' {
			if path.Sub, _, err = p.sub(def); err != nil {
				return Path{}, err
			}
		}
	}
	return path, p.end("the end of the path is expected")
}

// brackets reads the filter of a value path, from bracket to bracket.
func (p *parser) brackets(attr Attr, def *schema.Attribute) (Filter, error) {
	start := p.pos
	switch {
	case p.inside:
		return nil, p.fail(start, "brackets cannot be inside brackets")
	case attr.Name == "":
		return nil, p.fail(start, "an attribute is expected before the bracket")
	case attr.Sub != "" || def != nil && def.Type != schema.Complex && !def.MultiValued:
		return nil, p.fail(start, "only an attribute with several values or sub-attributes can be followed by brackets")
	}
	outer := p.depth
	p.inside, p.parent, p.depth, p.deepest = true, def, 0, 0
	f, err := p.enclosed(']', `"and", "or" or a closing bracket is expected`)
	p.inside, p.parent, p.depth = false, nil, outer
	return f, err
}

// comparedValuePath mends a comparison that follows a value path, which the grammar knows in paths only (Q16).
func (p *parser) comparedValuePath(attr Attr, def *schema.Attribute, inner Filter) (Filter, error) {
	if err := p.use(ValuePathComparison, p.pos); err != nil {
		return nil, err
	}
	start := p.pos
	sub, subDef, err := p.sub(def)
	if err != nil {
		return nil, err
	}
	last, err := p.expression(Attr{Name: sub}, subDef)
	if err != nil {
		return nil, err
	}
	if _, or := inner.(*Or); or && p.deepest == MaxDepth { // it gets parentheses of its own
		return nil, p.fail(start, "the parentheses are nested too deeply")
	}
	return &ValuePath{attr, &And{inner, last}}, nil
}

// sub reads the sub-attribute after a value path, from the dot on.
func (p *parser) sub(def *schema.Attribute) (string, *schema.Attribute, error) {
	p.pos++
	start := p.pos
	name := p.token()
	if !schema.IsName(name) {
		return "", nil, p.fail(start, "a sub-attribute is expected after the dot")
	}
	sub := def.SubAttribute(name)
	return p.spelled(name, sub), sub, nil
}
