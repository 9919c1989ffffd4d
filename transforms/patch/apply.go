package patch

import (
	"slices"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
	"github.com/caddy-scim/gateway/transforms/value"
)

// Apply carries out operations on a resource, in order, all or none (RFC 7644 §3.5.2): on an error res stays as it is.
// It returns the paths of the attributes that differ afterwards, as [Diff] does; none where the operations came to
// nothing, and res is left alone then too. Any error is a [*scim.Error].
//
// Beyond the letter of the RFC, add and replace with a value filter that matches nothing make the element, where the
// filter says what it is (Q38): Entra counts on it. Other filters are noTarget, as the RFC has it. And a blank externalId
// is none.
func Apply(res *doc.Node, ops []Operation, rt *schema.ResourceType) (changed []string, err error) {
	e := newEngine(res.Clone(), rt)
	for i := range ops {
		if err := e.apply(&ops[i]); err != nil {
			return nil, numbered(i, err)
		}
	}
	return e.finish(res)
}

// engine is a resource while operations work on it.
type engine struct {
	rt     *schema.ResourceType
	res    *doc.Node
	lists  map[string]*openList
	order  []*openList
	budget int
	put    bool // a whole resource is being assigned: read-only attributes are ignored (RFC 7644 §3.3, §3.5.1)
}

// openList is a multi-valued attribute that operations work on, with its place in the resource.
type openList struct {
	*list
	at filter.Attr
}

func newEngine(res *doc.Node, rt *schema.ResourceType) *engine {
	return &engine{rt: rt, res: res, lists: map[string]*openList{}, budget: maxVisits}
}

// finish puts the work into res, unless it came to nothing or would leave something that cannot be.
func (e *engine) finish(res *doc.Node) ([]string, error) {
	all := e.order
	e.order, e.lists = nil, map[string]*openList{}
	e.settle(all...)
	changed := Diff(res, e.res, e.rt)
	if len(changed) == 0 {
		return nil, nil
	}
	if err := e.checkKept(res); err != nil {
		return nil, err
	}
	syncSchemas(res, e.res, e.rt)
	*res = *e.res
	return changed, nil
}

// settle writes open lists back. A list without elements is no attribute, and an extension without attributes no
// extension (RFC 7643 §2.5); only an undeclared one that was empty before stays, to tell that it is a list.
func (e *engine) settle(lists ...*openList) {
	for _, l := range lists {
		switch rest := l.rest(); {
		case len(rest) > 0:
			value.Holder(e.res, l.at.URI).Set(l.at.Name, doc.NewArray(rest...))
		case l.attr != nil || !value.Absent(e.rt.Value(e.res, l.at.URI, l.at.Name)):
			value.Delete(e.res, l.at.URI, l.at.Name)
		}
		e.close(l)
	}
}

// close forgets an open list.
func (e *engine) close(l *openList) {
	delete(e.lists, key(l.at))
	e.order = slices.DeleteFunc(e.order, func(o *openList) bool { return o == l })
}

// checkKept refuses a result in which a required attribute has lost its value, or an immutable one has another
// (RFC 7644 §3.5.2: mutability).
func (e *engine) checkKept(before *doc.Node) error {
	for uri, a := range e.rt.Attributes() {
		was, is := e.rt.Value(before, uri, a.Name), e.rt.Value(e.res, uri, a.Name)
		switch {
		case value.Absent(was):
		case a.Required && value.Absent(is):
			return required(a.Name)
		case a.Mutability == schema.Immutable && !value.Equal(was, is):
			return scim.Errorf(400, scim.Mutability, "%s is immutable and has a value already", a.Name)
		}
	}
	return nil
}

// key returns what open lists are found by.
func key(at filter.Attr) string { return doc.Fold(at.String()) }

// list opens a multi-valued attribute. One that is about to get its first value takes its place among the others now.
func (e *engine) list(op Op, t *target) *openList {
	key := key(t.Attr)
	l := e.lists[key]
	if l == nil {
		if t.Def != nil && op != OpRemove && e.rt.Value(e.res, t.Attr.URI, t.Attr.Name) == nil {
			value.Holder(e.res, t.Attr.URI).Set(t.Attr.Name, doc.NewArray())
		}
		l = &openList{newList(e.rt.Value(e.res, t.Attr.URI, t.Attr.Name), t.Def, &e.budget), t.Attr}
		e.lists[key], e.order = l, append(e.order, l)
	}
	return l
}

// apply carries out one operation.
func (e *engine) apply(op *Operation) error {
	if op.Path.Attr.Name == "" {
		return e.applyWhole(op)
	}
	t, err := resolve(op.Path, e.rt)
	if err != nil {
		return err
	}
	return e.assign(op.Op, t, op.Value)
}

func required(name string) error {
	return scim.Errorf(400, scim.Mutability, "%s is required and cannot be removed", name)
}

