package mapping

import (
	"errors"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/mapping/template"
	"github.com/caddy-scim/gateway/transforms/scim"
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
// beside it, which shows when the body is made of samples. A line that is not carried out always, or whose value is known only
// then, is not certain; what comes of it is for [doc.Value.With] to refuse.
func (c *compiler) agree(call *plan.Call, edits []plan.Edit) {
	empty := doc.NewObject().Value()
	body, create := empty, call.Verb == plan.VerbCreate
	for i := range edits {
		then := &edits[i]
		at := *c
		at.where = then.Where
		for j := range i {
			first := &edits[j]
			switch {
			case then.Action != plan.Set || !certain(create, then) || !certain(create, first):
			case then.Place.String() == first.Place.String():
				at.fail("%q is set here and by an earlier line of this call", then.Place)
				return
			case then.Place.Holds(first.Place):
				at.fail("%q takes away %q, where an earlier line of this call puts something", then.Place, first.Place)
				return
			}
		}
		next, err := then.Apply(body, &sample, create)
		if err == nil {
			body = next
			continue
		}
		_, value := errors.AsType[*scim.Error](err) // no value can be made of the samples: it is not known
		if _, alone := then.Apply(empty, &sample, create); !value && alone == nil {
			at.fail("there is no place beside an earlier line of this call: %v", err)
			return
		}
	}
}

// sample is what placeholders stand for while a body is tried. What resources and items hold is not known.
var sample = plan.Env{ID: "x", Key: "x", Value: "x", MID: "x", Members: doc.NewStrings("x"), Random: func() string { return "x" }}

// certain reports whether a line is always carried out. In a create, what has no value is left out.
func certain(create bool, e *plan.Edit) bool {
	return len(e.If) == 0 && (!create || !e.Template.MayMiss())
}
