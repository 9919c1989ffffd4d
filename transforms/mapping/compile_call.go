package mapping

import (
	"maps"
	"slices"
	"strings"

	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/mapping/template"
)

// known are the placeholders that calls of a verb may have, besides {env.X} and what was saved.
var known = map[plan.Verb][]string{
	plan.VerbList:         {},
	plan.VerbFind:         {"value"},
	plan.VerbGet:          {"id"},
	plan.VerbCreate:       {"scim", "changed", "random"},
	plan.VerbCreated:      {"id", "key", "cur"},
	plan.VerbUpdate:       {"id", "key", "cur", "scim", "changed", "random"},
	plan.VerbDisable:      {"id", "key", "cur", "random"},
	plan.VerbEnable:       {"id", "key", "cur", "random"},
	plan.VerbDelete:       {"id", "key", "cur"},
	plan.VerbReinvite:     {"id", "key", "cur"},
	plan.VerbMembers:      {"id", "key", "cur"},
	plan.VerbMemberAdd:    {"id", "key", "cur", "mid", "member", "members"},
	plan.VerbMemberRemove: {"id", "key", "cur", "mid", "member", "members"},
	plan.VerbMembersSet:   {"id", "key", "cur", "members"},
}

// methods are the methods of calls; the first has no body.
var methods = []string{"GET", "POST", "PUT", "PATCH", "DELETE"}

// calls compiles the calls of one verb. What one saves, those after it may use.
func (c *compiler) calls(r *plan.Resource, v plan.Verb, field string, defs []CallDef) []*plan.Call {
	var out []*plan.Call
	saved := map[string]bool{}
	for i, def := range defs {
		if v.Lists() {
			saved = map[string]bool{} // the calls of a union do not follow each other
		}
		out = append(out, c.at(index(field, i)).call(r, v, i, def, saved))
	}
	c.sense(v, out)
	return out
}

func (c *compiler) call(r *plan.Resource, v plan.Verb, nth int, def CallDef, saved map[string]bool) *plan.Call {
	s := c.scope()
	s.Type, s.Email, s.Saved = r.Type, r.EmailOrder, saved
	s.Names = known[v]
	if v.Lists() && def.Paginate != nil {
		s.Names = append([]string{"page", "offset", "size"}, s.Names...)
	}
	if v == plan.VerbCreate && nth > 0 {
		s.Names = append([]string{"id", "key", "cur"}, s.Names...)
	}
	call := &plan.Call{Method: def.Method, Where: c.where, Hydrate: def.Hydrate, Verb: v, Placeholders: s.Uses}
	if !slices.Contains(methods, def.Method) {
		c.fail("unknown method %q: GET, POST, PUT, PATCH or DELETE", def.Method)
	}
	c.url(call, s, def)
	c.credential(call, def)
	call.Headers = append(slices.Clone(c.headers), c.at("headers").headerFields(def.Headers, s)...)
	for i, p := range def.Query {
		call.Query = append(call.Query, c.at(index("query", i)).param(p, s))
	}
	if len(def.If) > 0 && !v.Changes() {
		c.at("if").fail("there are changed attributes only in create and update")
	}
	call.If = c.attributes("if", def.If, r.Type)
	c.content(call, s, def)
	c.reading(call, s, def)
	call.Rules = append(c.errorRules(def.Errors), c.rules...)
	c.results(call, s, r, def.Result)
	call.Needs = s.Picked
	if v.Changes() {
		for p := range s.Written {
			r.WritablePaths[p] = true
			if v == plan.VerbUpdate {
				r.UpdatedPaths[p] = true
			}
		}
		if v == plan.VerbUpdate && s.Address && slices.ContainsFunc(r.EmailOrder, template.OfUserName) {
			r.UpdatedPaths["username"] = true
		}
	}
	for i, save := range def.Save {
		c.at(index("save", i)).save(call, s, save)
	}
	for _, one := range call.Saves {
		saved[one.Name] = len(one.Where) > 0
	}
	return call
}

