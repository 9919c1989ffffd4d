package template

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
)

// Text is a text with placeholders in it.
type Text []segment

// segment is what stands in a text, or a placeholder.
type segment struct {
	text string
	expr *expr
}

// Literal returns a text without placeholders.
func Literal(s string) Text { return Text{{text: s}} }

// Placeholders reports whether there are placeholders in the text.
func (t Text) Placeholders() bool {
	return slices.ContainsFunc(t, func(s segment) bool { return s.expr != nil })
}

// Literals walks over what stands between the placeholders.
func (t Text) Literals() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, p := range t {
			if p.expr == nil && !yield(p.text) {
				return
			}
		}
	}
}

// Sample returns the text with something in the place of each placeholder.
func (t Text) Sample(something string) string {
	var b strings.Builder
	for _, p := range t {
		if p.expr != nil {
			b.WriteString(something)
		}
		b.WriteString(p.text)
	}
	return b.String()
}

// Cut returns what is before and after the first sep outside of placeholders.
func (t Text) Cut(sep string) (before, after Text, found bool) {
	for i, p := range t {
		if p.expr != nil {
			continue
		}
		if left, right, ok := strings.Cut(p.text, sep); ok {
			return append(slices.Clone(t[:i]), segment{text: left}), append(Text{{text: right}}, t[i+1:]...), true
		}
	}
	return t, nil, false
}

// Render returns the text with what the placeholders stand for, each passed through escape where that is given.
func (t Text) Render(env *Env, escape func(string) string) (string, error) {
	var b strings.Builder
	for _, p := range t {
		if p.expr == nil {
			b.WriteString(p.text)
			continue
		}
		n, err := p.expr.eval(env)
		if err != nil {
			return "", err
		}
		text := TextOf(n)
		if escape != nil {
			text = escape(text)
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

// TextOf returns a value as it stands inside a text: nothing for what is missing or null, JSON for arrays and objects.
func TextOf(n *doc.Node) string {
	if n.Kind() == doc.Null {
		return ""
	}
	return n.Text()
}

// ParseText reads a text. A brace opens a placeholder only where a name follows it, so that JSON and GraphQL
// seldom need quoting; a backslash before a brace takes its meaning away.
func (s *Scope) ParseText(text string) (Text, error) {
	return s.parseText(text, func(s string) string { return s })
}

// ParseURL reads a text that is a part of a URL: what the environment brings is percent-encoded.
func (s *Scope) ParseURL(text string) (Text, error) { return s.parseText(text, Escape) }

func (s *Scope) parseText(text string, escape func(string) string) (Text, error) {
	var parts Text
	var lit strings.Builder
	for i := 0; i < len(text); {
		if text[i] == '\\' && i+1 < len(text) && (text[i+1] == '{' || text[i+1] == '}') {
			lit.WriteByte(text[i+1])
			i += 2
			continue
		}
		if text[i] != '{' || !opens(text[i:]) {
			lit.WriteByte(text[i])
			i++
			continue
		}
		end := closing(text[i:])
		if end < 0 {
			return nil, fmt.Errorf("the placeholder %q is not closed", text[i:])
		}
		e, err := s.parseExpr(text[i+1 : i+end])
		if err != nil {
			return nil, err
		}
		if e.constant() { // known already: {env.X}
			lit.WriteString(escape(TextOf(e.alts[0].source.(constSource).eval(nil))))
		} else {
			if lit.Len() > 0 {
				parts = append(parts, segment{text: lit.String()})
				lit.Reset()
			}
			parts = append(parts, segment{expr: e})
		}
		i += end + 1
	}
	if lit.Len() > 0 {
		parts = append(parts, segment{text: lit.String()})
	}
	return parts, nil
}

// IsName reports whether s can be the root of a placeholder.
func IsName(s string) bool { return s != "" && nameLen(s) == len(s) }
