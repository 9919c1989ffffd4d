package caddyfile

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-scim/gateway/transforms/mapping"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// mappingSource is a mapping as it was read, with the places it was read from.
type mappingSource struct {
	Definition mapping.Definition
	places     map[string]place // by the place in the definition
	users      map[place]place  // of the user's value that a line of a preset has

	suggested []*caddyfile.Dispenser // lines about the organization that a preset has
}

// suggest takes a line of a preset that is about the organization.
func (m *mappingSource) suggest(d *caddyfile.Dispenser) (bool, error) {
	if !isPolicy(d.Val()) {
		return false, nil
	}
	line := d.NewFromNextSegment()
	line.Next()
	m.suggested = append(m.suggested, line)
	return true, nil
}

// place is where something stands in a Caddyfile.
type place struct {
	file string
	line int
}

// check finds the mistakes that only the whole mapping shows, and says where in the Caddyfile they are.
func (m *mappingSource) check(set *schema.Set) error {
	_, err := mapping.Check(m.Definition, set)
	wrong, ok := errors.AsType[*mapping.Error](err)
	if !ok {
		return err
	}
	for where := wrong.Where; ; where = parentOf(where) {
		if at, ok := m.places[where]; ok {
			if user, ok := m.users[at]; ok {
				at = user
			}
			return fmt.Errorf("%w, at %s:%d", wrong, at.file, at.line)
		}
		if where == "" {
			return err
		}
	}
}

// parentOf cuts the last step from a place: user.create[0].url, user.create[0], user.create, user, "".
func parentOf(where string) string {
	return where[:max(0, strings.LastIndexAny(where, ".["))]
}

// readMapping reads the body of a mapping, the dispenser being at the word before its block. Nothing but the lines
// themselves is checked; see [mappingSource.check]. What is no part of a mapping is offered to other, if there is one, which
// reports whether it took it.
//
//	rest {
//		base   <path>
//		header <field> <value>
//		auth   <name|default> header <field> <value>
//		auth   <name|default> basic <user> <password>
//		auth   <name|default> oauth2 <url> { … }
//		auth   <name|default> login <url> { … }
//		error  <status> [<path> <regexp>] => ok | <status> [<scimType>] [<detail>]
//		user   { … }
//		group  { … }
//	}
func readMapping(d *caddyfile.Dispenser, other func(*caddyfile.Dispenser) (bool, error)) (*mappingSource, error) {
	p := &mappingParser{Dispenser: d, mappingSource: &mappingSource{places: map[string]place{}}, other: other}
	p.begin("")
	if err := p.body(); err != nil {
		return nil, err
	}
	return p.mappingSource, nil
}

// mappingParser reads one text, from nothing or on top of what an earlier text (a preset) said: what a text says of a thing
// takes the place of what was said of it before.
type mappingParser struct {
	*caddyfile.Dispenser
	*mappingSource
	other func(*caddyfile.Dispenser) (bool, error)
	begun map[string]bool // what this text has said something of

	preset *preset // whose text is added to; nil for a mapping from nothing
}

// begin remembers where something begins.
func (p *mappingParser) begin(where string) {
	p.places[where] = place{p.File(), p.Line()}
}

// once is begin for what a text says once.
func (p *mappingParser) once(where string) error {
	if p.first(where) {
		return nil
	}
	return p.Errf("%s is already specified, at line %d", p.Val(), p.places[where].line)
}

// first is begin for what a text may say several times; it reports whether this is the first time, at which what an earlier
// text said has to go.
func (p *mappingParser) first(where string) bool {
	if p.begun[where] {
		return false
	}
	if p.begun == nil {
		p.begun = map[string]bool{}
	}
	p.begun[where] = true
	p.begin(where)
	return true
}

// args returns the arguments of the current line, at least low and at most high of them (-1: any number).
func (p *mappingParser) args(low, high int) ([]string, error) {
	name := p.Val()
	args := p.RemainingArgs()
	if len(args) < low || high >= 0 && len(args) > high {
		want := strconv.Itoa(low)
		switch {
		case high < 0:
			want = fmt.Sprintf("at least %d", low)
		case high != low:
			want = fmt.Sprintf("%d to %d", low, high)
		}
		return nil, p.Errf("wrong argument count after %s: it takes %s, there are %d", name, want, len(args))
	}
	return args, nil
}

// word reads a line with one argument that may stand once.
func (p *mappingParser) word(where string, to *string) error {
	if err := p.once(where); err != nil {
		return err
	}
	args, err := p.args(1, 1)
	if err == nil {
		*to = args[0]
	}
	return err
}

// pair reads a line with two arguments.
func (p *mappingParser) pair() (a, b string, err error) {
	args, err := p.args(2, 2)
	if err != nil {
		return "", "", err
	}
	return args[0], args[1], nil
}

