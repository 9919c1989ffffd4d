package mapping

import (
	"slices"

	"github.com/caddy-scim/gateway/transforms/doc"
)

// edit is one change of a document.
type edit struct {
	where    string // in the definition
	action   action
	place    doc.Place
	template template
	cond     []*attribute
}

type action uint8

const (
	actionSet action = iota
	actionAppend
	actionRemove
)

func parsePlace(text string) (doc.Place, error) {
	p, err := doc.ParsePlace(text)
	if err != nil {
		return p, fault("bad path %q: %v", text, err)
	}
	return p, nil
}

// build applies edits to a document. With omit, what is missing is left out instead of set to null.
func build(root doc.Value, edits []edit, env *Env, omit bool) (doc.Value, error) {
	for i := range edits {
		e := &edits[i]
		if !env.anyChanged(e.cond) {
			continue
		}
		n, err := e.template.eval(env, omit)
		if err != nil {
			return doc.Value{}, err
		}
		v := n.Value()
		switch {
		case n == nil && (omit || e.action != actionSet):
			continue
		case n == nil:
			v = doc.NewNull().Value()
		case e.action != actionSet:
			v, err = e.list(root.At(e.place), n)
		}
		if err == nil {
			root, err = root.With(e.place, v)
		}
		if err != nil {
			return doc.Value{}, unmade(e.where, "%v", err)
		}
	}
	return root, nil
}

// list returns an array with values added to it, or taken out of it. Values are compared as texts, so that 7 and "7" are one.
func (e *edit) list(list doc.Value, v *doc.Node) (doc.Value, error) {
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
		return doc.Value{}, fault("%s is no array", e.place)
	}
	for _, one := range values {
		same := func(item *doc.Node) bool { return item.Text() == one.Text() }
		switch {
		case e.action == actionRemove:
			items = slices.DeleteFunc(items, same)
		case !slices.ContainsFunc(items, same):
			items = append(items, one)
		}
	}
	return doc.NewArray(items...).Value(), nil
}
