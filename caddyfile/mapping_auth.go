package caddyfile

import (
	"fmt"

	"github.com/caddy-scim/gateway/transforms/mapping"
)

// auth reads one of
//
//	auth <name> header <field> <value>
//	auth <name> basic <user> <password>
//	auth <name> oauth2 <url> {
//		param <field> <value>
//		body  form|basic
//		request_header <field> <value>
//	}
//	auth <name> login <url> {
//		param  <path> <value>
//		body   json|form
//		token  <path>
//		cookie <name>
//		header <field> [<value>]
//		ttl    <duration>
//		request_header <field> <value>
//	}
func (p *mappingParser) auth() error {
	args, err := p.args(3, 4)
	if err != nil {
		return err
	}
	name, def := args[0], mapping.AuthDef{Kind: args[1]}
	where := "auths." + name
	if !p.first(where) {
		return p.Errf("the auth %s is already specified, at line %d", name, p.places[where].line)
	}
	needs := 1
	switch def.Kind {
	case "header":
		needs = 2
	case "basic":
		needs = 2
	case "oauth2", "login":
	default:
		return p.Errf("unknown kind of auth %q: header, basic, oauth2 or login", def.Kind)
	}
	if args = args[2:]; len(args) != needs {
		return p.Errf("wrong argument count after auth %s %s: it takes %d, there are %d", name, def.Kind, needs, len(args))
	}
	switch def.Kind {
	case "header":
		def.Header, def.Value = args[0], args[1]
	case "basic":
		def.User, def.Password = args[0], args[1]
	default:
		def.URL = args[0]
	}
	if needs == 2 {
		if p.NextBlock(p.Nesting()) {
			return p.Errf("auth %s %s has no block", name, def.Kind)
		}
	} else if err := p.block("auth "+def.Kind, p.authLines(where, &def)); err != nil {
		return err
	}
	if p.Definition.Auths == nil {
		p.Definition.Auths = map[string]mapping.AuthDef{}
	}
	p.Definition.Auths[name] = def
	return nil
}

// authLines are what may stand in the block of an auth that asks for a token.
func (p *mappingParser) authLines(where string, def *mapping.AuthDef) map[string]func() error {
	lines := map[string]func() error{
		"param": func() error {
			name, value, err := p.pair()
			p.begin(fmt.Sprintf("%s.params[%d]", where, len(def.Params)))
			def.Params = append(def.Params, mapping.ParamDef{Name: name, Value: value})
			return err
		},
		"body":           func() error { return p.word(where+".body", &def.Body) },
		"request_header": func() error { return p.header(where+".headers", &def.Headers) },
	}
	if def.Kind == "login" {
		lines["token"] = func() error { return p.word(where+".token", &def.Token) }
		lines["cookie"] = func() error { return p.word(where+".cookie", &def.Cookie) }
		lines["ttl"] = func() error { return p.word(where+".ttl", &def.TTL) }
		lines["header"] = func() error {
			if err := p.once(where + ".header"); err != nil {
				return err
			}
			args, err := p.args(1, 2)
			if err != nil {
				return err
			}
			def.Header = args[0]
			if len(args) == 2 {
				def.Value = args[1]
			}
			return nil
		}
	}
	return lines
}
