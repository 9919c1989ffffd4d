package value

import (
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// At returns the attribute and sub-attribute that a canonical path names; a value filter in it is left out. The URI is
// empty for the core schema.
func At(rt *schema.ResourceType, path string) filter.Attr {
	if open, end := strings.IndexByte(path, '['), strings.LastIndexByte(path, ']'); open >= 0 && end > open {
		path = path[:open] + path[end+1:]
	}
	uri, rest, _ := rt.SplitURN(path)
	if doc.FoldEqual(uri, rt.Core.ID) {
		uri = ""
	}
	name, sub, _ := strings.Cut(rest, ".")
	return filter.Attr{URI: uri, Name: name, Sub: sub}
}

// Whole returns the canonical path of the attribute that a canonical path is about, without sub-attribute and value filter.
func Whole(rt *schema.ResourceType, path string) string {
	at := At(rt, path)
	at.Sub = ""
	return at.String()
}

// Get returns the value of a whole attribute, given by its canonical path; nil where there is none.
func Get(rt *schema.ResourceType, res *doc.Node, path string) *doc.Node {
	at := At(rt, path)
	return rt.Value(res, at.URI, at.Name)
}

// Set gives a whole attribute, given by its canonical path, a value; nil takes it away. An extension comes with its first
// attribute and goes with its last.
func Set(rt *schema.ResourceType, res *doc.Node, path string, v *doc.Node) {
	at := At(rt, path)
	if v == nil {
		Delete(res, at.URI, at.Name)
		return
	}
	Holder(res, at.URI).Set(at.Name, v)
}

// Delete takes an attribute away, and the extension that has no other.
func Delete(res *doc.Node, uri, name string) {
	if uri == "" {
		res.Delete(name)
		return
	}
	if ext := res.Get(uri); ext.Kind() == doc.Object {
		if ext.Delete(name); ext.Len() == 0 {
			res.Delete(uri)
		}
	}
}

// Holder returns the object that the attributes of a schema are put into: the resource itself for the core schema, whose URI is
// empty, or the object of an extension, which is made where there is none.
func Holder(res *doc.Node, uri string) *doc.Node {
	if uri == "" {
		return res
	}
	ext := res.Get(uri)
	if ext.Kind() != doc.Object {
		ext = doc.NewObject()
		res.Set(uri, ext)
	}
	return ext
}

// Attributes returns the canonical paths of the whole attributes of a resource, those of extensions included.
func Attributes(res *doc.Node) []string {
	var all []string
	for _, f := range res.Fields() {
		if !schema.IsURI(f.Name) {
			all = append(all, f.Name)
			continue
		}
		for _, g := range f.Value.Fields() {
			all = append(all, f.Name+":"+g.Name)
		}
	}
	return all
}

// Texts returns the texts of an attribute or sub-attribute, given by its canonical path: of every element where it is
// multi-valued, and of a complex value by itself its value. What has no text, such as true or an empty string, is left out.
func Texts(rt *schema.ResourceType, res *doc.Node, path string) []string {
	at := At(rt, path)
	return TextsIn(rt.Value(res, at.URI, at.Name), at.Sub)
}

// TextsIn returns the texts of a sub-attribute in the value of an attribute, as [Texts] does.
func TextsIn(n *doc.Node, sub string) []string { return texts(nil, n, sub) }

func texts(all []string, n *doc.Node, sub string) []string {
	switch n.Kind() {
	case doc.Array:
		for _, item := range n.Items() {
			all = texts(all, item, sub)
		}
	case doc.Object:
		if sub == "" {
			sub = "value"
		}
		all = texts(all, n.Get(sub), "")
	case doc.String, doc.Number:
		if text := n.Text(); text != "" {
			all = append(all, text)
		}
	}
	return all
}

// Of returns what an element is about: its value, or the element itself in a list of simple values.
func Of(element *doc.Node) *doc.Node {
	if element.Kind() == doc.Object {
		return element.Get("value")
	}
	return element
}
