package quirks

import (
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// envelope normalizes a whole PATCH document (RFC 7644 §3.5.2).
func (p *pass) envelope() error {
	var schemas, operations bool
	l := p.open()
	for l.next(p) {
		key := p.cur.Key()
		switch {
		case p.keyword(key, "Operations"):
			operations = true
			if err := p.spelled(key, "Operations"); err != nil {
				return err
			}
			p.place.key(key)
			if err := p.operations(); err != nil {
				return err
			}
			p.place.pop()
		case p.keyword(key, "schemas"):
			schemas = true
			if err := p.spelled(key, "schemas"); err != nil {
				return err
			}
			p.place.key(key)
			if err := p.patchSchemas(p.cur.Skip()); err != nil {
				return err
			}
			p.place.pop()
		default:
			p.extra(&l, key)
		}
	}
	switch {
	case !operations:
		return scim.Errorf(400, scim.InvalidSyntax, "the body is no PATCH: it has no Operations (RFC 7644 §3.5.2)")
	case schemas:
		return nil
	case !p.on[envelopeSchemas]:
		return scim.Errorf(400, scim.InvalidSyntax, "schemas are missing; a PATCH has %s", scim.PatchSchema)
	}
	l.add(p, `"schemas":`+patchSchemas)
	p.note(envelopeSchemas, nil, []byte(patchSchemas))
	return nil
}

const patchSchemas = `["` + scim.PatchSchema + `"]`

// patchSchemas checks the schemas of a PATCH.
func (p *pass) patchSchemas(s doc.Span) error {
	raw := p.raw(s)
	if string(raw) == patchSchemas {
		return nil
	}
	for item := range p.d.In(s).Items() {
		if item.Is(scim.PatchSchema) {
			return nil
		}
	}
	if !p.on[envelopeSchemas] {
		return scim.Errorf(400, scim.InvalidSyntax, "schemas are wrong; a PATCH has %s", scim.PatchSchema)
	}
	p.replace(s, patchSchemas)
	p.note(envelopeSchemas, raw, []byte(patchSchemas))
	return nil
}

// operations normalizes the array of operations.
func (p *pass) operations() error {
	if p.cur.Kind() != doc.Array {
		return scim.Errorf(400, scim.InvalidSyntax, "Operations is not an array")
	}
	n := 0
	for l := p.open(); l.next(p); n++ {
		if n == p.n.maxOperations {
			return p.tooMany()
		}
		p.place.index(n)
		if err := p.operation(&l); err != nil {
			return err
		}
		p.place.pop()
	}
	if n == 0 && !p.on[emptyOperations] {
		return scim.Errorf(400, scim.InvalidSyntax, "Operations is empty")
	}
	return nil
}

func (p *pass) tooMany() error {
	return scim.Errorf(413, "", "more than %d operations; send fewer at a time", p.n.maxOperations)
}

// wrote counts an operation that goes on, and keeps what one request may grow to within bounds (H8).
func (p *pass) wrote() error {
	if p.ops++; p.ops > p.n.maxOperations {
		return p.tooMany()
	}
	if p.ed.Len() > p.n.maxBytes {
		return tooLarge(p.n.maxBytes)
	}
	return nil
}

// keyword reports whether a key is the word, in any case.
func (p *pass) keyword(key doc.Span, word string) bool {
	return p.exactly(key, word) || p.d.In(key).Is(word)
}

// exactly reports whether a key is the word, byte for byte.
func (p *pass) exactly(key doc.Span, word string) bool {
	return key.To-key.From == len(word)+2 && string(p.raw(key)[1:len(word)+1]) == word
}

// spelled spells a key of the envelope, or of an operation, as the RFC does.
func (p *pass) spelled(key doc.Span, word string) error {
	if p.exactly(key, word) || p.d.In(key).Text() == word { // with escapes it is the same word
		return nil
	}
	if !p.on[envelopeCase] {
		return scim.Errorf(400, scim.InvalidSyntax, "the key %s has to be spelled just so", word)
	}
	p.replace(key, `"`+word+`"`)
	p.place.key(key)
	p.note(envelopeCase, p.raw(key), p.quoted(word))
	p.place.pop()
	return nil
}

// extra leaves out a member of the envelope, or of an operation, that no PATCH has.
func (p *pass) extra(l *list, key doc.Span) {
	p.cur.Skip()
	if !p.on[envelopeExtras] {
		return
	}
	p.place.key(key)
	p.note(envelopeExtras, p.raw(key), nil) // the value may be anything, a password as well
	p.place.pop()
	l.drop(p)
}

// quoted returns a word as JSON, for a record that somebody wants; else nothing, which is free.
func (p *pass) quoted(word string) []byte {
	if !p.acc.wants() {
		return nil
	}
	return doc.AppendString(nil, word)
}
