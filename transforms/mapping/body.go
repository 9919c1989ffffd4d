package mapping

import (
	"slices"

	"github.com/caddy-scim/gateway/transforms/doc"
)

// edit is one change of a document.
type edit struct {
	where  string // in the definition
	action action
	place  doc.SetPath
	value  template
	cond   []*attribute
}

type action uint8

const (
	actionSet action = iota
	actionAppend
	actionRemove
)

func parsePlace(text string) (doc.SetPath, error) {
	p, err := doc.ParseSetPath(text)
	if err != nil {
		return p, fault("bad path %q: %v", text, err)
	}
	return p, nil
}

// build applies edits to a document. With omit, what is missing is left out instead of set to null.
func build(root *doc.Node, edits []edit, env *Env, omit bool) (*doc.Node, error) {
	for i := range edits {
		e := &edits[i]
		if !env.anyChanged(e.cond) {
			continue
		}
		v, err := e.value.eval(env, omit)
		if err != nil {
			return nil, err
		}
		switch {
		case v == nil && (omit || e.action != actionSet):
		case v == nil:
			err = root.SetPath(e.place, doc.NewNull())
		case e.action == actionSet:
			err = root.SetPath(e.place, v.Clone()) // the tree it comes from stays as it is
		default:
			err = e.list(root, v)
		}
		if err != nil {
			return nil, unmade(e.where, "%v", err)
		}
	}
	return root, nil
}

// list adds values to an array, or takes them out of it. Values are compared as texts, so that 7 and "7" are one.
func (e *edit) list(root, v *doc.Node) error {
	values := []*doc.Node{v}
	if v.Kind() == doc.Array {
		values = v.Items()
	}
	list := root.At(e.place)
	switch list.Kind() {
	case doc.Array:
	case doc.Invalid, doc.Null:
		list = doc.NewArray()
	default:
		return fault("%s is no array but a %s", e.place, list.Kind())
	}
	items := slices.Clone(list.Items())
	for _, one := range values {
		same := func(item *doc.Node) bool { return item.Text() == one.Text() }
		switch {
		case e.action == actionRemove:
			items = slices.DeleteFunc(items, same)
		case !slices.ContainsFunc(items, same):
			items = append(items, one.Clone())
		}
	}
	return root.SetPath(e.place, doc.NewArray(items...))
}
