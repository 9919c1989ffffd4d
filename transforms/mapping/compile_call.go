package mapping

import (
	"errors"
	"maps"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/scim"
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
	if !slices.Contains([]string{"GET", "POST", "PUT", "PATCH", "DELETE"}, def.Method) {
		c.fail("unknown method %q: GET, POST, PUT, PATCH or DELETE", def.Method)
	}
	c.url(call, s, def)
	c.credential(call, def)
	call.headers = append(slices.Clone(c.headers), c.at("headers").headerFields(def.Headers, s)...)
	for i, p := range def.Query {
		call.query = append(call.query, c.at(index("query", i)).param(p, s))
	}
	c.content(call, s, def)
	if len(def.If) > 0 && !v.changing() {
		c.at("if").fail("there are changed attributes only in create and update")
	}
	call.cond = c.attributes("if", def.If, r.Type)
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
	for i, e := range def.Edits {
		call.edits = append(call.edits, c.at(index("edits", i)).edit(call, s, e))
	}
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
	if call.body != bodyNone && call.Method == "GET" {
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

func (c *compiler) edit(call *Call, s *scope, def EditDef) edit {
	e := edit{}
	if def.Path == "" {
		c.fail("there is no path")
		return e
	}
	switch def.Action {
	case "", "set":
	case "append":
		e.action = actionAppend
	case "remove":
		e.action = actionRemove
	default:
		c.fail("unknown action %q: set, append or remove", def.Action)
	}
	var err error
	e.place, err = parsePlace(def.Path)
	c.check(err)
	e.value, err = s.parseValue(def.Value)
	c.check(err)
	if len(def.If) > 0 && !call.verb.changing() {
		c.fail("there are changed attributes only in create and update")
	}
	e.cond = c.attributes("if", def.If, s.rt)
	return e
}

// reading compiles how the answer is read.
func (c *compiler) reading(call *Call, s *scope, def CallDef) {
	lists := call.verb.lists()
	for field, given := range map[string]bool{
		"items": def.Items != "", "where": len(def.Where) > 0, "paginate": def.Paginate != nil,
	} {
		if given && !lists {
			c.at(field).fail("only list, find and members yield a list")
		}
	}
	for field, given := range map[string]bool{"overlay": len(def.Overlay) > 0, "hydrate": def.Hydrate} {
		if given && (!lists || call.verb == verbMembers) {
			c.at(field).fail("only list and find yield items")
		}
	}
	if def.Member != "" && call.verb != verbMembers {
		c.at("member").fail("only members yields ids of members")
	}
	if def.Item != "" && call.verb != verbGet && call.verb != verbCreate {
		c.at("item").fail("only get and create yield an item")
	}
	call.items = c.at("items").path(def.Items)
	call.item = c.at("item").path(def.Item)
	call.member = c.at("member").path(def.Member)
	call.where = c.at("where").wheres(def.Where, s)
	for i, e := range def.Overlay {
		at := c.at(index("overlay", i))
		if e.Action != "" && e.Action != "set" || len(e.If) > 0 {
			at.fail("an overlay only sets")
		}
		call.overlay = append(call.overlay, at.edit(call, c.scope(), EditDef{Path: e.Path, Value: e.Value}))
	}
	if def.Paginate != nil {
		call.paging = c.at("paginate").pager(def.Paginate)
	}
}

func (c *compiler) wheres(defs []WhereDef, s *scope) []where {
	var out []where
	for _, def := range defs {
		if def.Path == "" {
			c.fail("a condition needs a path")
		}
		v, err := s.parseString(def.Value)
		c.check(err)
		out = append(out, where{c.path(def.Path), v})
	}
	return out
}

func (c *compiler) save(call *Call, s *scope, def SaveDef) {
	_, isSaved := s.saved[def.Name]
	switch {
	case call.verb.lists():
		c.fail("what a list, find or members call saves, nobody can use")
	case !isName(def.Name):
		c.fail("%q is no name: letters, digits and _", def.Name)
	case isSaved || slices.ContainsFunc(call.saves, func(other save) bool { return other.name == def.Name }):
		c.fail("%q is saved twice", def.Name)
	case reserved(def.Name):
		c.fail("%q has a meaning already", def.Name)
	case def.Path == "":
		c.fail("there is no path")
	case def.Take != "" && len(def.Where) == 0:
		c.fail("take belongs to where")
	}
	call.saves = append(call.saves, save{def.Name, c.path(def.Path), c.wheres(def.Where, s), c.path(def.Take)})
}

func reserved(name string) bool {
	for _, names := range known {
		if slices.Contains(names, name) {
			return true
		}
	}
	return slices.Contains([]string{"env", "true", "false", "null", "token"}, name)
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

func (c *compiler) pager(def *PaginateDef) *paging {
	style, ok := styles[def.By]
	if !ok {
		c.fail("unknown style %q: one of %s", def.By, strings.Join(slices.Sorted(maps.Keys(styles)), ", "))
	}
	p := &paging{style: style, param: def.Param, sizeParam: def.SizeParam, size: def.Size, totalHeader: def.TotalHeader}
	numbered := p.counts()
	if (def.Param == "") == (numbered || style == byCursor) {
		c.fail("page, offset and cursor need a parameter, and no other style has one")
	}
	if numbered && (def.SizeParam == "" || def.Size < 1) || (def.SizeParam == "") != (def.Size == 0) || def.Size < 0 {
		c.fail("page and offset need the parameter for the size of a page and a size of at least 1; others may have both")
	}
	if (def.Path == "") == (style == byCursor || style == byNext) {
		c.fail("cursor and next need the path of what comes next, and no other style has one")
	}
	if def.First != nil && !numbered {
		c.fail("only page and offset have a first number")
	}
	if def.InBody && (style == byNext || style == byLink) {
		c.fail("a next URL has no parameters in the body")
	}
	if style == byPage {
		p.first = 1
	}
	if def.First != nil {
		p.first = *def.First
	}
	if def.Total != "" && def.TotalHeader != "" {
		c.fail("the total is either in the answer or in a header field")
	}
	if def.TotalHeader != "" && !isToken(def.TotalHeader) {
		c.fail("%q is no name of a header field", def.TotalHeader)
	}
	if p.inBody = def.InBody; p.inBody {
		var err error
		if p.param != "" {
			p.place, err = parsePlace(p.param)
			c.check(err)
		}
		if p.sizeParam != "" {
			p.sizePlace, err = parsePlace(p.sizeParam)
			c.check(err)
		}
	}
	p.path = c.path(def.Path)
	p.total, p.hasTotal = c.path(def.Total), def.Total != ""
	return p
}

func (c *compiler) errorRules(defs []RuleDef) []rule {
	var out []rule
	for i, def := range defs {
		out = append(out, c.at(index("errors", i)).rule(def))
	}
	return out
}

// types are the scimTypes that a rule may give an error (RFC 7644 §3.12).
var types = []string{scim.InvalidValue, scim.Uniqueness, scim.Mutability, scim.TooMany, scim.InvalidSyntax, scim.InvalidPath, scim.NoTarget}

func (c *compiler) rule(def RuleDef) rule {
	r := rule{ok: def.OK, path: c.path(def.Path)}
	switch status, err := strconv.Atoi(def.Status); {
	case err == nil && status >= 100 && status <= 599:
		r.low, r.high = status, status
	case def.Status == "*":
		r.high = 999
	case len(def.Status) == 3 && def.Status[0] >= '1' && def.Status[0] <= '5' && doc.Fold(def.Status[1:]) == "xx":
		r.low = int(def.Status[0]-'0') * 100
		r.high = r.low + 99
	default:
		c.fail("%q is no status: a code such as 400, a class such as 4xx, or *", def.Status)
	}
	if (def.Path == "") != (def.Pattern == "") {
		c.fail("a path and a pattern belong together")
	}
	if def.Pattern != "" {
		var err error
		if r.pattern, err = regexp.Compile("(?is)" + def.Pattern); err != nil {
			reason := err.Error()
			if wrong, ok := errors.AsType[*syntax.Error](err); ok {
				reason = wrong.Code.String()
			}
			c.fail("bad regular expression %q: %s", def.Pattern, reason)
		}
	}
	r.answer = scim.Error{Status: def.Answer, Type: def.Type, Detail: def.Detail}
	switch {
	case def.OK && (def.Answer != 0 || def.Type != "" || def.Detail != ""):
		c.fail("a success has neither a status, a scimType nor a detail")
	case def.OK:
	case def.Answer < 400 || def.Answer > 599:
		c.fail("the provider is told a status from 400 to 599, or the answer is ok")
	case def.Answer == 401:
		c.fail("the provider is never told 401 for the organization: it would take its own key for wrong")
	case def.Type != "" && !slices.Contains(types, def.Type):
		c.fail("unknown scimType %q: one of %s", def.Type, strings.Join(types, ", "))
	}
	if r.answer.Detail == "" {
		r.answer.Detail = details[def.Type]
	}
	if r.answer.Detail == "" {
		r.answer.Detail = "the organization refused the request"
	}
	if def.Answer == 404 && def.Detail == "" {
		r.answer.Detail = "the resource is not known to the organization"
	}
	return r
}

// details are the sentences for errors of which the mapping does not give one.
var details = map[string]string{
	scim.Uniqueness:   "the organization has such a resource already",
	scim.InvalidValue: "the organization refused a value",
	scim.Mutability:   "the organization does not allow this to be changed",
}