// block reads the lines of a block, each with what there is for its name.
func (p *mappingParser) block(of string, lines map[string]func() error) error {
	for nesting := p.Nesting(); p.NextBlock(nesting); {
		read, ok := lines[p.Val()]
		if !ok {
			return p.unknown(of, slices.Sorted(maps.Keys(lines))...)
		}
		if err := read(); err != nil {
			return err
		}
	}
	return nil
}

// noBlock refuses a block where there can be none.
func (p *mappingParser) noBlock() error {
	for p.NextBlock(p.Nesting()) {
		return p.Errf("unexpected block")
	}
	return nil
}

func (p *mappingParser) unknown(context string, names ...string) error {
	return p.Errf("unrecognized %s directive %q: one of %s", context, p.Val(), strings.Join(names, ", "))
}

// unknownLine says what may stand in the block, to somebody who need not know that a preset is a mapping.
func (p *mappingParser) unknownLine() error {
	mappings := []string{"auth", "base", "error", "group", "header", "user"}
	if p.preset == nil {
		return p.unknown("mapping", mappings...)
	}
	message := fmt.Sprintf("unrecognized option %q of this upstream: it takes %s; directives of a mapping (%s)",
		p.Val(), strings.Join(slices.Concat(p.preset.order, p.preset.options), ", "), strings.Join(mappings, ", "))
	if p.other != nil {
		message += "; and lines about the organization (" + strings.Join(slices.Sorted(maps.Keys(policies)), ", ") + ")"
	}
	return p.Err(message)
}

func (p *mappingParser) body() error {
	def := &p.Definition
	var rules []mapping.RuleDef
	if args := p.RemainingArgs(); len(args) > 0 {
		return p.Errf("unexpected argument %q", args[0])
	}
	earlier := len(def.Errors)
	for nesting := p.Nesting(); p.NextBlock(nesting); {
		var err error
		switch name := p.Val(); name {
		case "base":
			err = p.word("base", &def.Base)
		case "header":
			err = p.header("headers", &def.Headers)
		case "auth":
			err = p.auth()
		case "error":
			p.begin(fmt.Sprintf("errors.new[%d]", len(rules)))
			err = p.rule(&rules)
		case "user":
			err = p.resource(name, &def.User)
		case "group":
			err = p.resource(name, &def.Group)
		default:
			taken := false
			if p.other != nil {
				taken, err = p.other(p.Dispenser)
			}
			if !taken && err == nil {
				err = p.unknownLine()
			}
		}
		if err != nil {
			return err
		}
	}
	// Rules of this text are tried before those of an earlier one.
	def.Errors = append(rules, def.Errors...)
	for i := earlier - 1; i >= 0; i-- {
		p.places[fmt.Sprintf("errors[%d]", i+len(rules))] = p.places[fmt.Sprintf("errors[%d]", i)]
	}
	for i := range rules {
		p.places[fmt.Sprintf("errors[%d]", i)] = p.places[fmt.Sprintf("errors.new[%d]", i)]
	}
	return nil
}

func (p *mappingParser) header(where string, to *map[string]string) error {
	field, value, err := p.pair()
	if err != nil {
		return err
	}
	if !p.first(where + "." + field) {
		return p.Errf("the header field %s is already specified", field)
	}
	if *to == nil {
		*to = map[string]string{}
	}
	(*to)[field] = value
	return nil
}

// rule reads: error <status> [<path> <regexp>] => ok | <status> [<scimType>] [<detail>].
func (p *mappingParser) rule(to *[]mapping.RuleDef) error {
	const usage = "an error rule is written: error <status> [<path> <regexp>] => ok | <status> [<scimType>] [<detail>]"
	args, err := p.args(3, 7)
	if err != nil {
		return err
	}
	arrow := slices.Index(args, "=>")
	if arrow != 1 && arrow != 3 || arrow == len(args)-1 {
		return p.Errf("%s", usage)
	}
	rule := mapping.RuleDef{Status: args[0]}
	if arrow == 3 {
		rule.Path, rule.Pattern = args[1], args[2]
	}
	answer := args[arrow+1:]
	if answer[0] == "ok" {
		rule.OK = true
		answer = answer[1:]
		if len(answer) > 0 {
			return p.Errf("unexpected %q after ok", answer[0])
		}
	} else {
		if _, err := fmt.Sscanf(answer[0]+"\n", "%d\n", &rule.Answer); err != nil {
			return p.Errf("%q is neither ok nor a status; %s", answer[0], usage)
		}
		switch rest := answer[1:]; {
		case len(rest) == 2:
			rule.Type, rule.Detail = rest[0], rest[1]
		case len(rest) == 1 && strings.Contains(rest[0], " "):
			rule.Detail = rest[0]
		case len(rest) == 1:
			rule.Type = rest[0]
		case len(rest) > 2:
			return p.Errf("%s", usage)
		}
	}
	*to = append(*to, rule)
	return p.noBlock()
}
