package caddyfile

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/caddy-scim/gateway/transforms/mapping"
)

// call reads the block behind <method> <url>:
//
//	{
//		auth     <name>|none
//		header   <field> <value>
//		query    <name> <value>
//		body     json|form|none
//		base     cur|<saved>
//		set      <path> <value> [if <attribute>...]
//		append   <path> <value> [if <attribute>...]
//		remove   <path> <value> [if <attribute>...]
//		if       <attribute>...
//		items    <path>
//		item     <path>
//		member   <path>
//		where    <path> <value>
//		overlay  <path> <value>
//		hydrate
//		paginate …
//		save     <name> <path> [where <path> <value>]... [take <path>]
//		result   body | location | id <path> | refetch [<attribute> <value>]
//		error    …
//	}
func (p *mappingParser) call(where, method, url string) (mapping.CallDef, error) {
	call := mapping.CallDef{Method: method, URL: url}
	p.begin(where)
	word := func(name string, to *string) func() error {
		return func() error { return p.word(where+"."+name, to) }
	}
	edit := func() error { return p.edit(where, &call) }
	err := p.block("call", map[string]func() error{
		"auth": word("auth", &call.Auth), "body": word("body", &call.Body), "base": word("from", &call.From),
		"items": word("items", &call.Items), "item": word("item", &call.Item), "member": word("member", &call.Member),
		"set": edit, "append": edit, "remove": edit,
		"header":   func() error { return p.header(where+".headers", &call.Headers) },
		"if":       func() error { return p.words(where+".if", &call.If) },
		"paginate": func() error { return p.paginate(where+".paginate", &call) },
		"save":     func() error { return p.save(where, &call) },
		"result":   func() error { return p.result(where+".result", &call) },
		"query": func() error {
			p.begin(fmt.Sprintf("%s.query[%d]", where, len(call.Query)))
			name, value, err := p.pair()
			call.Query = append(call.Query, mapping.ParamDef{Name: name, Value: value})
			return err
		},
		"where": func() error {
			p.begin(where + ".where")
			path, value, err := p.pair()
			call.Where = append(call.Where, mapping.WhereDef{Path: path, Value: value})
			return err
		},
		"overlay": func() error {
			p.begin(fmt.Sprintf("%s.overlay[%d]", where, len(call.Overlay)))
			path, value, err := p.pair()
			call.Overlay = append(call.Overlay, mapping.EditDef{Path: path, Value: value})
			return err
		},
		"hydrate": func() error {
			if err := p.once(where + ".hydrate"); err != nil {
				return err
			}
			_, err := p.args(0, 0)
			call.Hydrate = true
			return err
		},
		"error": func() error {
			p.begin(fmt.Sprintf("%s.errors[%d]", where, len(call.Errors)))
			return p.rule(&call.Errors)
		},
	})
	return call, err
}

func (p *mappingParser) edit(where string, call *mapping.CallDef) error {
	p.begin(fmt.Sprintf("%s.edits[%d]", where, len(call.Edits)))
	e := mapping.EditDef{}
	if name := p.Val(); name != "set" {
		e.Action = name
	}
	args, err := p.args(2, -1)
	if err != nil {
		return err
	}
	e.Path, e.Value = args[0], args[1]
	if rest := args[2:]; len(rest) > 0 {
		if rest[0] != "if" || len(rest) == 1 {
			return p.Errf("unexpected %q: what may follow the value is if <attribute>...", rest[0])
		}
		e.If = rest[1:]
	}
	call.Edits = append(call.Edits, e)
	return nil
}

