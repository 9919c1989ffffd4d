package patch

import (
	"slices"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
	"github.com/caddy-scim/gateway/transforms/value"
)

// Create returns the resource that the body of a POST asks for (RFC 7644 §3.3): checked against the schema, without what a
// client cannot set and without null. It has no id and no meta. Any error is a [*scim.Error].
func Create(body doc.Doc, rt *schema.ResourceType) (*doc.Node, error) {
	e, err := assume(doc.NewObject(), body, rt)
	if err != nil {
		return nil, err
	}
	return e.res, nil
}

// Replace gives a resource the attributes in the body of a PUT (RFC 7644 §3.5.1), all or nothing: on an error res stays
// as it is. What the body does not have or has as null loses its value, except what is read-only, immutable or
// write-only, and except active: an account is disabled by a word, never by an omission. It returns the paths of what
// differs afterwards, as [Apply] does. Any error is a [*scim.Error].
func Replace(res *doc.Node, body doc.Doc, rt *schema.ResourceType) (changed []string, err error) {
	e, err := assume(keep(res, rt), body, rt)
	if err != nil {
		return nil, err
	}
	restoreDerived(res, e.res, rt)
	return e.finish(res)
}

// assume assigns a whole resource to what is kept of the one before.
func assume(kept *doc.Node, body doc.Doc, rt *schema.ResourceType) (*engine, error) {
	root := body.Value()
	if root.Kind() != doc.Object {
		return nil, scim.Errorf(400, scim.InvalidSyntax, "the body must be an object, not %s", article(root.Kind()))
	}
	if err := checkPrimary(doc.Tree(root), rt); err != nil {
		return nil, err
	}
	e := newEngine(kept, rt)
	e.put = true
	if err := e.assignAll(OpReplace, root); err != nil {
		return nil, err
	}
	e.settle(slices.Clone(e.order)...)
	for _, a := range rt.Core.Attributes {
		if a.Required && value.Absent(e.res.Get(a.Name)) {
			return nil, scim.Errorf(400, scim.InvalidValue, "%s is required", a.Name)
		}
	}
	scim.SetSchemas(e.res, rt)
	return e, nil
}

// keep returns what a replacement leaves of a resource before it assigns anything.
func keep(res *doc.Node, rt *schema.ResourceType) *doc.Node {
	out := doc.NewObject()
	for _, f := range res.Fields() {
		switch {
		case !schema.IsURI(f.Name):
			if stays(rt.Attribute("", f.Name, "")) || doc.FoldEqual(f.Name, "active") || doc.FoldEqual(f.Name, "schemas") {
				out.Set(f.Name, f.Value.Clone())
			}
		case rt.Schema(f.Name) != nil && rt.Schema(f.Name) != rt.Core:
			ext := doc.NewObject()
			for _, g := range f.Value.Fields() {
				if stays(rt.Attribute(f.Name, g.Name, "")) {
					ext.Set(g.Name, g.Value.Clone())
				}
			}
			if len(ext.Fields()) > 0 {
				out.Set(f.Name, ext)
			}
		}
	}
	return out
}

func stays(a *schema.Attribute) bool { return a != nil && a.Mutability != schema.ReadWrite }

// restoreDerived puts back the read-only parts of complex attributes whose value stayed the same: a client does not send
// the name of a manager, and it did not change.
func restoreDerived(before, after *doc.Node, rt *schema.ResourceType) {
	for uri, a := range rt.Attributes() {
		was, is := rt.Value(before, uri, a.Name), rt.Value(after, uri, a.Name)
		if a.MultiValued || is.Kind() != doc.Object || !value.Equal(was.Get("value"), is.Get("value")) {
			continue
		}
		for _, sub := range a.Sub {
			if v := was.Get(sub.Name); sub.Mutability == schema.ReadOnly && v != nil {
				is.Set(sub.Name, v.Clone())
			}
		}
	}
}
