package scim

import (
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// Project returns the resource as a query asks for it (RFC 7644 §3.9): with attributes, these and what is always returned;
// with excludedAttributes, everything that is returned by default but these. id, schemas and meta are always there. What
// is never returned is not, whoever asks. The result shares its parts with res and is for printing; res stays as it is.
func Project(res *doc.Node, rt *schema.ResourceType, q Query) *doc.Node {
	p := projection{rt: rt, only: len(q.Attributes) > 0, wanted: pick(q.Attributes, rt), unwanted: pick(q.Excluded, rt)}
	if len(q.Attributes) == 0 && len(q.Excluded) == 0 && !p.hides(res) {
		return res
	}
	out := doc.NewObject()
	for _, f := range res.Fields() {
		if !schema.IsURI(f.Name) {
			out.Set(f.Name, p.attribute("", f.Name, f.Value))
			continue
		}
		if f.Value.Kind() != doc.Object {
			continue // no extension: nothing that a path could name
		}
		uri := f.Name
		if doc.FoldEqual(uri, rt.Core.ID) {
			uri = ""
		}
		ext := doc.NewObject()
		for _, g := range f.Value.Fields() {
			ext.Set(g.Name, p.attribute(uri, g.Name, g.Value))
		}
		if len(ext.Fields()) > 0 {
			out.Set(f.Name, ext)
		}
	}
	return out
}

// A choice is what the paths of one parameter say about one attribute, or about one whole schema.
type choice struct {
	whole bool
	subs  []string
}

func (c *choice) sub(name string) bool { return c != nil && indexFold(c.subs, name) >= 0 }

type choices map[string]*choice

func pick(paths []string, rt *schema.ResourceType) choices {
	c := make(choices, len(paths))
	for _, path := range paths {
		uri, rest, _ := rt.SplitURN(path)
		name, sub, dotted := strings.Cut(rest, ".")
		key := choiceKey(uri, name, rt)
		if c[key] == nil {
			c[key] = &choice{}
		}
		if dotted {
			c[key].subs = append(c[key].subs, sub)
		} else {
			c[key].whole = true
		}
	}
	return c
}

func choiceKey(uri, name string, rt *schema.ResourceType) string {
	if doc.FoldEqual(uri, rt.Core.ID) && name != "" {
		uri = ""
	}
	return doc.Fold(uri) + "\x00" + doc.Fold(name)
}

// of returns the choice for an attribute: that of its whole schema, or its own.
func (c choices) of(uri, name string, rt *schema.ResourceType) *choice {
	if len(c) == 0 {
		return nil
	}
	whole := uri
	if whole == "" {
		whole = rt.Core.ID
	}
	if all := c[doc.Fold(whole)+"\x00"]; all != nil {
		return all
	}
	return c[choiceKey(uri, name, rt)]
}

type projection struct {
	rt               *schema.ResourceType
	only             bool // there are attributes
	wanted, unwanted choices
}

// attribute returns the value as it is returned; nil for not at all.
func (p *projection) attribute(uri, name string, v *doc.Node) *doc.Node {
	attr := p.rt.Attribute(uri, name, "")
	returned := returnedOf(attr)
	wanted, unwanted := p.wanted.of(uri, name, p.rt), p.unwanted.of(uri, name, p.rt)
	switch {
	case returned == schema.Never:
		return nil
	case returned == schema.Always, uri == "" && doc.FoldEqual(name, "meta"):
		return v
	case p.only && wanted == nil, !p.only && returned == schema.OnRequest:
		return nil
	case unwanted != nil && unwanted.whole:
		return nil
	}
	return reduce(v, func(sub string) bool {
		returned := returnedOf(attr.SubAttribute(sub))
		switch {
		case returned == schema.Always:
			return true
		case returned == schema.Never, unwanted.sub(sub):
			return false
		case wanted.sub(sub):
			return true
		}
		return returned != schema.OnRequest && (wanted == nil || wanted.whole)
	})
}

// hides reports whether the resource has something that is not returned by default.
func (p *projection) hides(res *doc.Node) bool {
	for uri, a := range p.rt.Attributes() {
		if !shown(a) && p.rt.Value(res, uri, a.Name) != nil {
			return true
		}
	}
	return false
}

// shown reports whether an attribute is returned by default with all that it consists of.
func shown(a *schema.Attribute) bool {
	if a.Returned == schema.Never || a.Returned == schema.OnRequest {
		return false
	}
	for _, sub := range a.Sub {
		if !shown(sub) {
			return false
		}
	}
	return true
}

func returnedOf(a *schema.Attribute) schema.Returned {
	if a == nil {
		return schema.Default
	}
	return a.Returned
}

// reduce returns a complex value, or a list of them, with the sub-attributes that keep lets through; nil where nothing is
// left. Whatever has no sub-attributes stays whole.
func reduce(v *doc.Node, keep func(sub string) bool) *doc.Node {
	switch v.Kind() {
	case doc.Object:
		fields := v.Fields()
		n := 0
		for _, f := range fields {
			if keep(f.Name) {
				n++
			}
		}
		if n == len(fields) {
			return v
		}
		if n == 0 {
			return nil
		}
		out := doc.NewObject()
		for _, f := range fields {
			if keep(f.Name) {
				out.Set(f.Name, f.Value)
			}
		}
		return out
	case doc.Array:
		items := v.Items()
		out, same := make([]*doc.Node, 0, len(items)), true
		for _, item := range items {
			r := reduce(item, keep)
			same = same && r == item
			if r != nil {
				out = append(out, r)
			}
		}
		switch {
		case same:
			return v
		case len(out) == 0:
			return nil
		}
		return doc.NewArray(out...)
	}
	return v
}
