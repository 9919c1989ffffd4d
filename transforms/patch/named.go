package patch

import (
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
	"github.com/caddy-scim/gateway/transforms/value"
)

// member returns the value of the one element that the path names, of an attribute whose elements their value alone identifies:
// members[value eq "x"]. It is empty where the path names none.
func (t *target) member() string {
	if t.Filter == nil || t.Sub != "" || !identified(t.Def) {
		return ""
	}
	if id := value.Element(t.Filter, t.Def).Get("value"); id.Kind() == doc.String {
		return id.Text()
	}
	return ""
}

// namesMember reports whether the path alone says what an add adds, so that it needs no value.
func (o *Operation) namesMember(rt *schema.ResourceType) bool {
	if o.Op != OpAdd || o.Path.Filter == nil {
		return false
	}
	t, err := resolve(o.Path, rt)
	return err == nil && t.member() != ""
}

// named returns the element that the path of an add names, and more, what the value says of it besides. A value that is about
// another element than the path is refused: nobody can tell which of the two was meant.
func (t *target) named(v doc.Value) (element, more *doc.Node, err error) {
	element, more = value.Element(t.Filter, t.Def), doc.NewObject()
	if v.Kind() != doc.Array {
		if err := t.describe(element, more, v); err != nil {
			return nil, nil, err
		}
	}
	for item := range v.Items() {
		if item.Kind() != doc.Object {
			return nil, nil, scim.Errorf(400, scim.InvalidValue, "%s must be an object of sub-attributes", t)
		}
		if err := t.describe(element, more, item); err != nil {
			return nil, nil, err
		}
	}
	for _, f := range more.Fields() {
		element.Set(f.Name, f.Value.Clone())
	}
	return element, more, checkElement(t.Def, t.Attr.String(), element.Doc().Value())
}

// describe collects what a value says of an element whose filter has said the rest.
func (t *target) describe(element, more *doc.Node, v doc.Value) error {
	contradicts := scim.Errorf(400, scim.InvalidValue, "the value is about another element of %s than the path", t.Attr)
	switch v.Kind() {
	case doc.Invalid, doc.Null: // no value (RFC 7643 §2.5), and none is needed
		return nil
	case doc.String:
		if v.Text() != element.Get("value").Text() {
			return contradicts
		}
		return nil
	case doc.Object:
	default:
		return scim.Errorf(400, scim.InvalidValue, "%s must be an object of sub-attributes", t)
	}
	for _, f := range assigned(t.Def, v).Fields() {
		switch said := element.Get(f.Name); {
		case said == nil:
			more.Set(f.Name, f.Value)
		case !value.Equal(said, f.Value):
			return contradicts
		}
	}
	return nil
}

// addNamed adds the element that the path names (RFC 7644 §3.5.2.1), and to the one that is there, what is said of it.
func (e *engine) addNamed(t *target, v doc.Value) error {
	element, more, err := t.named(v)
	if err != nil {
		return err
	}
	l := e.list(OpAdd, t)
	found, err := l.match(t.Filter)
	switch {
	case err != nil:
		return err
	case len(found) > 0 && more.Len() == 0:
		return nil
	case len(found) > 0:
		return l.extend(t, found, more.Doc().Value())
	}
	primary := -1
	if err := l.add(t, element.Doc().Value(), &primary); err != nil {
		return err
	}
	return l.onePrimary(primary)
}
