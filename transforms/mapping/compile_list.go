package mapping

import (
	"maps"
	"slices"
	"strings"
)

// reading compiles how the answer is read.
func (c *compiler) reading(call *Call, s *scope, def CallDef) {
	lists := call.verb.lists()
	items := lists && call.verb != verbMembers
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
		{"member", def.Member != "", call.verb == verbMembers, "only members yields ids of members"},
		{"item", def.Item != "", call.verb == verbGet || call.verb == verbCreate, "only get and create yield an item"},
	} {
		if one.given && !one.may {
			c.at(one.field).fail("%s", one.reason)
		}
	}
	call.items = c.at("items").path(def.Items)
	call.item = c.at("item").path(def.Item)
	call.member = c.at("member").path(def.Member)
	call.where = c.at("where").wheres(def.Where, s)
	for i, e := range def.Overlay {
		if e.Action != "" && e.Action != "set" || len(e.If) > 0 {
			c.at(index("overlay", i)).fail("an overlay only sets")
		}
	}
	call.overlay = c.edits(call, c.scope(), "overlay", def.Overlay)
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