// paginate reads one of
//
//	paginate page|offset <param> <size-param> <size>
//	paginate cursor <param> <path> [<size-param> <size>]
//	paginate next <path> [<size-param> <size>]
//	paginate link [<size-param> <size>]
//
// with an optional block
//
//	{
//		first <n>
//		total <path> | header <field>
//		in    query|body
//	}
func (p *mappingParser) paginate(at string, call *mapping.CallDef) error {
	if err := p.once(at); err != nil {
		return err
	}
	args, err := p.args(1, 5)
	if err != nil {
		return err
	}
	g := &mapping.PaginateDef{By: args[0]}
	call.Paginate = g
	rest := args[1:]
	take := func(to *string) {
		if len(rest) > 0 {
			*to, rest = rest[0], rest[1:]
		}
	}
	size := ""
	switch g.By {
	case "page", "offset":
		if len(rest) == 1 { // the call says {page} or {offset} itself
			take(&size)
		}
		take(&g.Param)
	case "cursor":
		take(&g.Param)
		take(&g.Path)
	case "next":
		take(&g.Path)
	case "link":
	default:
		return p.Errf("unknown style %q: page, offset, cursor, next or link", g.By)
	}
	take(&g.SizeParam)
	take(&size)
	if len(rest) > 0 {
		return p.Errf("unexpected argument %q", rest[0])
	}
	if size != "" {
		if g.Size, err = strconv.Atoi(size); err != nil {
			return p.Errf("the size of a page is a number, not %q", size)
		}
	}
	for nesting := p.Nesting(); p.NextBlock(nesting); {
		if err := p.paginateField(g); err != nil {
			return err
		}
	}
	return nil
}

func (p *mappingParser) paginateField(g *mapping.PaginateDef) error {
	name := p.Val()
	given := map[string]bool{"first": g.First != nil, "total": g.Total != "" || g.TotalHeader != "", "in": g.InBody}
	if given[name] {
		return p.Errf("%s is already specified", name)
	}
	args, err := p.args(1, 2)
	if err != nil {
		return err
	}
	header := name == "total" && len(args) == 2 && args[0] == "header"
	if len(args) == 2 && !header {
		return p.Errf("unexpected argument %q", args[1])
	}
	switch name {
	case "first":
		n, err := strconv.Atoi(args[0])
		if err != nil || n < 0 {
			return p.Errf("the first number is 0 or more, not %q", args[0])
		}
		g.First = &n
	case "total":
		if header {
			g.TotalHeader = args[1]
		} else {
			g.Total = args[0]
		}
	case "in":
		if !slices.Contains([]string{"query", "body"}, args[0]) {
			return p.Errf("parameters are in query or body, not in %q", args[0])
		}
		g.InBody = args[0] == "body"
	default:
		return p.Errf("unrecognized paginate directive %q: one of first, in, total", name)
	}
	return nil
}

// save reads: save <name> <path> [where <path> <value>]... [take <path>].
func (p *mappingParser) save(where string, call *mapping.CallDef) error {
	p.begin(fmt.Sprintf("%s.save[%d]", where, len(call.Save)))
	args, err := p.args(2, -1)
	if err != nil {
		return err
	}
	s := mapping.SaveDef{Name: args[0], Path: args[1]}
	for rest := args[2:]; len(rest) > 0; {
		switch {
		case rest[0] == "where" && len(rest) > 2 && s.Take == "":
			s.Where = append(s.Where, mapping.WhereDef{Path: rest[1], Value: rest[2]})
			rest = rest[3:]
		case rest[0] == "take" && len(rest) == 2:
			s.Take, rest = rest[1], nil
		default:
			return p.Errf("unexpected %q: save <name> <path> [where <path> <value>]... [take <path>]", rest[0])
		}
	}
	call.Save = append(call.Save, s)
	return nil
}

func (p *mappingParser) result(at string, call *mapping.CallDef) error {
	if err := p.once(at); err != nil {
		return err
	}
	args, err := p.args(1, 3)
	if err != nil {
		return err
	}
	r := &mapping.ResultDef{Kind: args[0]}
	call.Result = r
	switch n := len(args); {
	case r.Kind == "id" && n == 2:
		r.Path = args[1]
	case r.Kind == "refetch" && n == 3:
		r.Attribute, r.Value = args[1], args[2]
	case (r.Kind == "body" || r.Kind == "location" || r.Kind == "refetch") && n == 1:
	default:
		return p.Errf("the result is one of: body, location, id <path>, refetch [<attribute> <value>]")
	}
	return nil
}