// url compiles a call's URL, below the base.
func (c *compiler) url(call *plan.Call, s *template.Scope, def CallDef) {
	at := c.at("url")
	switch {
	case strings.Contains(def.URL, "://"):
		at.fail("%q names a host: calls go to the next handler, where reverse_proxy says which host that is; write the path alone", def.URL)
		return
	case !strings.HasPrefix(def.URL, "/"):
		at.fail("%q does not begin with a slash", def.URL)
		return
	}
	text, err := s.ParseURL(def.URL)
	if err != nil {
		at.check(err)
		return
	}
	path, query, _ := text.Cut("?")
	at.checkPath(path.Sample("x"))
	for literal := range query.Literals() {
		if !plan.IsQuery(literal) || strings.ContainsAny(literal, "#{}") {
			at.fail("%q has a character that a query cannot have: use `query <name> <value>`, which encodes it", literal)
		}
	}
	call.Path, call.RawQuery = append(template.Literal(c.base), path...), query
	call.NamesResource = path.Placeholders() || query.Placeholders() && !call.Verb.Lists()
}

func (c *compiler) credential(call *plan.Call, def CallDef) {
	switch {
	case def.Auth == "none":
	case def.Auth == "":
		if c.auths["default"] != nil {
			call.Auth = "default"
		}
	case c.auths[def.Auth] == nil:
		c.at("auth").fail("there is no auth called %q", def.Auth)
	default:
		call.Auth = def.Auth
	}
}

func (c *compiler) param(def ParamDef, s *template.Scope) plan.Param {
	if def.Name == "" {
		c.fail("a parameter needs a name")
	}
	v, err := s.ParseString(def.Value)
	c.check(err)
	return plan.Param{Name: def.Name, Template: v}
}

// content compiles what makes the body.
func (c *compiler) content(call *plan.Call, s *template.Scope, def CallDef) {
	call.Edits = c.edits(call, s, "edits", def.Edits)
	has := len(def.Edits) > 0 || def.From != "" || def.Paginate != nil && def.Paginate.InBody
	at := c.at("body")
	switch def.Body {
	case "":
		if has {
			call.Body = plan.JSONBody
		}
	case "json":
		call.Body = plan.JSONBody
	case "form":
		call.Body = plan.FormBody
	case "none":
		if has {
			at.fail("there is something to send")
		}
	default:
		at.fail("unknown body %q: json, form or none", def.Body)
	}
	if call.Body != plan.NoBody && call.Method == methods[0] {
		at.fail("a GET has no body")
	}
	at = c.at("from")
	switch _, isSaved := s.Saved[def.From]; {
	case def.From == "":
	case def.From == "cur":
		if !slices.Contains(s.Names, "cur") {
			at.fail("there is no item yet")
		}
		s.Use("cur")
	case !isSaved:
		at.fail("no call before this one saves %q", def.From)
	case s.Saved[def.From]:
		s.Picked = append(s.Picked, def.From)
	}
	call.From = def.From
}

// results compiles how the new item is found.
func (c *compiler) results(call *plan.Call, s *template.Scope, r *plan.Resource, def *ResultDef) {
	if def == nil {
		return
	}
	c = c.at("result")
	if call.Verb != plan.VerbCreate {
		c.fail("only create makes an item")
	}
	kinds := map[string]plan.Result{"body": plan.ResultBody, "location": plan.ResultLocation, "id": plan.ResultID, "refetch": plan.ResultRefetch}
	var ok bool
	if call.Result, ok = kinds[def.Kind]; !ok {
		c.fail("unknown result %q: one of %s", def.Kind, strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
	}
	if (def.Path != "") != (call.Result == plan.ResultID) {
		c.fail("the result id needs a path, and no other has one")
	}
	call.NewIDPath = c.path(def.Path)
	if call.Result != plan.ResultRefetch {
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
	a, err := template.ParseAttribute(name, r.Type)
	if err != nil {
		c.check(err)
		return
	}
	if text == "" {
		text = "{scim." + a.Path + "}"
	}
	written := s.Written
	s.Written = map[string]bool{} // looking something up does not store it
	call.SoughtAs, err = s.ParseString(text)
	s.Written = written
	c.check(err)
	call.SoughtBy = a.Path
}
