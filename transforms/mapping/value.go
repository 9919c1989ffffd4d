package mapping

import (
	"strings"
	"unicode/utf8"

	"github.com/caddy-scim/gateway/transforms/doc"
)

// template is a value as an operator wrote it: one placeholder, a text with placeholders, or JSON whose strings are such
// values in turn. Because JSON is taken apart before placeholders are, nothing that they stand for can break out of it.
type template struct {
	kind   valueKind
	expr   *expr
	parts  []part
	json   doc.Doc // constant
	fields []fieldValue
	items  []template
}

type fieldValue struct {
	name  string
	value template
}

type valueKind uint8

const (
	noValue valueKind = iota
	exprValue
	textValue
	constValue
	objectValue
	arrayValue
)

// parseValue reads a value; see [Definition] for the rules.
func (s *scope) parseValue(text string) (template, error) {
	if !utf8.ValidString(text) {
		return template{}, fault("the value is not valid UTF-8")
	}
	if !single(text) {
		if d, err := doc.Scan([]byte(text)); err == nil {
			return s.parseJSON(d.Value())
		}
	}
	return s.parseString(text)
}

// single tells whether the text is exactly one placeholder.
func single(text string) bool {
	return strings.HasPrefix(text, "{") && opens(text) && closing(text) == len(text)-1
}

func (s *scope) parseString(text string) (template, error) {
	if single(text) {
		e, err := s.parseExpr(text[1 : len(text)-1])
		return template{kind: exprValue, expr: e}, err
	}
	parts, err := s.parseText(text)
	return template{kind: textValue, parts: parts}, err
}

func (s *scope) parseJSON(v doc.Value) (template, error) {
	switch v.Kind() {
	case doc.String:
		return s.parseString(v.Text())
	case doc.Array:
		out := template{kind: arrayValue}
		for item := range v.Items() {
			one, err := s.parseJSON(item)
			if err != nil {
				return template{}, err
			}
			out.items = append(out.items, one)
		}
		return out, nil
	case doc.Object:
		out := template{kind: objectValue}
		for key, val := range v.Fields() {
			one, err := s.parseJSON(val)
			if err != nil {
				return template{}, err
			}
			out.fields = append(out.fields, fieldValue{key.Text(), one})
		}
		return out, nil
	}
	return template{kind: constValue, json: doc.Tree(v).Doc()}, nil
}

// known returns the kind of the value where it does not depend on the operation, else doc.Invalid.
func (v *template) known() doc.Kind {
	switch v.kind {
	case textValue:
		return doc.String
	case constValue:
		return v.json.Value().Kind()
	case arrayValue:
		return doc.Array
	case objectValue:
		return doc.Object
	case exprValue:
		return v.expr.known()
	}
	return doc.Invalid
}

// eval is the value; nil where it is missing. Members of an object that are missing are left out with omit, else null.
func (v *template) eval(env *Env, omit bool) (*doc.Node, error) {
	switch v.kind {
	case exprValue:
		return v.expr.eval(env)
	case textValue:
		text, err := render(v.parts, env, nil)
		return doc.NewString(text), err
	case constValue:
		return doc.Tree(v.json.Value()), nil // a tree of its own: nodes are for one goroutine
	case arrayValue:
		out := doc.NewArray()
		for i := range v.items {
			n, err := v.items[i].eval(env, omit)
			if err != nil {
				return nil, err
			}
			if n != nil {
				out.Add(n)
			}
		}
		return out, nil
	case objectValue:
		out := doc.NewObject()
		for i := range v.fields {
			n, err := v.fields[i].value.eval(env, omit)
			if err != nil {
				return nil, err
			}
			if n == nil && !omit {
				n = doc.NewNull()
			}
			out.Set(v.fields[i].name, n)
		}
		return out, nil
	}
	return nil, nil
}

// text is the value as a text.
func (v *template) text(env *Env) (string, error) {
	n, err := v.eval(env, false)
	return textOf(n), err
}
