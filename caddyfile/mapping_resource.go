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
	for nesting := p.Nesting(); p.NextBlock(nesting); {
		if err := p.resourceField(where, def); err != nil {
			return err
		}
	}
	return nil
}

func (p *mappingParser) resourceField(where string, def *mapping.ResourceDef) error {
	name := p.Val()
	at := where + "." + name
	if calls := callsOf(def, name); calls != nil {
		return p.verb(where, name, def, calls)
	}
	switch name {
	case "id":
		return p.word(at, &def.ID)
	case "id_changes":
		if err := p.once(at); err != nil {
			return err
		}
		if _, err := p.args(0, 0); err != nil {
			return err
		}
		def.IDChanges = true
		return p.noBlock()
	case "key":
		return p.word(at, &def.Key)
	case "map":
		return p.mapLine(where, def)
	case "active":
		return p.condition(at, &def.Active)
	case "protect":
		return p.condition(at, &def.Protect)
	case "state":
		return p.state(at, def)
	case "unique":
		return p.words(at, &def.Unique)
	case "email":
		return p.words(at, &def.Email)
	case "find":
		return p.find(where, def)
	}
	return p.unknown(where, "id", "id_changes", "key", "map", "active", "protect", "state", "unique", "email", "find", "list", "get",
		"create", "created", "update", "disable", "enable", "delete", "reinvite", "members", "member_add", "member_remove", "members_set")
}

// callsOf returns the calls of a verb; nil where there is no such verb.
func callsOf(def *mapping.ResourceDef, verb string) *[]mapping.CallDef {
	switch verb {
	case "list":
		return &def.List
	case "get":
		return &def.Get
	case "create":
		return &def.Create
	case "created":
		return &def.Created
	case "update":
		return &def.Update
	case "disable":
		return &def.Disable
	case "enable":
		return &def.Enable
	case "delete":
		return &def.Delete
	case "reinvite":
		return &def.Reinvite
	case "members":
		return &def.Members
	case "member_add":
		return &def.MemberAdd
	case "member_remove":
		return &def.MemberRemove
	case "members_set":
		return &def.MembersSet
	}
	return nil
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
