package template

import (
	"fmt"
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
)

// expr is what is between the braces of a placeholder: alternatives, of which the first that has a value is used.
type expr struct {
	source string
	alts   []alt
}

// alt is one alternative: a source of values, and the filters that they pass through.
type alt struct {
	source  source
	filters []filterFunc
	words   []string // the filters' names
}

// opens reports whether text, which begins with a brace, begins with a placeholder: {name}, {name.…}, {name|…} or {name??…}.
func opens(text string) bool {
	n := nameLen(text[1:])
	rest := text[1+n:]
	return n > 0 && (rest == "" || rest[0] == '}' || rest[0] == '.' || rest[0] == '|' || strings.HasPrefix(rest, "??"))
}

// nameLen returns the length of the name that s begins with.
func nameLen(s string) int {
	n := 0
	for n < len(s) && (s[n] >= 'a' && s[n] <= 'z' || s[n] >= 'A' && s[n] <= 'Z' || s[n] == '_' || n > 0 && s[n] >= '0' && s[n] <= '9') {
		n++
	}
	return n
}

// closing returns the index of the brace that closes the one that text begins with; -1 where there is none. Braces inside
// quotes do not count.
func closing(text string) int {
	quoted := false
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case c == '}' && !quoted:
			return i
		}
	}
	return -1
}

// split cuts s at every sep that is neither inside quotes nor inside brackets.
func split(s, sep string) []string {
	var out []string
	depth, quoted, start := 0, false, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '(' || c == '[':
			depth++
		case c == ')' || c == ']':
			depth--
		case depth == 0 && strings.HasPrefix(s[i:], sep):
			out = append(out, s[start:i])
			i += len(sep) - 1
			start = i + 1
		}
	}
	return append(out, s[start:])
}

func (s *Scope) parseExpr(text string) (*expr, error) {
	e := &expr{source: text}
	for i, one := range split(text, "??") {
		words := split(strings.TrimSpace(one), "|")
		var a alt
		var err error
		if a.source, err = s.source(strings.TrimSpace(words[0]), i > 0); err != nil {
			return nil, err
		}
		for _, word := range words[1:] {
			word = strings.TrimSpace(word)
			f, ok := filters[word]
			if !ok {
				return nil, fmt.Errorf("unknown filter %q in {%s}: one of %s", word, text, near(word, filters))
			}
			a.filters, a.words = append(a.filters, f), append(a.words, word)
		}
		if c, ok := a.source.(constSource); ok && len(a.filters) > 0 { // decided here and now
			n, err := a.apply(c.eval(nil))
			if err != nil && !s.Checking {
				return nil, fmt.Errorf("{%s}: %w", text, err)
			}
			if err != nil {
				n = c.eval(nil)
			}
			a = alt{source: constSource{n.Doc()}}
		}
		e.alts = append(e.alts, a)
	}
	return e, nil
}

// constant reports whether the value does not depend on the operation.
func (e *expr) constant() bool {
	_, ok := e.alts[0].source.(constSource)
	return ok && (len(e.alts) == 1 || !empty(e.alts[0].source.(constSource).eval(nil)))
}

// eval returns the value of the first alternative that has one; nil where none has. An e-mail address has to be there.
func (e *expr) eval(env *Env) (*doc.Node, error) {
	var last *doc.Node
	address := false
	for _, a := range e.alts {
		n, err := a.apply(a.source.eval(env))
		if err != nil {
			return nil, invalid(e.source, err)
		}
		if !empty(n) {
			return n, nil
		}
		last = n
		if _, ok := a.source.(emailSource); ok {
			address = true
		}
	}
	if address {
		return nil, noAddress()
	}
	return last, nil
}

func (a alt) apply(n *doc.Node) (*doc.Node, error) {
	for _, f := range a.filters {
		var err error
		if n, err = f(n); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// empty reports whether a value gives way to the next alternative: it is missing, null or a blank text.
func empty(n *doc.Node) bool {
	switch n.Kind() {
	case doc.Invalid, doc.Null:
		return true
	case doc.String:
		return strings.TrimSpace(n.Text()) == ""
	case doc.Array:
		return !n.HasItems()
	}
	return false
}
