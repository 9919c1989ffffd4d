package filter

import (
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// Parse reads a filter (RFC 7644 §3.4.2.2) on resources of the given type. Attributes that the type does not know are
// taken as they are written: whether to refuse them is up to the caller. A nil type knows none. Any error is an [*Error].
func Parse(text string, rt *schema.ResourceType, o Options) (Filter, Notes, error) {
	p := parser{text: text, rt: rt, opt: o}
	f, err := p.whole()
	if err != nil {
		return nil, 0, err
	}
	return f, p.notes, nil
}

// ParsePath reads an attribute path (RFC 7644 §3.5.2 and §3.10), as it comes in a PATCH operation or in a list of
// attributes. Unknown attributes are taken as [Parse] takes them. Any error is an [*Error].
func ParsePath(text string, rt *schema.ResourceType, o Options) (Path, Notes, error) {
	p := parser{text: text, rt: rt, opt: o}
	path, err := p.path()
	if err != nil {
		return Path{}, 0, err
	}
	return path, p.notes, nil
}

// parser reads by recursive descent, one byte ahead; depth bounds the recursion.
type parser struct {
	text  string
	pos   int
	rt    *schema.ResourceType
	opt   Options
	notes Notes

	depth, deepest int // open parentheses: now, and at most since the last bracket opened

	bare   bool              // the last attribute got the URI of an extension that it came without
	inside bool              // inside brackets, where attributes are sub-attributes
	parent *schema.Attribute // the attribute before the brackets; nil where unknown
}

func (p *parser) whole() (Filter, error) {
	if err := p.start("filter"); err != nil {
		return nil, err
	}
	f, err := p.or()
	if err != nil {
		return nil, err
	}
	if err := p.end(`"and", "or" or the end is expected`); err != nil {
		return nil, err
	}
	return f, nil
}

// or, and and term are the levels of precedence (RFC 7644 §3.4.2.2): grouping, not, and, or.
func (p *parser) or() (Filter, error) {
	left, err := p.and()
	for err == nil {
		at := p.pos
		var more bool
		if more, err = p.connective("or"); err != nil || !more {
			break
		}
		if p.opt.Strict {
			return nil, p.strict(at)
		}
		var right Filter
		right, err = p.and()
		left = &Or{left, right}
	}
	return left, err
}

func (p *parser) and() (Filter, error) {
	left, err := p.term()
	for err == nil {
		var more bool
		if more, err = p.connective("and"); err != nil || !more {
			break
		}
		var right Filter
		right, err = p.term()
		left = &And{left, right}
	}
	return left, err
}

// connective takes the word with the spaces around it, or nothing.
func (p *parser) connective(word string) (bool, error) {
	i := p.pos
	for i < len(p.text) && p.text[i] == ' ' {
		i++
	}
	end := i + len(word)
	if i == p.pos || end >= len(p.text) || p.text[end] != ' ' || !doc.FoldEqual(p.text[i:end], word) {
		return false, nil
	}
	p.noteCase(p.text[i:end], word)
	if err := p.spaces(1); err != nil {
		return false, err
	}
	p.pos = end
	return true, p.spaces(1)
}

func (p *parser) term() (Filter, error) {
	start := p.pos
	if p.peek() == '(' {
		return p.group()
	}
	if open := p.afterNot(); open > 0 {
		p.pos += len("not")
		p.noteCase(p.text[start:p.pos], "not")
		if open > p.pos { // "not (" is how the RFC writes it in its examples, "not(" what its grammar says
			if err := p.spaces(1); err != nil {
				return nil, err
			}
		}
		f, err := p.group()
		return &Not{f}, err
	}
	attr, def, err := p.attr(true)
	if err != nil {
		return nil, err
	}
	if p.peek() != '[' {
		return p.expression(attr, def)
	}
	inner, err := p.brackets(attr, def)
	if err != nil {
		return nil, err
	}
	switch p.peek() {
	case '.':
		return p.comparedValuePath(attr, def, inner)
	case ' ':
		after := *p
		_ = after.spaces(1)
		if _, ok := operator(after.token()); ok { // could be meant for the value, or not: no guess (C12)
			return nil, p.fail(p.pos+1, "a value path cannot be compared: a sub-attribute belongs into the comparison")
		}
	}
	return &ValuePath{attr, inner}, nil
}

// afterNot returns the index of the parenthesis after the word "not"; 0 where the text does not go on so, and "not" is an
// attribute's name.
func (p *parser) afterNot() int {
	const not = "not"
	if len(p.text)-p.pos <= len(not) || !doc.FoldEqual(p.text[p.pos:p.pos+len(not)], not) {
		return 0
	}
	for i := p.pos + len(not); i < len(p.text); i++ {
		if p.text[i] == '(' {
			return i
		}
		if p.text[i] != ' ' {
			break
		}
	}
	return 0
}

func (p *parser) group() (Filter, error) {
	start := p.pos
	if p.opt.Strict {
		return nil, p.strict(start)
	}
	if p.depth++; p.depth > MaxDepth {
		return nil, p.fail(start, "the parentheses are nested too deeply")
	}
	p.deepest = max(p.deepest, p.depth)
	f, err := p.enclosed(')', `"and", "or" or a closing parenthesis is expected`)
	p.depth--
	return f, err
}

// enclosed reads a filter from the byte that opens it to the one that closes it.
func (p *parser) enclosed(closing byte, expected string) (Filter, error) {
	p.pos++
	if err := p.spaces(0); err != nil {
		return nil, err
	}
	f, err := p.or()
	if err != nil {
		return nil, err
	}
	if err := p.spaces(0); err != nil {
		return nil, err
	}
	if p.peek() != closing {
		return nil, p.fail(p.pos, expected)
	}
	p.pos++
	return f, nil
}

// expression reads what follows an attribute: "pr", or an operator and a value.
func (p *parser) expression(attr Attr, def *schema.Attribute) (Filter, error) {
	if p.peek() != ' ' {
		return nil, p.fail(p.pos, "a space and an operator are expected after the attribute")
	}
	if err := p.spaces(1); err != nil {
		return nil, err
	}
	start := p.pos
	word := p.token()
	op, ok := operator(word)
	if !ok {
		return nil, p.fail(start, "an operator is expected: eq, ne, co, sw, ew, gt, ge, lt, le or pr")
	}
	p.noteCase(word, string(op))
	if p.opt.Strict && op != Eq {
		return nil, p.strict(start)
	}
	if op == present {
		return &Present{attr}, nil
	}
	if p.peek() != ' ' {
		return nil, p.fail(p.pos, "a space and a value are expected after the operator")
	}
	if err := p.spaces(1); err != nil {
		return nil, err
	}
	return p.compare(attr, def, op, start)
}

const present Operator = "pr"

func operator(word string) (Operator, bool) {
	for _, op := range [...]Operator{Eq, Ne, Co, Sw, Ew, Gt, Ge, Lt, Le, present} {
		if doc.FoldEqual(word, string(op)) {
			return op, true
		}
	}
	return "", false
}
