package filter

import (
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// attr reads an attribute with an optional URI and sub-attribute (RFC 7644 §3.10: attrPath) and spells it as the schema
// does. The definition is nil where the schema has none. In a filter, a URI alone is an error.
func (p *parser) attr(inFilter bool) (Attr, *schema.Attribute, error) {
	start := p.pos
	token := p.token()
	p.bare = false
	if p.inside {
		return p.relative(token, start)
	}
	var attr Attr
	known, rest := p.prefix(token)
	switch {
	case known == nil:
		if i := strings.LastIndexByte(token, ':'); i >= 0 {
			// The URI of a schema that nobody declared ends at the last colon (Q39).
			if attr.URI, rest = token[:i], token[i+1:]; !schema.IsURN(attr.URI) {
				return Attr{}, nil, p.fail(start, "the URI before the attribute is not that of a schema")
			}
		}
	case rest == "":
		if inFilter {
			return Attr{}, nil, p.fail(p.pos, "an attribute is expected after the URI of the schema")
		}
		return Attr{URI: p.spelledURI(token, known)}, nil, nil
	default:
		attr.URI = p.spelledURI(token[:len(token)-len(rest)], known)
		if rest[0] == '.' {
			if err := p.use(DotInsteadOfColon, p.pos-len(rest)); err != nil {
				return Attr{}, nil, err
			}
		}
		rest = rest[1:]
	}
	name, sub, dotted := strings.Cut(rest, ".")
	if !schema.IsName(name) || dotted && !schema.IsName(sub) {
		return Attr{}, nil, p.fail(p.pos-len(rest), "an attribute is expected: a letter, then letters, digits, \"-\", \"_\" or \"$\"")
	}
	def := p.resolve(&attr, name)
	attr.Name = p.spelled(name, def)
	if dotted {
		def = def.SubAttribute(sub)
		attr.Sub = p.spelled(sub, def)
	}
	if inFilter && def != nil && def.Returned == schema.Never {
		// Else "password sw" would tell a password letter by letter.
		return Attr{}, nil, p.fail(start, def.Name+" is never returned and cannot be searched for")
	}
	return attr, def, nil
}

// prefix is [schema.ResourceType.Prefix], but for a URI that goes on after the one that is known.
func (p *parser) prefix(token string) (*schema.Schema, string) {
	if p.rt == nil {
		return nil, token
	}
	known, rest := p.rt.Prefix(token)
	if known != nil && rest != "" && strings.IndexByte(rest[1:], ':') >= 0 {
		return nil, token
	}
	return known, rest
}

// resolve looks the attribute up. It settles the URI: none for the core schema's own attributes, and the one of an
// extension where it was left out (Q17).
func (p *parser) resolve(attr *Attr, name string) *schema.Attribute {
	if p.rt == nil {
		return nil
	}
	def := p.rt.Attribute(attr.URI, name, "")
	switch {
	case def != nil && attr.URI == p.rt.Core.ID:
		attr.URI = ""
		p.notes |= CoreURN
	case def == nil && attr.URI == "" && p.opt.allows(BareExtension):
		for _, s := range p.rt.Extensions {
			a := s.Attribute(name)
			if a == nil {
				continue
			}
			if def != nil { // two extensions have it: anybody's guess
				attr.URI = ""
				return nil
			}
			def, attr.URI = a, s.ID
		}
		if def != nil {
			p.bare = true
			p.notes |= BareExtension
		}
	}
	return def
}

// relative returns an attribute inside brackets: the name of a sub-attribute, which has none itself (RFC 7643 §2.3.8).
func (p *parser) relative(token string, start int) (Attr, *schema.Attribute, error) {
	if !schema.IsName(token) {
		return Attr{}, nil, p.fail(start, "the name of a sub-attribute is expected inside brackets")
	}
	def := p.parent.SubAttribute(token)
	if def == nil && p.parent != nil && p.parent.Type != schema.Complex && doc.FoldEqual(token, "value") {
		// A list of simple values is searched by "value" (RFC 7643 §2.4).
		def = &schema.Attribute{Name: "value", Type: p.parent.Type, CaseExact: p.parent.CaseExact}
	}
	return Attr{Name: p.spelled(token, def)}, def, nil
}

// spelled returns the schema's spelling of a name.
func (p *parser) spelled(name string, def *schema.Attribute) string {
	if def == nil || def.Name == name {
		return name
	}
	p.notes |= NameCase
	return def.Name
}

func (p *parser) spelledURI(uri string, known *schema.Schema) string {
	if uri != known.ID {
		p.notes |= NameCase
	}
	return known.ID
}
