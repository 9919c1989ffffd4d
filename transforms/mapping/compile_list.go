package mapping

import (
	"maps"
	"slices"
	"strings"

	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/mapping/template"
)

// reading compiles how the answer is read.
func (c *compiler) reading(call *plan.Call, s *template.Scope, def CallDef) {
	lists := call.Verb.Lists()
	items := lists && call.Verb != plan.VerbMembers
	for _, one := range []struct {
		field      string
		given, may bool
		reason     string
	}{
		{"items", def.Items != "", lists, "only list, find and members yield a list"},
		{"where", len(def.Where) > 0, lists, "only list, find and members yield a list"},
		{"paginate", def.Paginate != nil, lists, "only list, find and members yield a list"},
		{"overlay", len(def.Overlay) > 0, items, "only list and find yield items"},
		{"hydrate", def.Hydrate, items, "only list and find yield items"},
		{"member", def.Member != "", call.Verb == plan.VerbMembers, "only members yields ids of members"},
		{"item", def.Item != "", call.Verb == plan.VerbGet || call.Verb == plan.VerbCreate, "only get and create yield an item"},
	} {
		if one.given && !one.may {
			c.at(one.field).fail("%s", one.reason)
		}
	}
	call.ItemsPath = c.at("items").path(def.Items)
	call.ItemPath = c.at("item").path(def.Item)
	call.MemberPath = c.at("member").path(def.Member)
	call.Select = c.at("where").wheres(def.Where, s)
	for i, e := range def.Overlay {
		if e.Action != "" && e.Action != "set" || len(e.If) > 0 {
			c.at(index("overlay", i)).fail("an overlay only sets")
		}
	}
	call.Overlay = c.edits(call, c.scope(), "overlay", def.Overlay)
	if def.Paginate != nil {
		call.Paging = c.at("paginate").pager(def.Paginate, s.Uses["page"] || s.Uses["offset"])
	}
}

func (c *compiler) wheres(defs []WhereDef, s *template.Scope) []plan.Where {
	var out []plan.Where
	for _, def := range defs {
		if def.Path == "" {
			c.fail("a condition needs a path")
		}
		v, err := s.ParseString(def.Value)
		c.check(err)
		out = append(out, plan.Where{Path: c.path(def.Path), Value: v})
	}
	return out
}

func (c *compiler) save(call *plan.Call, s *template.Scope, def SaveDef) {
	_, isSaved := s.Saved[def.Name]
	switch {
	case call.Verb.Lists():
		c.fail("what a list, find or members call saves, nobody can use")
	case !template.IsName(def.Name):
		c.fail("%q is no name: letters, digits and _", def.Name)
	case isSaved || slices.ContainsFunc(call.Saves, func(other plan.Save) bool { return other.Name == def.Name }):
		c.fail("%q is saved twice", def.Name)
	case reserved(def.Name):
		c.fail("%q has a meaning already", def.Name)
	case def.Path == "":
		c.fail("there is no path")
	case def.Take != "" && len(def.Where) == 0:
		c.fail("take belongs to where")
	}
	call.Saves = append(call.Saves, plan.Save{Name: def.Name, Path: c.path(def.Path), Where: c.wheres(def.Where, s), Take: c.path(def.Take)})
}

func reserved(name string) bool {
	for _, names := range known {
		if slices.Contains(names, name) {
			return true
		}
	}
	return slices.Contains([]string{"env", "true", "false", "null", "token", "page", "offset", "size"}, name)
}

// styles are the words for how a list is continued.
var styles = map[string]plan.Style{
	"page": plan.ByPage, "offset": plan.ByOffset, "cursor": plan.ByCursor, "next": plan.ByNext, "link": plan.ByLink,
}

func (c *compiler) pager(def *PaginateDef, inside bool) *plan.Paging {
	style, ok := styles[def.By]
	if !ok {
		c.fail("unknown style %q: one of %s", def.By, strings.Join(slices.Sorted(maps.Keys(styles)), ", "))
	}
	p := &plan.Paging{Style: style, Param: def.Param, SizeParam: def.SizeParam, Size: def.Size, TotalHeader: def.TotalHeader}
	numbered := p.Counts()
	switch {
	case inside && !numbered:
		c.fail("{page} and {offset} are known where a list is continued by page or offset")
	case inside && (def.Param != "" || def.SizeParam != "" || def.Size < 1):
		c.fail("the call says {page} or {offset} itself: then there are no parameters, and a size of at least 1")
	case inside:
	case (def.Param == "") == (numbered || style == plan.ByCursor):
		c.fail("page, offset and cursor need a parameter, and no other style has one")
	}
	if !inside && numbered && (def.SizeParam == "" || def.Size < 1) || !inside && (def.SizeParam == "") != (def.Size == 0) || def.Size < 0 {
		c.fail("page and offset need the parameter for the size of a page and a size of at least 1; others may have both")
	}
	if (def.Path == "") == (style == plan.ByCursor || style == plan.ByNext) {
		c.fail("cursor and next need the path of what comes next, and no other style has one")
	}
	if def.First != nil && !numbered {
		c.fail("only page and offset have a first number")
	}
	if def.InBody && (style == plan.ByNext || style == plan.ByLink) {
		c.fail("a next URL has no parameters in the body")
	}
	if style == plan.ByPage {
		p.First = 1
	}
	if def.First != nil {
		p.First = *def.First
	}
	if def.Total != "" && def.TotalHeader != "" {
		c.fail("the total is either in the answer or in a header field")
	}
	if def.TotalHeader != "" && !isToken(def.TotalHeader) {
		c.fail("%q is no name of a header field", def.TotalHeader)
	}
	if p.InBody = def.InBody; p.InBody {
		if p.Param != "" {
			p.Place = c.place(p.Param)
		}
		if p.SizeParam != "" {
			p.SizePlace = c.place(p.SizeParam)
		}
	}
	p.Path = c.path(def.Path)
	p.Total, p.HasTotal = c.path(def.Total), def.Total != ""
	return p
}
