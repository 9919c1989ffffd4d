package mapping

import (
	"fmt"
	"slices"
)

// edits compiles the changes of a document, which begins as the shape says.
func (c *compiler) edits(call *Call, s *scope, field string, defs []EditDef, begin shape) []edit {
	sound := len(*c.errs)
	var out []edit
	for i, def := range defs {
		out = append(out, c.at(index(field, i)).edit(call, s, def))
	}
	if len(*c.errs) == sound {
		c.agree(call, out, begin)
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
	e.value, err = s.parseValue(def.Value)
	c.check(err)
	if len(def.If) > 0 && !call.verb.changing() {
		c.fail("there are changed attributes only in create and update")
	}
	e.cond = c.attributes("if", def.If, s.rt)
	return e
}

// agree finds lines of a body that contradict each other: one puts something where another has no place then, or takes
// away all that another did. Lines that are not always carried out are tried one condition at a time, and what the others
// do is unknown meanwhile: which of them are meant to hold together is for the operator to know.
func (c *compiler) agree(call *Call, edits []edit, begin shape) {
	at := func(i int) *compiler {
		sub := *c
		sub.where = edits[i].where
		return &sub
	}
	for i := range edits {
		for j := range i {
			if err := call.undone(&edits[j], &edits[i]); err != nil {
				at(i).check(err)
				return
			}
		}
	}
	for _, applies := range call.cases(edits) {
		root := begin // nothing is in it that two cases could share
		for i := range edits {
			if !applies(i) {
				root.blur(stepsOf(edits[i].place))
				continue
			}
			if err := edits[i].try(&root, call.verb == verbCreate); err != nil {
				at(i).check(err)
				return
			}
		}
	}
}

// undone tells whether nothing is ever left of what the first of two lines did once the second is through.
func (c *Call) undone(first, then *edit) error {
	above, below := stepsOf(then.place), stepsOf(first.place)
	if then.action != actionSet || c.leavesOut(then) || len(above) > len(below) || !slices.EqualFunc(above, below[:len(above)],
		func(a, b step) bool { return a.name == b.name }) {
		return nil
	}
	if len(then.cond) > 0 && (len(first.cond) == 0 || slices.ContainsFunc(first.cond, func(a *attribute) bool { return !then.depends(a) })) {
		return nil
	}
	if len(above) == len(below) {
		return fmt.Errorf("%q is set here and by an earlier line of this call", then.place)
	}
	return fmt.Errorf("%q takes away %q, where an earlier line of this call puts something", then.place, first.place)
}

// leavesOut tells whether the line is one of a create, of which nothing is left where its value is missing.
func (c *Call) leavesOut(e *edit) bool {
	return c.verb == verbCreate && e.value.mayMiss()
}

// depends tells whether a change of the attribute alone makes the line's condition hold.
func (e *edit) depends(changed *attribute) bool {
	return slices.ContainsFunc(e.cond, func(a *attribute) bool { return changed.partOf(a.canonical) })
}

// cases are ways in which lines of a body come together for certain: those that are always carried out, and besides them
// what a change of one attribute brings, or one line whose value is not missing.
func (c *Call) cases(edits []edit) []func(i int) bool {
	var out []func(i int) bool
	add := func(alone int, changed ...*attribute) {
		out = append(out, func(i int) bool {
			e := &edits[i]
			if len(e.cond) > 0 {
				return slices.ContainsFunc(changed, e.depends)
			}
			return i == alone || !c.leavesOut(e)
		})
	}
	causes := [][]*attribute{nil}
	if len(c.cond) > 0 { // one of these has changed, or the call is not made
		causes = slices.Collect(slices.Chunk(c.cond, 1))
	}
	for _, cause := range causes {
		add(-1, cause...)
		for i := range edits {
			for _, a := range edits[i].cond {
				add(-1, append(slices.Clone(cause), a)...)
			}
			if c.leavesOut(&edits[i]) {
				add(i, cause...)
			}
		}
	}
	return out
}

// try does to a shape what the line does to a document. An error is certain.
func (e *edit) try(root *shape, omit bool) error {
	steps := stepsOf(e.place)
	if e.action == actionSet {
		return root.put(steps, e.value.shape(omit))
	}
	switch found := root.at(steps); found.kind {
	case shapeSingle, shapeObject:
		return fmt.Errorf("what this call has put at %q is no array", e.place)
	case shapeArray, shapeNothing, shapeUnknown:
	}
	return root.put(steps, &shape{kind: shapeArray, open: true})
}
