package mapping

import (
	"fmt"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/mapping/template"
)

// edits compiles the changes of a document.
func (c *compiler) edits(call *plan.Call, s *template.Scope, field string, defs []EditDef) []plan.Edit {
	sound := len(*c.errs)
	var out []plan.Edit
	for i, def := range defs {
		out = append(out, c.at(index(field, i)).edit(call, s, def))
	}
	if len(*c.errs) == sound {
		c.agree(call, out)
	}
	return out
}

func (c *compiler) edit(call *plan.Call, s *template.Scope, def EditDef) plan.Edit {
	e := plan.Edit{Where: c.where}
	if def.Path == "" {
		c.fail("there is no path")
		return e
	}
	switch def.Action {
	case "", "set":
	case "append":
		e.Action = plan.Append
	case "remove":
		e.Action = plan.Remove
	default:
		c.fail("unknown action %q: set, append or remove", def.Action)
	}
	var err error
	e.Place = c.place(def.Path)
	e.Template, err = s.Parse(def.Value)
	c.check(err)
	if len(def.If) > 0 && !call.Verb.Changes() {
		c.fail("there are changed attributes only in create and update")
	}
	e.If = c.attributes("if", def.If, s.Type)
	return e
}

// agree finds a line of a body that certainly contradicts an earlier one: it takes away what that one puts, or has no place
// beside it. A line that is not carried out always, or whose value is known only then, is not certain; what comes of it is
// for [doc.Value.With] to refuse.
func (c *compiler) agree(call *plan.Call, edits []plan.Edit) {
	for i := range edits {
		for j := range i {
			if err := contradicts(call.Verb, &edits[j], &edits[i]); err != nil {
				at := *c
				at.where = edits[i].Where
				at.check(err)
				return
			}
		}
	}
}

// contradicts returns how the second of two lines contradicts the first.
func contradicts(v plan.Verb, first, then *plan.Edit) error {
	if !certain(v, first) || !certain(v, then) {
		return nil
	}
	switch {
	case then.Action == plan.Set && first.Place.String() == then.Place.String():
		return fmt.Errorf("%q is set here and by an earlier line of this call", then.Place)
	case then.Action == plan.Set && then.Place.Holds(first.Place):
		return fmt.Errorf("%q takes away %q, where an earlier line of this call puts something", then.Place, first.Place)
	case first.Action != plan.Set || !first.Place.Holds(then.Place):
		return nil
	}
	name, index := first.Place.Step(then.Place)
	switch kind := first.Template.Known(); {
	case kind == doc.Invalid || kind == doc.Null: // not known, or gives way
	case name == "" && kind != doc.Array:
		return fmt.Errorf("what this call has put at %q is no array", then.Place)
	case name != "" && kind != doc.Object && kind != doc.Array:
		return fmt.Errorf("there is no place for %q: an earlier line of this call puts a single value at %q", then.Place, first.Place)
	case name != "" && kind == doc.Array && !index:
		return fmt.Errorf("there is no place for %q: an earlier line of this call puts an array at %q", then.Place, first.Place)
	}
	return nil
}

// certain reports whether a line is always carried out. In a create, what has no value is left out.
func certain(v plan.Verb, e *plan.Edit) bool {
	return len(e.If) == 0 && (v != plan.VerbCreate || !e.Template.MayMiss())
}