// assign carries out one operation on one attribute.
func (e *engine) assign(op Op, t *target, v doc.Value) error {
	if t.Attr.URI == "" && doc.FoldEqual(t.Attr.Name, "schemas") {
		// schemas follows from what the resource consists of (RFC 7643 §3), so that there is nothing to set.
		if op == OpRemove || v.Kind() == doc.Null {
			return required("schemas")
		}
		return check(t.Def, "schemas", v)
	}
	if op == OpAdd && t.member() != "" {
		return e.addNamed(t, v)
	}
	if op != OpRemove {
		if err := checkValue(t, v); err != nil {
			return err
		}
		if t.blank(v) {
			return e.assignOne(OpRemove, t, doc.Value{})
		}
		if v.Kind() == doc.Null { // no value (RFC 7643 §2.5): nothing to add, and replacing with it removes (Q45)
			if err := checkNull(t); err != nil || op == OpAdd {
				return err
			}
			op = OpRemove
		}
	}
	if !e.several(op, t, v) {
		return e.assignOne(op, t, v)
	}
	if err := e.assignList(op, t, v); err != nil {
		return err
	}
	if t.Def == nil { // what it holds now decides what it is for the next operation
		e.settle(e.list(op, t))
	}
	return nil
}

// checkValue checks the type of a value. With a value filter and no sub-attribute it is one element.
func checkValue(t *target, v doc.Value) error {
	a := t.Innermost()
	if t.Filter == nil || t.Sub != "" || a == nil || v.Kind() == doc.Null {
		return check(a, t.String(), v)
	}
	return checkOne(a, t.String(), v)
}

// several reports whether the attribute is multi-valued: by the schema, or, where the schema does not know it, by what it
// holds or is given.
func (e *engine) several(op Op, t *target, v doc.Value) bool {
	if t.Def != nil {
		return t.Def.MultiValued
	}
	held := e.rt.Value(e.res, t.Attr.URI, t.Attr.Name).Kind() == doc.Array
	switch {
	case t.Filter != nil:
		return true
	case t.Sub != "" || op == OpRemove:
		return held
	case op == OpReplace:
		return v.Kind() == doc.Array
	}
	return v.Kind() == doc.Array || held
}

// assignOne works on a single-valued attribute.
func (e *engine) assignOne(op Op, t *target, v doc.Value) error {
	held := e.rt.Value(e.res, t.Attr.URI, t.Attr.Name)
	switch {
	case op == OpRemove && t.Sub == "":
		if t.Def != nil && t.Def.Required && !value.Absent(held) {
			return required(t.String())
		}
		value.Delete(e.res, t.Attr.URI, t.Attr.Name)
		return nil
	case op == OpRemove:
		if held.Kind() != doc.Object {
			return nil
		}
		if err := removable(t, held); err != nil {
			return err
		}
		about := held.Get("value").Clone()
		held.Delete(t.Sub)
		dropDerived(t.Def, held, about)
		if held.Len() == 0 || isReference(t.Def) && !value.Absent(about) && value.Absent(held.Get("value")) {
			value.Delete(e.res, t.Attr.URI, t.Attr.Name) // a reference to nothing is none, whatever else it says about what it was to (Q41)
		}
		return nil
	case t.Sub == "" && v.Kind() != doc.Object:
		value.Holder(e.res, t.Attr.URI).Set(t.Attr.Name, doc.Tree(v))
		return nil
	}
	into := held
	if into.Kind() != doc.Object {
		into = doc.NewObject()
	}
	about := into.Get("value").Clone()
	var err error
	if t.Sub != "" {
		err = setSub(t.SubDef, t.Attr.String(), t.Sub, into, v)
	} else {
		err = merge(t.Def, t.String(), into, v)
	}
	if err != nil {
		return err
	}
	dropDerived(t.Def, into, about)
	if into.Len() == 0 {
		value.Delete(e.res, t.Attr.URI, t.Attr.Name)
	} else {
		value.Holder(e.res, t.Attr.URI).Set(t.Attr.Name, into)
	}
	return nil
}

// removable returns an error where a sub-attribute cannot lose its value.
func removable(t *target, from *doc.Node) error {
	if t.SubDef != nil && !value.Absent(from.Get(t.Sub)) && (t.SubDef.Required || t.SubDef.Mutability == schema.Immutable) {
		return scim.Errorf(400, scim.Mutability, "%s cannot be removed", t)
	}
	return nil
}

// dropDerived removes the read-only parts of a reference that now refers to something else: the name of the former
// manager is not that of the new one.
func dropDerived(attr *schema.Attribute, n, about *doc.Node) {
	if attr == nil || attr.SubAttribute("value") == nil || value.Equal(about, n.Get("value")) {
		return
	}
	for _, sub := range attr.Sub {
		if sub.Mutability == schema.ReadOnly {
			n.Delete(sub.Name)
		}
	}
}

// isReference reports whether an attribute is about another resource, as the manager is: what it says is about its value.
func isReference(attr *schema.Attribute) bool {
	return attr != nil && attr.SubAttribute("value") != nil && attr.SubAttribute("$ref") != nil
}
