package filter

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// compare reads the value and makes it fit the attribute's type. The type decides, never the look of the value: "True" is
// a boolean for active and a name for displayName (T1).
func (p *parser) compare(attr Attr, def *schema.Attribute, op Operator, opAt int) (Filter, error) {
	at := p.pos
	value, quoted, err := p.literal()
	if err != nil {
		return nil, err
	}
	if value.Kind == doc.Null {
		if op != Eq && op != Ne {
			return nil, p.fail(opAt, "null can be compared with eq and ne only")
		}
		return &Compare{attr, op, value}, nil // any attribute can be unassigned (RFC 7643 §2.5)
	}
	if def != nil && def.Type == schema.Complex {
		v := def.SubAttribute("value")
		switch {
		case v == nil:
			return nil, p.fail(at, def.Name+" is complex: a comparison needs one of its sub-attributes")
		case p.bare: // noted already
			attr.Sub = v.Name
		case p.opt.allows(ComplexCompare):
			attr.Sub = v.Name
			p.notes |= ComplexCompare
		}
		def = v
	}
	if value, err = p.typed(value, quoted, def, at); err != nil {
		return nil, err
	}
	if reason := misfit(op, value, def); reason != "" {
		return nil, p.fail(opAt, reason)
	}
	return &Compare{attr, op, value}, nil
}

// typed returns the value as the attribute's type has it.
func (p *parser) typed(v Literal, quoted bool, def *schema.Attribute, at int) (Literal, error) {
	if def != nil {
		switch def.Type {
		case schema.Boolean:
			if v.Kind == doc.Bool {
				return v, nil
			}
			for _, word := range [...]string{"true", "false"} {
				if v.Kind == doc.String && doc.FoldEqual(v.Text, word) {
					return Literal{doc.Bool, word}, p.use(BooleanString, at)
				}
			}
			if v.Kind == doc.String && p.opt.Boolean != nil {
				if word := p.opt.Boolean(v.Text); word != "" {
					return Literal{doc.Bool, word}, p.use(LocalizedBoolean, at)
				}
			}
			return v, p.fail(at, def.Name+" is a boolean: true or false is expected")
		case schema.Integer, schema.Decimal:
			switch {
			case v.Kind == doc.Number:
				return v, nil
			case v.Kind == doc.String && doc.IsNumber(v.Text):
				return Literal{doc.Number, v.Text}, p.use(NumberString, at)
			}
			return v, p.fail(at, def.Name+" is of type "+def.Type.String()+": a number is expected")
		}
		if v.Kind != doc.String {
			v.Kind = doc.String // true or 42, for a string
		}
	}
	if v.Kind == doc.String && !quoted {
		return v, p.use(UnquotedLiteral, at)
	}
	return v, nil
}

// misfit tells why an operator and a value do not go together (RFC 7644 §3.4.2.2: a failed response rather than an empty
// one); it is empty where they do.
func misfit(op Operator, v Literal, def *schema.Attribute) string {
	order := op == Gt || op == Ge || op == Lt || op == Le
	part := op == Co || op == Sw || op == Ew
	switch {
	case v.Kind == doc.Bool && (order || part):
		return "a boolean can be compared with eq and ne only"
	case v.Kind == doc.Number && part:
		return "co, sw and ew search in strings only"
	case def == nil:
	case def.Type == schema.Binary && order:
		return "a binary value has no order"
	case def.Type == schema.DateTime && !part:
		if _, ok := schema.ParseDateTime(v.Text); !ok {
			return def.Name + " is a dateTime: a value like 2011-05-13T04:42:34Z is expected"
		}
	}
	return ""
}

// literal reads a comparison value and what has to follow it. A word that is no JSON is a string without quotes.
func (p *parser) literal() (v Literal, quoted bool, err error) {
	start := p.pos
	if p.peek() == '"' {
		text, err := p.quoted()
		if err != nil {
			return v, true, err
		}
		v, quoted = Literal{doc.String, text}, true
	} else {
		word := p.token()
		switch {
		case word == "" || doc.FoldEqual(word, "and") || doc.FoldEqual(word, "or"):
			return v, false, p.fail(start, "a value is expected after the operator")
		case word == "true" || word == "false":
			v = Literal{doc.Bool, word}
		case word == "null":
			v = Literal{doc.Null, word}
		case doc.IsNumber(word):
			v = Literal{doc.Number, word}
		case curly(word):
			return v, false, p.fail(start, `a string belongs in straight double quotes ("), not in curly ones`)
		case strings.ContainsFunc(word, suspicious):
			return v, false, p.fail(start, "the value is neither a string in double quotes nor a number, true, false or null")
		default:
			v = Literal{doc.String, word}
		}
	}
	if c := p.peek(); c != 0 && c != ' ' && c != ')' && c != ']' || c == 0 && p.pos < len(p.text) {
		return v, quoted, p.fail(p.pos, `a value ends at a space or a closing bracket; a quote inside a string is written \"`)
	}
	return v, quoted, nil
}

// suspicious returns the characters that no string without quotes may have: whoever sent them meant more than a name, an
// address or an id, be it another way of quoting or the percent sign of a value that was encoded twice (C35).
func suspicious(r rune) bool {
	if r >= utf8.RuneSelf {
		return !unicode.IsGraphic(r) || unicode.IsSpace(r)
	}
	return r <= ' ' || r == 0x7f || strings.ContainsRune("'`\\%<>{},;|^", r)
}

// curly reports whether a word begins with a quote as word processors write it, from where a filter was copied.
func curly(word string) bool {
	r, _ := utf8.DecodeRuneInString(word)
	return strings.ContainsRune("\u201c\u201d\u201e\u2018\u2019\u201a\u00ab\u00bb", r)
}

// quoted reads a JSON string (RFC 8259 §7).
func (p *parser) quoted() (string, error) {
	start := p.pos
	end := start + 1
	for end < len(p.text) && p.text[end] != '"' {
		if p.text[end] == '\\' {
			end++
		}
		end++
	}
	if end >= len(p.text) {
		return "", p.fail(start, "the string has no closing quote")
	}
	p.pos = end + 1
	text, err := doc.Unquote(p.text[start:p.pos])
	if e, ok := errors.AsType[*doc.Error](err); ok {
		return "", p.fail(start+e.Offset, e.Reason)
	}
	if p.opt.NoControls && strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", p.fail(start, `the string has control characters; a backslash in a string is written \\`)
	}
	return text, err
}
