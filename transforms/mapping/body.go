package mapping

import (
	"strconv"
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
)

// edit is one change of a document.
type edit struct {
	action action
	place  place
	value  value
	cond   []*attribute
}

type action uint8

const (
	actionSet action = iota
	actionAppend
	actionRemove
)

// place is where in a document something is put: names, and indexes of arrays. No place at all is the whole document.
type place []string

const maxIndex = 99

// placeOf reads a place: names with dots between them, \. for a dot in a name, @this for the whole document.
func placeOf(text string) place {
	if text == "@this" {
		return nil
	}
	var out place
	var name strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text):
			i++
			name.WriteByte(text[i])
		case text[i] == '.':
			out = append(out, name.String())
			name.Reset()
		default:
			name.WriteByte(text[i])
		}
	}
	return append(out, name.String())
}

func parsePlace(text string) (place, error) {
	p := placeOf(text)
	for _, name := range p {
		if name == "" {
			return nil, fault("bad path %q: a name is empty", text)
		}
		if strings.HasPrefix(name, "@") || strings.ContainsAny(name, "#*?|") {
			return nil, fault("bad path %q: what is set has one place, written as names with dots between them", text)
		}
		if i, err := strconv.Atoi(name); err == nil && i > maxIndex {
			return nil, fault("bad path %q: the index is more than %d", text, maxIndex)
		}
	}
	return p, nil
}

// build applies edits. With omit, what is missing is left out instead of set to null.
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
		switch e.action {
		case actionSet:
			if v == nil && omit {
				continue
			}
			if v == nil {
				v = doc.NewNull()
			}
			root, err = e.set(root, v)
		case actionAppend, actionRemove:
			if v == nil {
				continue
			}
			root, err = e.list(root, v)
		}
		if err != nil {
			return nil, err
		}
	}
	return root, nil
}

// set puts a value in its place. Objects and arrays on the way there are made where there are none.
func (e edit) set(root, v *doc.Node) (*doc.Node, error) { return put(root, e.place, v) }

func put(n *doc.Node, at place, v *doc.Node) (*doc.Node, error) {
	if len(at) == 0 {
		return v, nil
	}
	i, err := strconv.Atoi(at[0])
	index := err == nil && i >= 0 && i <= maxIndex
	switch n.Kind() {
	case doc.Invalid, doc.Null:
		if n = doc.NewObject(); index {
			n = doc.NewArray()
		}
	case doc.Array:
		if !index {
			return nil, malformed("a document has an array where %q is to be set", at[0])
		}
	case doc.Object:
		index = false
	default:
		return nil, malformed("a document has a %s where %q is to be set", n.Kind(), at[0])
	}
	if !index {
		child, err := put(n.Get(at[0]), at[1:], v)
		if err != nil {
			return nil, err
		}
		n.Set(at[0], child)
		return n, nil
	}
	items := n.Items()
	for len(items) <= i {
		items = append(items, doc.NewNull())
	}
	child, err := put(items[i], at[1:], v)
	if err != nil {
		return nil, err
	}
	items[i] = child
	n.SetItems(items)
	return n, nil
}

// list adds values to an array, or takes them out of it. Values are compared as texts, so that 7 and "7" are one.
func (e edit) list(root, v *doc.Node) (*doc.Node, error) {
	at := root
	for _, name := range e.place {
		if i, err := strconv.Atoi(name); err == nil && at.Kind() == doc.Array {
			if i < 0 || i >= len(at.Items()) {
				at = nil
				break
			}
			at = at.Items()[i]
			continue
		}
		at = at.Get(name)
	}
	switch at.Kind() {
	case doc.Array, doc.Invalid, doc.Null:
	default:
		return nil, malformed("a document has a %s where a list is to be changed", at.Kind())
	}
	values := []*doc.Node{v}
	if v.Kind() == doc.Array {
		values = v.Items()
	}
	var items []*doc.Node
	for _, item := range at.Items() {
		if e.action == actionAppend || !among(item, values) {
			items = append(items, item)
		}
	}
	if e.action == actionAppend {
		for _, one := range values {
			if !among(one, items) {
				items = append(items, one)
			}
		}
	}
	return put(root, e.place, doc.NewArray(items...))
}

func among(n *doc.Node, list []*doc.Node) bool {
	for _, other := range list {
		if other.Text() == n.Text() {
			return true
		}
	}
	return false
}
