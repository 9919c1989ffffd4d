package mapping

import (
	"fmt"

	"github.com/caddy-scim/gateway/transforms/doc"
)

// edits compiles the changes of a document.
func (c *compiler) edits(call *Call, s *scope, field string, defs []EditDef) []edit {
	sound := len(*c.errs)
	var out []edit
	for i, def := range defs {
		out = append(out, c.at(index(field, i)).edit(call, s, def))
	}
	if len(*c.errs) == sound {
		c.agree(call, out)
	}
	return out
}

func (c *compiler) edit(call *Call, s *scope, def EditDef) edit {
	e := edit{where: c.where}
	if def.Path == "" {
		c.fail("there is no path")
		return e
	}
	switch def.Action {
	case "", "set":
	case "append":
		e.action = actionAppend
	case "remove":
		e.action = actionRemove
	default:
		c.fail("unknown action %q: set, append or remove", def.Action)
	}
	var err error
	e.place, err = parsePlace(def.Path)
	c.check(err)
	e.template, err = s.parseValue(def.Value)
	c.check(err)
	if len(def.If) > 0 && !call.verb.changing() {
		c.fail("there are changed attributes only in create and update")
	}
	e.cond = c.attributes("if", def.If, s.rt)
	return e
}

// agree finds a line of a body that certainly contradicts an earlier one: it takes away what that one puts, or has no place
// beside it. A line that is not carried out always, or whose value is known only then, is not certain; what comes of it is
// for [doc.Value.With] to refuse.
func (c *compiler) agree(call *Call, edits []edit) {
	for i := range edits {
		for j := range i {
			if err := call.contradicts(&edits[j], &edits[i]); err != nil {
				at := *c
				at.where = edits[i].where
				at.check(err)
				return
			}
		}
	}
}

func (c *Call) contradicts(first, then *edit) error {
	if !c.certain(first) || !c.certain(then) {
		return nil
	}
	switch {
	case then.action == actionSet && first.place.String() == then.place.String():
		return fmt.Errorf("%q is set here and by an earlier line of this call", then.place)
	case then.action == actionSet && then.place.Holds(first.place):
		return fmt.Errorf("%q takes away %q, where an earlier line of this call puts something", then.place, first.place)
	case first.action != actionSet || !first.place.Holds(then.place):
		return nil
	}
	name, index := first.place.Step(then.place)
	switch kind := first.template.known(); {
	case kind == doc.Invalid || kind == doc.Null: // not known, or gives way
	case name == "" && kind != doc.Array:
		return fmt.Errorf("what this call has put at %q is no array", then.place)
	case name != "" && kind != doc.Object && kind != doc.Array:
		return fmt.Errorf("there is no place for %q: an earlier line of this call puts a single value at %q", then.place, first.place)
	case name != "" && kind == doc.Array && !index:
		return fmt.Errorf("there is no place for %q: an earlier line of this call puts an array at %q", then.place, first.place)
	}
	return nil
}

// certain reports whether a line is always carried out. In a create, what has no value is left out.
func (c *Call) certain(e *edit) bool {
	return len(e.cond) == 0 && (c.verb != verbCreate || e.template.kind != exprValue)
}
