package filter

import (
	"strings"
	"unicode"
	"unicode/utf16"
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

// typed is the value as the attribute's type has it.
func (p *parser) typed(v Literal, quoted bool, def *schema.Attribute, at int) (Literal, error) {
	if def != nil {
		switch def.Type {
		case schema.Boolean:
			if v.Kind == doc.Bool {
				return v, nil
			}
			for _, word := range [...]string{"true", "false"} {
				if v.Kind == doc.String && foldEqual(v.Text, word) {
					return Literal{doc.Bool, word}, p.use(BooleanString, at)
				}
			}
			return v, p.fail(at, def.Name+" is a boolean: true or false is expected")
		case schema.Integer, schema.Decimal:
			switch {
			case v.Kind == doc.Number:
				return v, nil
			case v.Kind == doc.String && isNumber(v.Text):
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
		case word == "" || foldEqual(word, "and") || foldEqual(word, "or"):
			return v, false, p.fail(start, "a value is expected after the operator")
		case word == "true" || word == "false":
			v = Literal{doc.Bool, word}
		case word == "null":
			v = Literal{doc.Null, word}
		case isNumber(word):
			v = Literal{doc.Number, word}
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

// suspicious are the characters that no string without quotes may have: whoever sent them meant more than a name, an
// address or an id, be it another way of quoting or the percent sign of a value that was encoded twice (C35).
func suspicious(r rune) bool {
	if r >= utf8.RuneSelf {
		return !unicode.IsGraphic(r) || unicode.IsSpace(r)
	}
	return r <= ' ' || r == 0x7f || strings.ContainsRune("'`\\%<>{},;|^", r)
}

// quoted reads a JSON string (RFC 8259 §7). Without escapes the result is a part of the text.
func (p *parser) quoted() (string, error) {
	start := p.pos
	p.pos++
	from := p.pos
	var buf []byte
	for p.pos < len(p.text) {
		switch c := p.text[p.pos]; {
		case c == '"':
			part := p.text[from:p.pos]
			p.pos++
			if buf == nil {
				return part, nil
			}
			return string(append(buf, part...)), nil
		case c == '\\':
			buf = append(buf, p.text[from:p.pos]...)
			var ok bool
			if buf, ok = p.escape(buf); !ok {
				return "", p.fail(p.pos, "the string has an escape that JSON does not know")
			}
			from = p.pos
		case c < ' ':
			return "", p.fail(p.pos, "the string has a control character that is not escaped")
		default:
			p.pos++
		}
	}
	return "", p.fail(start, "the string has no closing quote")
}

// escape decodes one escape, or the two of a surrogate pair.
func (p *parser) escape(buf []byte) ([]byte, bool) {
	if p.pos+1 >= len(p.text) {
		return nil, false
	}
	c := p.text[p.pos+1]
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
		p.pos += 2
		return append(buf, "\"\\/\b\f\n\r\t"[i]), true
	}
	r, ok := hex4(p.text, p.pos)
	if !ok {
		return nil, false
	}
	n := len(`\u0000`)
	if utf16.IsSurrogate(r) {
		low, ok := hex4(p.text, p.pos+n)
		if r = utf16.DecodeRune(r, low); !ok || r == unicode.ReplacementChar {
			return nil, false
		}
		n *= 2
	}
	p.pos += n
	return utf8.AppendRune(buf, r), true
}

func hex4(s string, i int) (r rune, ok bool) {
	if i+6 > len(s) || s[i] != '\\' || s[i+1] != 'u' {
		return 0, false
	}
	for _, c := range []byte(s[i+2 : i+6]) {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// isNumber tells whether s is a JSON number (RFC 8259 §6): 007 is not, and neither is a GUID that begins with digits.
func isNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	whole := digits(s)
	if whole == 0 || whole > 1 && s[0] == '0' {
		return false
	}
	if s = s[whole:]; s != "" && s[0] == '.' {
		n := digits(s[1:])
		if n == 0 {
			return false
		}
		s = s[1+n:]
	}
	if s != "" && (s[0] == 'e' || s[0] == 'E') {
		if s = s[1:]; s != "" && (s[0] == '+' || s[0] == '-') {
			s = s[1:]
		}
		n := digits(s)
		return n > 0 && n == len(s)
	}
	return s == ""
}

func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}
