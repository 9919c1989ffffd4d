package mapping

import (
	"slices"

	"github.com/caddy-scim/gateway/transforms/doc"
)

// condition compares a value of an item with literals.
type condition struct {
	path path
	is   []string // nil: not decides
	not  []string
}

func (c *condition) holds(item doc.Value) bool {
	found := c.path.find(item)
	if c.is != nil && !equalsAny(found, c.is...) {
		return false
	}
	return !equalsAny(found, c.not...)
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

// literal is a value as conditions compare it.
func literal(v doc.Value) string {
	if v.Kind() == doc.Invalid {
		return "null"
	}
	return v.Text()
}

// where selects elements of a list.
type where struct {
	path  path
	value template
}

func (w *where) holds(env *Env, item doc.Value) (bool, error) {
	want, err := w.value.text(env)
	return err == nil && equalsAny(w.path.find(item), want), err
}

func holdAll(conditions []where, env *Env, item doc.Value) (bool, error) {
	for i := range conditions {
		if ok, err := conditions[i].holds(env, item); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

// save keeps a part of an answer.
type save struct {
	name  string
	path  path
	where []where
	take  path
}

// pick is the first element for which the conditions hold; invalid where there is none. Lists inside lists are searched
// too, for an API may answer an object of lists, of which @values makes such.
func (s *save) pick(env *Env, v doc.Value) (doc.Value, error) {
	if v.Kind() != doc.Array {
		if ok, err := holdAll(s.where, env, v); !ok || err != nil {
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
