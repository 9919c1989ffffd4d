package patch

import (
	"slices"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
	"github.com/caddy-scim/gateway/transforms/value"
)

// applyWhole works on the resource itself or on one whole extension: the value is an object of attributes
// (RFC 7644 §3.5.2.1, §3.5.2.3).
func (e *engine) applyWhole(op *Operation) error {
	uri := op.Path.Attr.URI
	if doc.FoldEqual(uri, e.rt.Core.ID) {
		uri = ""
	}
	if op.Op == OpRemove {
		if uri == "" {
			return scim.Errorf(400, scim.NoTarget, "remove needs the path of an attribute (RFC 7644 §3.5.2.2)")
		}
		return e.removeExtension(uri)
	}
	if uri != "" {
		return e.assignExtension(op.Op, uri, op.Value)
	}
	return e.assignAll(op.Op, op.Value)
}

// assignAll assigns the attributes of the core schema and of the extensions in an object.
func (e *engine) assignAll(op Op, v doc.Value) error {
	if v.Kind() != doc.Object {
		return scim.Errorf(400, scim.InvalidValue, "without a path the value must be an object of attributes (RFC 7644 §3.5.2)")
	}
	for key, val := range v.Fields() {
		name := key.Text()
		var err error
		switch {
		case doc.FoldEqual(name, "schemas"), doc.FoldEqual(name, "meta"): // not the client's to set (RFC 7643 §3.1)
		case doc.FoldEqual(name, "id"):
			err = e.checkID(val)
		case doc.FoldEqual(name, e.rt.Core.ID):
			err = e.assignAll(op, val)
		case schema.IsURI(name):
			err = e.assignExtension(op, name, val)
		default:
			err = e.assignNamed(op, "", name, val)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// assignExtension assigns the attributes of one extension.
func (e *engine) assignExtension(op Op, uri string, v doc.Value) error {
	s := e.rt.Schema(uri)
	switch {
	case s != nil:
		uri = s.ID
	case !schema.IsURN(uri):
		return scim.Errorf(400, scim.InvalidPath, "a key is neither an attribute name nor the URI of a schema (RFC 7643 §2.1)")
	default:
		if known, rest := e.rt.Prefix(uri); known != nil && rest != "" {
			return scim.Errorf(400, scim.InvalidPath, "an attribute of %s belongs into an object of that name, or into the path (RFC 7644 §3.10)", known.ID)
		}
	}
	switch {
	case v.Kind() == doc.Object:
	case v.Kind() == doc.Null && op == OpAdd:
		return nil
	case v.Kind() == doc.Null:
		return e.removeExtension(uri)
	case s != nil:
		return scim.Errorf(400, scim.InvalidValue, "%s must be an object of attributes (RFC 7643 §3.3)", uri)
	default: // nobody declared it, so that it can be anything
		e.res.Set(uri, doc.Tree(v))
		return nil
	}
	for key, val := range v.Fields() {
		if err := e.assignNamed(op, uri, key.Text(), val); err != nil {
			return err
		}
	}
	return nil
}

// assignNamed assigns one attribute that came as a key of an object.
func (e *engine) assignNamed(op Op, uri, name string, v doc.Value) error {
	if !schema.IsName(name) {
		return scim.Errorf(400, scim.InvalidPath, "a key is not an attribute name (RFC 7643 §2.1): a path tells which attribute is meant")
	}
	if a := e.rt.Attribute(uri, name, ""); a != nil && a.Mutability == schema.ReadOnly {
		// What a client sends back unchanged does not change anything (RFC 7643 §2.2).
		if e.put || value.Equal(e.rt.Value(e.res, uri, name), doc.Tree(v)) {
			return nil
		}
	}
	t, err := resolve(filter.Path{Attr: filter.Attr{URI: uri, Name: name}}, e.rt)
	if err != nil {
		return err
	}
	return e.assign(op, t, v)
}

// checkID accepts the resource's own id, which Okta sends along (O5), and no other.
func (e *engine) checkID(v doc.Value) error {
	own := e.res.Get("id")
	if e.put || own == nil || v.Kind() == doc.String && v.Text() == own.Text() {
		return nil
	}
	return scim.Errorf(400, scim.Mutability, "id is read-only and the value is that of another resource")
}

func (e *engine) removeExtension(uri string) error {
	for _, l := range slices.Clone(e.order) {
		if doc.FoldEqual(l.at.URI, uri) {
			e.close(l)
		}
	}
	e.res.Delete(uri)
	return nil
}

// syncSchemas makes schemas follow the extensions that came or went (RFC 7643 §3). Everything else in it is the
// upstream's and stays.
func syncSchemas(before, after *doc.Node, rt *schema.ResourceType) {
	var came []string
	went, have := map[string]bool{}, map[string]bool{} // folded
	for name := range names(before, after) {
		if !schema.IsURI(name) || doc.FoldEqual(name, rt.Core.ID) {
			continue
		}
		uri := name
		if s := rt.Schema(name); s != nil {
			uri = s.ID
		}
		switch was, is := before.Get(name) != nil, after.Get(name) != nil; {
		case is && !was:
			came = append(came, uri)
		case was && !is:
			went[doc.Fold(uri)] = true
		}
	}
	if len(came)+len(went) == 0 {
		return
	}
	var list []*doc.Node
	for _, item := range after.Get("schemas").Items() {
		if uri := doc.Fold(item.Text()); !went[uri] {
			list = append(list, item)
			have[uri] = true
		}
	}
	if len(list) == 0 {
		list = append(list, doc.NewString(rt.Core.ID))
		have[doc.Fold(rt.Core.ID)] = true
	}
	for _, uri := range came {
		if folded := doc.Fold(uri); !have[folded] {
			list = append(list, doc.NewString(uri))
			have[folded] = true
		}
	}
	after.Set("schemas", doc.NewArray(list...))
}
