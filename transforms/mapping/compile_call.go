package mapping

import (
	"maps"
	"slices"
	"strings"
)

// verb is what a call is for.
type verb uint8

const (
	verbList verb = iota
	verbFind
	verbGet
	verbCreate
	verbUpdate
	verbDisable
	verbEnable
	verbDelete
	verbReinvite
	verbMembers
	verbMemberAdd
	verbMemberRemove
	verbMembersSet
)

// known are the placeholders that calls of a verb may have, besides {env.X} and what was saved.
var known = map[verb][]string{
	verbList:         {},
	verbFind:         {"value"},
	verbGet:          {"id"},
	verbCreate:       {"scim", "changed", "random"},
	verbUpdate:       {"id", "key", "cur", "scim", "changed", "random"},
	verbDisable:      {"id", "key", "cur", "random"},
	verbEnable:       {"id", "key", "cur", "random"},
	verbDelete:       {"id", "key", "cur"},
	verbReinvite:     {"id", "key", "cur"},
	verbMembers:      {"id", "key", "cur"},
	verbMemberAdd:    {"id", "key", "cur", "mid", "member", "members"},
	verbMemberRemove: {"id", "key", "cur", "mid", "member", "members"},
	verbMembersSet:   {"id", "key", "cur", "members"},
}

// methods are the methods of calls; the first has no body.
var methods = []string{"GET", "POST", "PUT", "PATCH", "DELETE"}

// lists tells whether calls of the verb yield a list.
func (v verb) lists() bool { return v == verbList || v == verbFind || v == verbMembers }

// changing tells whether conditions on changed attributes make sense.
func (v verb) changing() bool { return v == verbCreate || v == verbUpdate }

// calls compiles the calls of one verb. What one saves, those after it may use.
func (c *compiler) calls(r *Resource, v verb, field string, defs []CallDef) []*Call {
	var out []*Call
	saved := map[string]bool{}
	for i, def := range defs {
		if v.lists() {
			saved = map[string]bool{} // the calls of a union do not follow each other
		}
		out = append(out, c.at(index(field, i)).call(r, v, i, def, saved))
	}
	c.sense(v, out)
	return out
}

func (c *compiler) call(r *Resource, v verb, nth int, def CallDef, saved map[string]bool) *Call {
	s := c.scope()
	s.rt, s.email, s.saved = r.Type, r.email, saved
	s.names = known[v]
	if v == verbCreate && nth > 0 {
		s.names = append([]string{"id", "key", "cur"}, s.names...)
	}
	call := &Call{Method: def.Method, Where: c.where, Hydrate: def.Hydrate, verb: v, uses: s.uses}
	if !slices.Contains(methods, def.Method) {
		c.fail("unknown method %q: GET, POST, PUT, PATCH or DELETE", def.Method)
	}
	c.url(call, s, def)
	c.credential(call, def)
	call.headers = append(slices.Clone(c.headers), c.at("headers").headerFields(def.Headers, s)...)
	for i, p := range def.Query {
		call.query = append(call.query, c.at(index("query", i)).param(p, s))
	}
	if len(def.If) > 0 && !v.changing() {
		c.at("if").fail("there are changed attributes only in create and update")
	}
	call.cond = c.attributes("if", def.If, r.Type)
	c.content(call, s, def)
	c.reading(call, s, def)
	call.rules = append(c.errorRules(def.Errors), c.rules...)
	c.results(call, s, r, def.Result)
	call.picked = s.picked
	if v.changing() {
		for p := range s.written {
			r.writable[p] = true
			if v == verbUpdate {
				r.updates[p] = true
			}
		}
		if v == verbUpdate && s.address && slices.ContainsFunc(r.email, ofUserName) {
			r.updates["username"] = true
		}
	}
	for i, save := range def.Save {
		c.at(index("save", i)).save(call, s, save)
	}
	for _, one := range call.saves {
		saved[one.name] = len(one.where) > 0
	}
	return call
}

