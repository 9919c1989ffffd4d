package plan

import (
	"errors"
	"fmt"
	"slices"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping/template"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// Edit is one change of a document.
type Edit struct {
	Where    string // in the definition
	Action   Action
	Place    doc.Place
	Template template.Template
	If       []*template.Attribute // the change is made if one of these has changed
}

// Action is what an edit does.
type Action uint8

// The actions.
const (
	Set Action = iota
	Append
	Remove
)

// build applies edits to a document. With omit, what is missing is left out instead of set to null.
func build(root doc.Value, edits []Edit, env *template.Env, omit bool) (doc.Value, error) {
	for i := range edits {
		e := &edits[i]
		next, err := e.Apply(root, env, omit)
		if _, value := errors.AsType[*scim.Error](err); err != nil && !value {
			err = unmade(e.Where, "%v", err)
		}
		if err != nil {
			return doc.Value{}, err
		}
		root = next
	}
	return root, nil
}

// Apply returns a document with the change made. The error is a [*scim.Error] where the value cannot be made, and any other where
// the document has no place for it.
func (e *Edit) Apply(root doc.Value, env *template.Env, omit bool) (doc.Value, error) {
	if !env.AnyChanged(e.If) {
		return root, nil
	}
	n, err := e.Template.Eval(env, omit)
	if err != nil {
		return doc.Value{}, err
	}
	v := n.Value()
	switch {
	case n == nil && (omit || e.Action != Set):
		return root, nil
	case n == nil:
		v = doc.NewNull().Value()
	case e.Action != Set:
		if v, err = e.list(root.At(e.Place), n); err != nil {
			return doc.Value{}, err
		}
	}
	return root.With(e.Place, v)
}

// list returns an array with values added to it, or taken out of it. Values are compared as texts, so that 7 and "7" are one.
func (e *Edit) list(list doc.Value, v *doc.Node) (doc.Value, error) {
	values := []*doc.Node{v}
	if v.Kind() == doc.Array {
		values = v.Items()
	}
	var items []*doc.Node
	switch list.Kind() {
	case doc.Array:
		items = slices.Clone(doc.Tree(list).Items())
	case doc.Invalid, doc.Null:
	default:
		return doc.Value{}, fmt.Errorf("%s is no array", e.Place)
	}
	for _, one := range values {
		same := func(item *doc.Node) bool { return item.Text() == one.Text() }
		switch {
		case e.Action == Remove:
			items = slices.DeleteFunc(items, same)
		case !slices.ContainsFunc(items, same):
			items = append(items, one)
		}
	}
	return doc.NewArray(items...).Value(), nil
}
