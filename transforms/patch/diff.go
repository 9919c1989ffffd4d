package patch

import (
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/value"
)

// Diff lists the attributes whose values differ, as canonical paths in the order of the resources: name.givenName for a
// part of a complex attribute, emails for a multi-valued one, with the URI for an extension's. Order, the case of names
// and the many ways to say that there is no value make no difference (RFC 7643 §2.5). schemas and meta are left out: they
// follow from the rest.
func Diff(before, after *doc.Node, rt *schema.ResourceType) []string {
	var d differ
	for name := range names(before, after) {
		was, is := before.Get(name), after.Get(name)
		switch {
		case doc.FoldEqual(name, "schemas"), doc.FoldEqual(name, "meta"):
		case !schema.IsURI(name):
			d.attribute(rt.Attribute("", name, ""), filter.Attr{Name: name}, was, is)
		default:
			uri := name
			if s := rt.Schema(uri); s == rt.Core {
				uri = ""
			} else if s != nil {
				uri = s.ID
			}
			if !object(was) || !object(is) { // nobody knows what such a thing is
				d.compare(filter.Attr{URI: uri}, was, is)
				continue
			}
			for name := range names(was, is) {
				d.attribute(rt.Attribute(uri, name, ""), filter.Attr{URI: uri, Name: name}, was.Get(name), is.Get(name))
			}
		}
	}
	return d.paths
}

type differ struct{ paths []string }

func (d *differ) attribute(attr *schema.Attribute, at filter.Attr, was, is *doc.Node) {
	if attr != nil {
		at.Name = attr.Name
	}
	if !object(was) || !object(is) || attr != nil && attr.Type != schema.Complex {
		d.compare(at, was, is)
		return
	}
	for name := range names(was, is) {
		at.Sub = name
		if sub := attr.SubAttribute(name); sub != nil {
			at.Sub = sub.Name
		}
		d.compare(at, was.Get(name), is.Get(name))
	}
}

// object reports whether a value has fields, or is not there at all.
func object(n *doc.Node) bool { return n.Kind() == doc.Object || value.Absent(n) }

func (d *differ) compare(at filter.Attr, was, is *doc.Node) {
	if !value.Equal(was, is) {
		d.paths = append(d.paths, at.String())
	}
}

// names walks over the names of both objects' fields, each once.
func names(a, b *doc.Node) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for _, f := range a.Fields() {
			if !yield(f.Name) {
				return
			}
		}
		for _, f := range b.Fields() {
			if a.Get(f.Name) == nil && !yield(f.Name) {
				return
			}
		}
	}
}

// Touches reports whether a list of changed attributes has something to do with path: the attribute itself, a part of it,
// or what it is a part of. Both are canonical paths.
func Touches(changed []string, path string) bool {
	for _, c := range changed {
		if within(c, path) || within(path, c) {
			return true
		}
	}
	return false
}

func within(path, whole string) bool {
	n := len(whole)
	return len(path) >= n && doc.FoldEqual(path[:n], whole) && (len(path) == n || path[n] == '.' || path[n] == ':' || path[n] == '[')
}
