// Package template reads and evaluates values with placeholders. A [Scope] says what placeholders may name at one place of a
// mapping, and reads texts there: a [Template] is a value, a [Text] a part of a URL or a header field. An [Env] says what the
// placeholders stand for during one operation.
package template

import (
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/caddy-scim/gateway/transforms/doc"
)

// Template is a value as an operator wrote it: one placeholder, a text with placeholders, or JSON whose strings are such
// values in turn. Because JSON is taken apart before placeholders are, nothing that they stand for can break out of it.
type Template struct {
	kind   valueKind
	expr   *expr
	text   Text
	json   doc.Doc // constant
	fields []fieldValue
	items  []Template
}

type fieldValue struct {
	name  string
	value Template
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

// Parse reads a value: a placeholder, JSON, or a text with placeholders.
func (s *Scope) Parse(text string) (Template, error) {
	if !utf8.ValidString(text) {
		return Template{}, errors.New("the value is not valid UTF-8")
	}
	if !single(text) {
		if d, err := doc.Scan([]byte(text)); err == nil {
			return s.parseJSON(d.Value())
		}
	}
	return s.ParseString(text)
}

// single reports whether the text is exactly one placeholder.
func single(text string) bool {
	return strings.HasPrefix(text, "{") && opens(text) && closing(text) == len(text)-1
}

// ParseString reads a placeholder or a text with placeholders; JSON is a text like any other.
func (s *Scope) ParseString(text string) (Template, error) {
	if single(text) {
		e, err := s.parseExpr(text[1 : len(text)-1])
		return Template{kind: exprValue, expr: e}, err
	}
	parsed, err := s.ParseText(text)
	return Template{kind: textValue, text: parsed}, err
}

func (s *Scope) parseJSON(v doc.Value) (Template, error) {
	switch v.Kind() {
	case doc.String:
		return s.ParseString(v.Text())
	case doc.Array:
		out := Template{kind: arrayValue}
		for item := range v.Items() {
			one, err := s.parseJSON(item)
			if err != nil {
				return Template{}, err
			}
			out.items = append(out.items, one)
		}
		return out, nil
	case doc.Object:
		out := Template{kind: objectValue}
		for key, val := range v.Fields() {
			one, err := s.parseJSON(val)
			if err != nil {
				return Template{}, err
			}
			out.fields = append(out.fields, fieldValue{key.Text(), one})
		}
		return out, nil
	}
	return Template{kind: constValue, json: doc.Tree(v).Doc()}, nil
}

// MayMiss reports whether the value can be missing: whether it is one placeholder.
func (v *Template) MayMiss() bool { return v.kind == exprValue }

// Eval returns the value; nil where it is missing. Members of an object that are missing are left out with omit, else null.
func (v *Template) Eval(env *Env, omit bool) (*doc.Node, error) {
	switch v.kind {
	case exprValue:
		return v.expr.eval(env)
	case textValue:
		text, err := v.text.Render(env, nil)
		return doc.NewString(text), err
	case constValue:
		return doc.Tree(v.json.Value()), nil // a tree of its own: nodes are for one goroutine
	case arrayValue:
		out := doc.NewArray()
		for i := range v.items {
			n, err := v.items[i].Eval(env, omit)
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
			n, err := v.fields[i].value.Eval(env, omit)
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

// Text returns the value as a text.
func (v *Template) Text(env *Env) (string, error) {
	n, err := v.Eval(env, false)
	return TextOf(n), err
}
