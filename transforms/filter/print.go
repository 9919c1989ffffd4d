package filter

import "github.com/caddy-scim/gateway/transforms/doc"

// The text of a filter is printed by appending, so that its cost is in proportion to its length. Parentheses keep the
// tree as it is: what comes out of the parser again is equal to what went in.

// String returns the filter in canonical form.
func (f *And) String() string { return string(appendFilter(nil, f)) }

// String returns the filter in canonical form.
func (f *Or) String() string { return string(appendFilter(nil, f)) }

// String returns the filter in canonical form.
func (f *Not) String() string { return string(appendFilter(nil, f)) }

// String returns the filter in canonical form.
func (f *Compare) String() string { return string(appendFilter(nil, f)) }

// String returns the filter in canonical form.
func (f *Present) String() string { return string(appendFilter(nil, f)) }

// String returns the filter in canonical form.
func (f *ValuePath) String() string { return string(appendFilter(nil, f)) }

// String returns the attribute as RFC 7644 §3.10 writes it.
func (a Attr) String() string { return string(a.append(nil)) }

// String returns the path in canonical form.
func (p Path) String() string {
	b := p.Attr.append(nil)
	if p.Filter == nil {
		return string(b)
	}
	b = appendFilter(append(b, '['), p.Filter)
	b = append(b, ']')
	if p.Sub != "" {
		b = append(append(b, '.'), p.Sub...)
	}
	return string(b)
}

// String returns the literal as JSON.
func (l Literal) String() string { return string(l.append(nil)) }

func appendFilter(b []byte, f Filter) []byte {
	switch f := f.(type) {
	case *And:
		b = appendOperand(b, f.Left, isOr)
		b = append(b, " and "...)
		return appendOperand(b, f.Right, isAndOr)
	case *Or:
		b = appendFilter(b, f.Left)
		b = append(b, " or "...)
		return appendOperand(b, f.Right, isOr)
	case *Not:
		b = appendFilter(append(b, "not ("...), f.Filter)
		return append(b, ')')
	case *Compare:
		b = append(f.Attr.append(b), ' ')
		b = append(append(b, f.Op...), ' ')
		return f.Value.append(b)
	case *Present:
		return append(f.Attr.append(b), " pr"...)
	case *ValuePath:
		b = appendFilter(append(f.Attr.append(b), '['), f.Filter)
		return append(b, ']')
	}
	return b
}

func appendOperand(b []byte, f Filter, grouped func(Filter) bool) []byte {
	if !grouped(f) {
		return appendFilter(b, f)
	}
	b = appendFilter(append(b, '('), f)
	return append(b, ')')
}

func isOr(f Filter) bool {
	_, ok := f.(*Or)
	return ok
}

func isAndOr(f Filter) bool {
	_, ok := f.(*And)
	return ok || isOr(f)
}

func (a Attr) append(b []byte) []byte {
	b = append(b, a.URI...)
	if a.Name == "" {
		return b
	}
	if a.URI != "" {
		b = append(b, ':')
	}
	b = append(b, a.Name...)
	if a.Sub != "" {
		b = append(append(b, '.'), a.Sub...)
	}
	return b
}

func (l Literal) append(b []byte) []byte {
	if l.Kind == doc.String {
		return doc.AppendString(b, l.Text)
	}
	return append(b, l.Text...)
}
