package value

import (
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// Target is the attribute, or sub-attribute, that a path ends at, with what the schema says of it.
type Target struct {
	Attr   filter.Attr       // the attribute; the URI is empty for the core schema, Sub always
	Def    *schema.Attribute // of Attr; nil for an attribute that nobody declared
	Filter filter.Filter     // which elements; nil for all
	Sub    string            // the sub-attribute's name; empty for the attribute itself
	SubDef *schema.Attribute // of Sub; nil where there is none or Def is
}

// Resolve finds out what a path names. Names that the schema knows are spelled as it does.
func Resolve(p filter.Path, rt *schema.ResourceType) Target {
	t := Target{Attr: p.Attr, Sub: p.Sub, Filter: p.Filter}
	if p.Filter == nil {
		t.Sub = p.Attr.Sub
	}
	t.Attr.Sub = ""
	if doc.FoldEqual(t.Attr.URI, rt.Core.ID) {
		t.Attr.URI = ""
	}
	if t.Def = rt.Attribute(t.Attr.URI, t.Attr.Name, ""); t.Def == nil {
		return t
	}
	t.Attr.Name = t.Def.Name
	if t.Sub != "" {
		if t.SubDef = t.Def.SubAttribute(t.Sub); t.SubDef != nil {
			t.Sub = t.SubDef.Name
		}
	}
	return t
}

// String returns the path without its value filter.
func (t *Target) String() string {
	at := t.Attr
	at.Sub = t.Sub
	return at.String()
}

// Innermost returns what the schema says of the values that the path ends at; nil where it does not know.
func (t *Target) Innermost() *schema.Attribute {
	if t.Sub != "" {
		return t.SubDef
	}
	return t.Def
}

// Get returns the value in a resource; nil where there is none. Of a multi-valued attribute that is the array of all, or
// with a filter the first that fits.
func (t *Target) Get(res *doc.Node) *doc.Node {
	if t.Attr.URI != "" {
		res = res.Get(t.Attr.URI)
	}
	v := res.Get(t.Attr.Name)
	if v.Kind() != doc.Array {
		return t.within(v)
	}
	var found []*doc.Node
	for _, element := range v.Items() {
		if t.Filter != nil && !filter.MatchElement(t.Filter, element, t.Def) {
			continue
		}
		switch one := t.within(element); {
		case one == nil:
		case t.Filter != nil:
			return one
		default:
			found = append(found, one)
		}
	}
	if found == nil {
		return nil
	}
	return doc.NewArray(found...)
}

// within returns the sub-attribute of an element, or the element itself where the path names none.
func (t *Target) within(element *doc.Node) *doc.Node {
	if t.Sub == "" {
		return element
	}
	return element.Get(t.Sub)
}

// Put gives a resource that is being made the value. An array of values of a sub-attribute becomes as many elements; paths
// with the same filter share theirs. The filter must describe an element (see [Element]).
func (t *Target) Put(res, v *doc.Node) {
	holder := Holder(res, t.Attr.URI)
	switch {
	case t.Sub == "":
		holder.Set(t.Attr.Name, v)
	case t.Def.MultiValued && t.Def.Type == schema.Complex:
		list := holder.Get(t.Attr.Name)
		if list == nil {
			list = doc.NewArray()
			holder.Set(t.Attr.Name, list)
		}
		t.putElements(list, v)
	default:
		object := holder.Get(t.Attr.Name)
		if object == nil {
			object = doc.NewObject()
			holder.Set(t.Attr.Name, object)
		}
		object.Set(t.Sub, v)
	}
}

func (t *Target) putElements(list, v *doc.Node) {
	values := []*doc.Node{v}
	if v.Kind() == doc.Array {
		values = v.Items()
	}
	for i, one := range values {
		element := t.nth(list, i)
		if element == nil {
			element = Element(t.Filter, t.Def)
			list.Add(element)
		}
		element.Set(t.Sub, one)
	}
}

// nth returns the n-th element that fits the filter; nil where there are not so many.
func (t *Target) nth(list *doc.Node, n int) *doc.Node {
	for _, element := range list.Items() {
		if t.Filter != nil && !filter.MatchElement(t.Filter, element, t.Def) {
			continue
		}
		if n == 0 {
			return element
		}
		n--
	}
	return nil
}
