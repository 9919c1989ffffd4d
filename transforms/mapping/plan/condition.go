package plan

import (
	"slices"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping/template"
)

// Condition compares a value of an item with literals.
type Condition struct {
	Path Path
	Is   []string // nil: Not decides
	Not  []string
}

func (c *Condition) holds(item doc.Value) bool {
	found := c.Path.find(item)
	if c.Is != nil && !equalsAny(found, c.Is...) {
		return false
	}
	return !equalsAny(found, c.Not...)
}

// equalsAny reports whether a value, or one element of a list, is one of some literals. Nothing, null and an empty list are
// the literal null.
func equalsAny(v doc.Value, literals ...string) bool {
	if slices.Contains(literals, literal(v)) {
		return true
	}
	empty := v.Kind() == doc.Array
	for item := range v.Items() {
		if empty = false; equalsAny(item, literals...) {
			return true
		}
	}
	return empty && slices.Contains(literals, "null")
}

// literal returns a value as conditions compare it.
func literal(v doc.Value) string {
	if v.Kind() == doc.Invalid {
		return "null"
	}
	return v.Text()
}

// Where selects elements of a list.
type Where struct {
	Path  Path
	Value template.Template
}

func (w *Where) holds(env *template.Env, item doc.Value) (bool, error) {
	want, err := w.Value.Text(env)
	return err == nil && equalsAny(w.Path.find(item), want), err
}

func holdAll(conditions []Where, env *template.Env, item doc.Value) (bool, error) {
	for i := range conditions {
		if ok, err := conditions[i].holds(env, item); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

// Save keeps a part of an answer for later calls.
type Save struct {
	Name  string
	Path  Path
	Where []Where // the first element for which all hold; none for the value itself
	Take  Path    // inside that element
}

// pick returns the first element for which the conditions hold; invalid where there is none. Lists inside lists are searched
// too, for an API may answer an object of lists, of which @values makes such.
func (s *Save) pick(env *template.Env, v doc.Value) (doc.Value, error) {
	if v.Kind() != doc.Array {
		if ok, err := holdAll(s.Where, env, v); !ok || err != nil {
			return doc.Value{}, err
		}
		return v, nil
	}
	for item := range v.Items() {
		if found, err := s.pick(env, item); err != nil || found.Kind() != doc.Invalid {
			return found, err
		}
	}
	return doc.Value{}, nil
}
