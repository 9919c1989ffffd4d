package patch

import (
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
	"github.com/caddy-scim/gateway/transforms/value"
)

// assignList works on a multi-valued attribute.
func (e *engine) assignList(op Op, t *target, v doc.Value) error {
	l := e.list(op, t)
	switch {
	case t.Filter != nil:
		return e.assignSelected(op, l, t, v)
	case t.Sub != "":
		return e.assignEach(op, l, t, v)
	case op == OpRemove:
		l.clear()
		return nil
	case op == OpReplace:
		l.clear()
	}
	primary := -1
	if v.Kind() != doc.Array {
		if err := l.add(t, v, &primary); err != nil {
			return err
		}
	}
	for item := range v.Items() {
		if err := l.add(t, item, &primary); err != nil {
			return err
		}
	}
	return l.onePrimary(primary)
}

// add appends an element, or adds to the one that it is (RFC 7644 §3.5.2.1: what exists already is not added again).
func (l *list) add(t *target, v doc.Value, primary *int) error {
	if v.Kind() == doc.Null {
		return scim.Errorf(400, scim.InvalidValue, "an element of %s is null", t)
	}
	n := assigned(l.attr, v)
	i, err := l.find(n)
	switch {
	case err != nil:
		return err
	case i < 0:
		i = l.append(n)
	case l.attr != nil && identified(l.attr), value.Equal(l.items[i], n):
		return nil
	default:
		if err := merge(l.attr, t.String(), l.items[i], v); err != nil {
			return err
		}
	}
	if n.Get("primary").True() {
		*primary = i
	}
	return nil
}

// assignEach works on one sub-attribute of every element. Where there is no element yet, the sub-attribute does not exist
// and setting it makes one (RFC 7644 §3.5.2.3).
func (e *engine) assignEach(op Op, l *openList, t *target, v doc.Value) error {
	var all []int
	for i, item := range l.items {
		if item != nil {
			all = append(all, i)
		}
	}
	if err := l.spend(len(all)); err != nil {
		return err
	}
	if len(all) == 0 && op != OpRemove {
		return e.make(l, t, doc.NewObject(), v)
	}
	return e.assignSub(op, l, t, all, v)
}

// assignSelected works on the elements that a value filter selects (RFC 7644 §3.5.2: valuePath).
func (e *engine) assignSelected(op Op, l *openList, t *target, v doc.Value) error {
	found, err := l.match(t.Filter)
	if err != nil {
		return err
	}
	switch {
	case len(found) == 0 && op == OpRemove:
		return nil
	case len(found) == 0:
		n := Described(t.Filter, l.attr)
		if n == nil {
			return scim.Errorf(400, scim.NoTarget, "no element of %s matches, and the filter does not say what to make (RFC 7644 §3.5.2.3)", t.Attr)
		}
		return e.make(l, t, n, v)
	case t.Sub != "":
		return e.assignSub(op, l, t, found, v)
	}
	switch op {
	case OpRemove:
		for _, i := range found {
			l.remove(i)
		}
		return nil
	case OpAdd:
		return l.extend(t, found, v)
	}
	return l.exchange(t, found, v)
}

// extend sets sub-attributes of the given elements.
func (l *list) extend(t *target, at []int, v doc.Value) error {
	for _, i := range at {
		if v.Kind() != doc.Object || l.items[i].Kind() != doc.Object {
			return scim.Errorf(400, scim.InvalidValue, "%s must be an object of sub-attributes", t)
		}
		if err := merge(l.attr, t.String(), l.items[i], v); err != nil {
			return err
		}
	}
	l.forget()
	if primary, _ := v.Lookup("primary"); primary.True() {
		return l.onePrimary(at[len(at)-1])
	}
	return nil
}

// exchange puts a new element in the place of the given ones. All of them become the same one, and no element is in a
// list twice (RFC 7643 §2.4), so that it takes one place.
func (l *list) exchange(t *target, at []int, v doc.Value) error {
	n := assigned(l.attr, v)
	if n.Kind() == doc.Object {
		carryOver(t.Filter, l.attr, n)
		if l.attr != nil {
			if err := checkElement(l.attr, t.Attr.String(), n.Doc().Value()); err != nil {
				return err
			}
		}
	}
	l.items[at[0]] = n
	for _, i := range at[1:] {
		l.remove(i)
	}
	l.forget()
	if n.Get("primary").True() {
		return l.onePrimary(at[0])
	}
	return nil
}

// assignSub works on a sub-attribute of the given elements. An element that has nothing left is removed.
func (e *engine) assignSub(op Op, l *openList, t *target, at []int, v doc.Value) error {
	for _, i := range at {
		item := l.items[i]
		if item.Kind() != doc.Object {
			if op == OpRemove {
				continue
			}
			return scim.Errorf(400, scim.InvalidPath, "the elements of %s have no sub-attributes", t.Attr)
		}
		if op == OpRemove {
			if err := removable(t, item); err != nil {
				return err
			}
			if item.Delete(t.Sub); item.Len() == 0 {
				l.remove(i)
			}
		} else if err := setSub(t.SubDef, t.Attr.String(), t.Sub, item, v); err != nil {
			return err
		}
	}
	l.forget()
	if op != OpRemove && doc.FoldEqual(t.Sub, "primary") && v.True() {
		return l.onePrimary(at[len(at)-1])
	}
	return nil
}

// make appends the element n, which a filter described, with the value that the operation brings for it.
func (e *engine) make(l *openList, t *target, n *doc.Node, v doc.Value) error {
	want := n.Clone()
	switch {
	case t.Sub != "":
		n.Set(t.Sub, doc.Tree(v))
	case v.Kind() != doc.Object:
		return scim.Errorf(400, scim.InvalidValue, "%s must be an object of sub-attributes", t)
	default:
		if err := merge(l.attr, t.String(), n, v); err != nil {
			return err
		}
	}
	for _, f := range want.Fields() {
		if !n.Get(f.Name).Equal(f.Value) {
			return scim.Errorf(400, scim.NoTarget, "no element of %s matches, and the value contradicts the filter", t.Attr)
		}
	}
	if l.attr != nil {
		if l.attr.Type != schema.Complex {
			return scim.Errorf(400, scim.NoTarget, "no element of %s matches", t.Attr)
		}
		if err := checkElement(l.attr, t.Attr.String(), n.Doc().Value()); err != nil {
			return err
		}
	}
	i := l.append(n)
	if n.Get("primary").True() {
		return l.onePrimary(i)
	}
	return nil
}

// onePrimary makes the element at the index the only primary one (RFC 7644 §3.5.2); a negative index changes nothing.
func (l *list) onePrimary(index int) error {
	if index < 0 {
		return nil
	}
	if l.attr != nil && l.attr.SubAttribute("primary") == nil {
		return nil // the schema gives the word no meaning here
	}
	if err := l.spend(len(l.items)); err != nil {
		return err
	}
	for i, item := range l.items {
		if i != index && item.Get("primary").True() {
			item.Set("primary", doc.NewBool(false))
			l.byKey = nil
		}
	}
	return nil
}
