package caddyfile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/caddy-scim/gateway/transforms/mapping"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
)

// resource reads
//
//	user {
//		id      <path>
//		id_changes
//		key     <path>
//		map     <attribute> <path>|<text>
//		active  <path> is|not <value>...
//		state   <path> <value>=<state>...
//		unique  <attribute>...
//		protect <path> is|not <value>...
//		email   primary|work|first|userName|guest...
//		find    <attribute> <method> <url> [{ … }]
//		list|get|create|created|update|disable|enable|delete|reinvite <method> <url> [{ … }]
//		disable delete|refuse
//		members embedded <path>
//		members|member_add|member_remove|members_set <method> <url> [{ … }]
//	}
func (p *mappingParser) resource(where string, to **mapping.ResourceDef) error {
	if err := p.once(where); err != nil {
		return err
	}
	if _, err := p.args(0, 0); err != nil {
		return err
	}
	if *to == nil {
		*to = new(mapping.ResourceDef)
	}
	def := *to
	lines := map[string]func() error{
		"id":  func() error { return p.word(where+".id", &def.ID) },
		"key": func() error { return p.word(where+".key", &def.Key) },
		"id_changes": func() error {
			if err := p.once(where + ".id_changes"); err != nil {
				return err
			}
			if _, err := p.args(0, 0); err != nil {
				return err
			}
			def.IDChanges = true
			return p.noBlock()
		},
		"map":     func() error { return p.mapLine(where, def) },
		"active":  func() error { return p.condition(where+".active", &def.Active) },
		"protect": func() error { return p.condition(where+".protect", &def.Protect) },
		"state":   func() error { return p.state(where+".state", def) },
		"unique":  func() error { return p.words(where+".unique", &def.Unique) },
		"email":   func() error { return p.words(where+".email", &def.Email) },
		"find":    func() error { return p.find(where, def) },
	}
	for verb, calls := range map[string]*[]mapping.CallDef{
		"list": &def.List, "get": &def.Get, "create": &def.Create, "created": &def.Created, "update": &def.Update, "disable": &def.Disable,
		"enable": &def.Enable, "delete": &def.Delete, "reinvite": &def.Reinvite, "members": &def.Members, "member_add": &def.MemberAdd,
		"member_remove": &def.MemberRemove, "members_set": &def.MembersSet,
	} {
		lines[verb] = func() error { return p.verb(where, verb, def, calls) }
	}
	return p.block(where, lines)
}

// verb reads a call. The first of a text takes the place of all that an earlier text had for the verb.
func (p *mappingParser) verb(where, name string, def *mapping.ResourceDef, to *[]mapping.CallDef) error {
	at := where + "." + name
	fresh := p.first(at)
	low := 2
	if name == "disable" {
		low = 1
	}
	args, err := p.args(low, 2)
	if err != nil {
		return err
	}
	if len(args) == 1 {
		return p.disableAs(where, args[0], fresh, def)
	}
	if name == "members" && args[0] == "embedded" {
		if !fresh {
			return p.Errf("members embedded stands alone")
		}
		def.Members, def.EmbeddedMembers = nil, args[1]
		p.begin(where + ".embedded_members")
		return p.noBlock()
	}
	if fresh {
		*to = nil
		switch name {
		case "disable":
			def.DisableAs = ""
		case "members":
			def.EmbeddedMembers = ""
		}
	}
	call, err := p.call(fmt.Sprintf("%s[%d]", at, len(*to)), args[0], args[1])
	*to = append(*to, call)
	return err
}

// disableAs reads `disable delete` and `disable refuse`.
func (p *mappingParser) disableAs(where, word string, fresh bool, def *mapping.ResourceDef) error {
	if word != plan.DisableDelete && word != plan.DisableRefuse {
		return p.Errf("what disables is a <method> and a <url>, or delete, or refuse; not %q", word)
	}
	if !fresh {
		return p.Errf("disable %s stands alone", word)
	}
	def.Disable, def.Enable, def.DisableAs = nil, nil, word
	p.begin(where + ".disable_as")
	return p.noBlock()
}

func (p *mappingParser) find(where string, def *mapping.ResourceDef) error {
	args, err := p.args(3, 3)
	if err != nil {
		return err
	}
	at := where + ".find." + args[0]
	if !p.first(at) {
		return p.Errf("find %s is already specified, at line %d", args[0], p.places[at].line)
	}
	call, err := p.call(at, args[1], args[2])
	if err != nil {
		return err
	}
	if def.Find == nil {
		def.Find = map[string]mapping.CallDef{}
	}
	def.Find[args[0]] = call
	return nil
}

// mapLine reads: map <attribute> <path>|<text>.
func (p *mappingParser) mapLine(where string, def *mapping.ResourceDef) error {
	args, err := p.args(2, 2)
	if err != nil {
		return err
	}
	if !p.first(where + ".map " + args[0]) {
		return p.Errf("map %s is already specified, at line %d", args[0], p.places[where+".map "+args[0]].line)
	}
	i := slices.IndexFunc(def.Map, func(m mapping.MapDef) bool { return m.Attribute == args[0] })
	if i < 0 {
		i = len(def.Map)
		def.Map = append(def.Map, mapping.MapDef{})
	}
	def.Map[i] = mapping.MapDef{Attribute: args[0], Value: args[1]}
	p.begin(fmt.Sprintf("%s.map[%d]", where, i))
	return p.noBlock()
}

// words reads a list of words; several lines add up.
func (p *mappingParser) words(at string, to *[]string) error {
	if p.first(at) {
		*to = nil
	}
	args, err := p.args(1, -1)
	if err != nil {
		return err
	}
	for _, word := range args {
		if slices.Contains(*to, word) {
			return p.Errf("%s is already specified", word)
		}
		*to = append(*to, word)
	}
	return p.noBlock()
}

// condition reads: active|protect <path> is|not <value>...
func (p *mappingParser) condition(at string, to *[]mapping.ConditionDef) error {
	if p.first(at) {
		*to = nil
	}
	p.begin(fmt.Sprintf("%s[%d]", at, len(*to)))
	args, err := p.args(3, -1)
	if err != nil {
		return err
	}
	c := mapping.ConditionDef{Path: args[0]}
	switch args[1] {
	case "is":
		c.Is = args[2:]
	case "not":
		c.Not = args[2:]
	default:
		return p.Errf("unknown comparison %q: is or not", args[1])
	}
	*to = append(*to, c)
	return p.noBlock()
}

// state reads: state <path> <value>=<state>...
func (p *mappingParser) state(at string, def *mapping.ResourceDef) error {
	if p.first(at) {
		def.State = nil
	}
	p.begin(fmt.Sprintf("%s[%d]", at, len(def.State)))
	args, err := p.args(2, -1)
	if err != nil {
		return err
	}
	s := mapping.StateDef{Path: args[0], Values: map[string]string{}}
	for _, pair := range args[1:] {
		i := strings.LastIndexByte(pair, '=')
		if i < 0 {
			return p.Errf("%q is no pair <value>=<state>", pair)
		}
		if _, ok := s.Values[pair[:i]]; ok {
			return p.Errf("the value %s has two states", pair[:i])
		}
		s.Values[pair[:i]] = pair[i+1:]
	}
	def.State = append(def.State, s)
	return p.noBlock()
}