// url compiles a call's URL, below the base.
func (c *compiler) url(call *Call, s *scope, def CallDef) {
	at := c.at("url")
	switch {
	case strings.Contains(def.URL, "://"):
		at.fail("%q names a host: calls go to the next handler, where reverse_proxy says which host that is; write the path alone", def.URL)
		return
	case !strings.HasPrefix(def.URL, "/"):
		at.fail("%q does not begin with a slash", def.URL)
		return
	}
	s.url = true
	parts, err := s.parseText(def.URL)
	s.url = false
	if err != nil {
		at.check(err)
		return
	}
	call.path = []part{{text: c.base}}
	inQuery := false
	for _, p := range parts {
		switch {
		case inQuery:
			call.rawQuery = append(call.rawQuery, p)
		case p.expr != nil:
			call.path, call.names = append(call.path, p), true
		default:
			path, query, ok := strings.Cut(p.text, "?")
			call.path = append(call.path, part{text: path})
			if inQuery = ok; ok {
				call.rawQuery = append(call.rawQuery, part{text: query})
			}
		}
	}
	written := &strings.Builder{}
	for _, p := range call.path[1:] {
		if p.expr != nil {
			written.WriteString("x")
		}
		written.WriteString(p.text)
	}
	at.checkPath(written.String())
	for _, p := range call.rawQuery {
		if p.expr == nil && (!isQuery(p.text) && p.text != "" || strings.ContainsAny(p.text, "#{}")) {
			at.fail("%q has a character that a query cannot have: use `query <name> <value>`, which encodes it", p.text)
		}
		call.names = call.names || p.expr != nil && !call.verb.lists()
	}
}

func (c *compiler) credential(call *Call, def CallDef) {
	switch {
	case def.Auth == "none":
	case def.Auth == "":
		if c.auths["default"] != nil {
			call.auth = "default"
		}
	case c.auths[def.Auth] == nil:
		c.at("auth").fail("there is no auth called %q", def.Auth)
	default:
		call.auth = def.Auth
	}
}

func (c *compiler) param(def ParamDef, s *scope) param {
	if def.Name == "" {
		c.fail("a parameter needs a name")
	}
	v, err := s.parseString(def.Value)
	c.check(err)
	return param{def.Name, v}
}

// content compiles what makes the body.
func (c *compiler) content(call *Call, s *scope, def CallDef) {
	call.edits = c.edits(call, s, "edits", def.Edits)
	has := len(def.Edits) > 0 || def.From != "" || def.Paginate != nil && def.Paginate.InBody
	at := c.at("body")
	switch def.Body {
	case "":
		if has {
			call.body = bodyJSON
		}
	case "json":
		call.body = bodyJSON
	case "form":
		call.body = bodyForm
	case "none":
		if has {
			at.fail("there is something to send")
		}
	default:
		at.fail("unknown body %q: json, form or none", def.Body)
	}
	if call.body != bodyNone && call.Method == methods[0] {
		at.fail("a GET has no body")
	}
	at = c.at("from")
	switch _, isSaved := s.saved[def.From]; {
	case def.From == "":
	case def.From == "cur":
		if !slices.Contains(s.names, "cur") {
			at.fail("there is no item yet")
		}
		s.use("cur")
	case !isSaved:
		at.fail("no call before this one saves %q", def.From)
	case s.saved[def.From]:
		s.picked = append(s.picked, def.From)
	}
	call.from = def.From
}

// results compiles how the new item is found.
func (c *compiler) results(call *Call, s *scope, r *Resource, def *ResultDef) {
	if def == nil {
		return
	}
	c = c.at("result")
	if call.verb != verbCreate {
		c.fail("only create makes an item")
	}
	kinds := map[string]Result{"body": ResultBody, "location": ResultLocation, "id": ResultID, "refetch": ResultRefetch}
	var ok bool
	if call.Result, ok = kinds[def.Kind]; !ok {
		c.fail("unknown result %q: one of %s", def.Kind, strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
	}
	if (def.Path != "") != (call.Result == ResultID) {
		c.fail("the result id needs a path, and no other has one")
	}
	call.newID = c.path(def.Path)
	if call.Result != ResultRefetch {
		if def.Attribute != "" || def.Value != "" {
			c.fail("only refetch has an attribute and a value")
		}
		return
	}
	name, text := def.Attribute, def.Value
	if name == "" {
		if name = "displayName"; r.Type == c.set.User {
			name = "userName"
		}
	}
	a, err := parseAttribute(name, r.Type)
	if err != nil {
		c.check(err)
		return
	}
	if text == "" {
		text = "{scim." + a.canonical + "}"
	}
	written := s.written
	s.written = map[string]bool{} // looking something up does not store it
	call.soughtAs, err = s.parseString(text)
	s.written = written
	c.check(err)
	call.sought = a.canonical
}
