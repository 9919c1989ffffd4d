package mapping

import (
	"slices"
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// attribute is a SCIM path, resolved against the schema.
type attribute struct {
	canonical string
	uri       string
	name      string
	filter    filter.Filter // which elements; nil for all
	sub       string
	parent    *schema.Attribute // the attribute called name
	target    *schema.Attribute // what the path names: parent or its sub-attribute
}

func parseAttribute(text string, rt *schema.ResourceType) (*attribute, error) {
	p, _, err := filter.ParsePath(text, rt, filter.Options{})
	if err != nil {
		return nil, fault("%q is no attribute of a %s: %v", text, rt.Name, err)
	}
	a := &attribute{canonical: p.String(), uri: p.Attr.URI, name: p.Attr.Name, filter: p.Filter, sub: p.Attr.Sub}
	if a.sub == "" {
		a.sub = p.Sub
	}
	if a.parent = rt.Attribute(a.uri, a.name, ""); a.parent == nil {
		return nil, fault("%q is no attribute of a %s", text, rt.Name)
	}
	a.target = a.parent
	if a.sub != "" {
		if a.target = a.parent.SubAttribute(a.sub); a.target == nil {
			return nil, fault("%s of a %s has no sub-attribute %q", a.name, rt.Name, a.sub)
		}
	}
	if a.filter != nil {
		for one := range filter.Attributes(a.filter) {
			if !a.knows(one.Name) {
				return nil, fault("the filter of %q asks for %q, which %s of a %s does not have", text, one.Name, a.name, rt.Name)
			}
		}
	}
	return a, nil
}

// knows tells whether a filter can ask an element for a sub-attribute. What has none is searched by "value" (RFC 7643 §2.4).
func (a *attribute) knows(sub string) bool {
	return a.parent.SubAttribute(sub) != nil || a.parent.Type != schema.Complex && doc.FoldEqual(sub, "value")
}

// covers are the canonical paths of which the path is a part, itself included: emails[type eq "work"].value is a part of
// emails.value and of emails.
func (a *attribute) covers() []string {
	prefix := ""
	if a.uri != "" {
		prefix = a.uri + ":"
	}
	out := []string{a.canonical, prefix + a.name}
	if a.sub != "" {
		out = append(out, prefix+a.name+"."+a.sub)
	}
	return out
}

// shown are the canonical paths that a resource has where the attribute is mapped: those it covers, and what the filter
// says of the element, which is made so.
func (a *attribute) shown() []string {
	out := a.covers()
	if a.filter != nil {
		filter.Walk(a.filter, func(c *filter.Compare) { out = append(out, out[1]+"."+c.Attr.Name) })
	}
	return out
}

// sent are the canonical paths that are sent where the attribute is: those it covers, and all parts of a whole one.
func (a *attribute) sent() []string {
	out := a.covers()
	if a.sub == "" {
		for _, sub := range a.parent.Sub {
			out = append(out, out[1]+"."+sub.Name)
		}
	}
	return out
}

// partOf tells whether the path covers the attribute as [attribute.covers] says.
func (a *attribute) partOf(path string) bool {
	return slices.ContainsFunc(a.covers(), func(p string) bool { return doc.FoldEqual(p, path) })
}

// get is the attribute's value in a resource; nil where it is missing. Of a multi-valued attribute it is the array of
// all, or with a filter the first that fits.
func (a *attribute) get(res *doc.Node) *doc.Node {
	if a.uri != "" {
		if ext := res.Get(a.uri); ext != nil {
			res = ext
		}
	}
	v := res.Get(a.name)
	if v.Kind() != doc.Array {
		if a.sub == "" {
			return v
		}
		return v.Get(a.sub)
	}
	var found []*doc.Node
	for _, item := range v.Items() {
		if a.filter != nil && !filter.MatchElement(a.filter, item, a.parent) {
			continue
		}
		if a.sub != "" {
			item = item.Get(a.sub)
		}
		if item == nil {
			continue
		}
		if a.filter != nil {
			return item
		}
		found = append(found, item)
	}
	if found == nil {
		return nil
	}
	return doc.NewArray(found...)
}

// put gives a resource that is being made the attribute's value. Values of a multi-valued attribute become elements;
// paths with the same filter share theirs.
func (a *attribute) put(res, v *doc.Node) {
	if a.uri != "" {
		ext := res.Get(a.uri)
		if ext == nil {
			ext = doc.NewObject()
			res.Set(a.uri, ext)
		}
		res = ext
	}
	switch {
	case a.parent.MultiValued && a.parent.Type == schema.Complex && a.sub != "":
		a.putElements(res, v)
	case a.sub != "":
		obj := res.Get(a.name)
		if obj == nil {
			obj = doc.NewObject()
			res.Set(a.name, obj)
		}
		obj.Set(a.sub, v)
	default:
		res.Set(a.name, v)
	}
}

func (a *attribute) putElements(res, v *doc.Node) {
	list := res.Get(a.name)
	if list == nil {
		list = doc.NewArray()
		res.Set(a.name, list)
	}
	values := []*doc.Node{v}
	if v.Kind() == doc.Array {
		values = v.Items()
	}
	for i, one := range values {
		elem := a.element(list, i)
		if elem == nil {
			elem = doc.NewObject()
			for _, f := range equals(a.filter) {
				elem.Set(f.Name, f.Value)
			}
			list.Add(elem)
		}
		elem.Set(a.sub, one)
	}
}

// element is the i-th element that fits the filter; nil where there are not so many.
func (a *attribute) element(list *doc.Node, i int) *doc.Node {
	for _, item := range list.Items() {
		if a.filter == nil || filter.MatchElement(a.filter, item, a.parent) {
			if i == 0 {
				return item
			}
			i--
		}
	}
	return nil
}

// equals are the comparisons of a filter that can be turned round: an element made for type eq "work" has that type.
func equals(f filter.Filter) []doc.Field {
	switch f := f.(type) {
	case *filter.Compare:
		if f.Op == filter.Eq && f.Attr.Sub == "" {
			return []doc.Field{{Name: f.Attr.Name, Value: f.Value.Node()}}
		}
	case *filter.And:
		return append(equals(f.Left), equals(f.Right)...)
	}
	return nil
}

// coerce makes a value of an item what the schema says the attribute is; nil where it is nothing of the kind, for then
// the attribute has no value. An empty text is no value either (RFC 7643 §2.5).
func coerce(v *doc.Node, a *schema.Attribute) *doc.Node {
	switch v.Kind() {
	case doc.Invalid, doc.Null:
		return nil
	case doc.Array:
		items := make([]*doc.Node, 0, len(v.Items()))
		for _, item := range v.Items() {
			if one := coerce(item, a); one != nil {
				items = append(items, one)
			}
		}
		if len(items) == 0 {
			return nil
		}
		return doc.NewArray(items...)
	case doc.Object:
		if a.Type == schema.Complex {
			return v
		}
		return nil
	}
	switch a.Type {
	case schema.Boolean:
		b, err := toBool(v)
		if err != nil {
			return nil
		}
		return b
	case schema.Integer:
		n, err := toInt(v)
		if err != nil {
			return nil
		}
		return n
	case schema.Decimal:
		if v.Kind() != doc.Number {
			return nil
		}
		return v
	case schema.Complex:
		return nil
	}
	if strings.TrimSpace(v.Text()) == "" {
		return nil
	}
	if v.Kind() == doc.String {
		return v
	}
	return doc.NewString(v.Text())
}
