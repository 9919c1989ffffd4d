package filter

import (
	"strings"
	"unicode/utf8"
)

// start checks what is checked once.
func (p *parser) start(what string) error {
	limit := p.opt.MaxBytes
	if limit == 0 {
		limit = DefaultMaxBytes
	}
	if len(p.text) > limit {
		return p.fail(limit, "the "+what+" is too long")
	}
	if !utf8.ValidString(p.text) {
		return p.fail(0, "the "+what+" is not valid UTF-8")
	}
	if err := p.spaces(0); err != nil {
		return err
	}
	if p.pos == len(p.text) {
		return p.fail(0, "the "+what+" is empty")
	}
	return nil
}

func (p *parser) end(expected string) error {
	if err := p.spaces(0); err != nil {
		return err
	}
	if p.pos < len(p.text) {
		return p.fail(p.pos, expected)
	}
	return nil
}

// token returns the text up to a space, a bracket, a parenthesis or a quote.
func (p *parser) token() string {
	rest := p.text[p.pos:]
	if i := strings.IndexAny(rest, ` []()"`); i >= 0 {
		rest = rest[:i]
	}
	p.pos += len(rest)
	return rest
}

// spaces takes all spaces at the position. More or less than want is a leniency.
func (p *parser) spaces(want int) error {
	start := p.pos
	for p.pos < len(p.text) && p.text[p.pos] == ' ' {
		p.pos++
	}
	if p.pos-start != want {
		return p.use(Spaces, start)
	}
	return nil
}

// noteCase notes an operator that is not in lower case.
func (p *parser) noteCase(written, canonical string) {
	if written != canonical {
		p.notes |= OperatorCase
	}
}

func (p *parser) peek() byte {
	if p.pos < len(p.text) {
		return p.text[p.pos]
	}
	return 0
}

// use notes a leniency, or is an error where it is not allowed.
func (p *parser) use(n Notes, at int) error {
	if !p.opt.allows(n) {
		return p.fail(at, refusals[n])
	}
	p.notes |= n
	return nil
}

func (p *parser) strict(at int) error {
	return p.fail(at, `only "eq" and "and" are allowed by the strict filter profile`)
}

func (p *parser) fail(at int, reason string) error { return &Error{Offset: at, Reason: reason} }
