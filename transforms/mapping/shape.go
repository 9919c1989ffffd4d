package mapping

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// shape is what is known of a document before there is one: which lines of a body can follow each other.
type shape struct {
	kind    shapeKind
	members map[string]*shape // of an object, by folded name; of an array, by index
	open    bool              // an object or array has, or may have, more than members says
}

type shapeKind uint8

const (
	shapeUnknown shapeKind = iota
	shapeNothing           // missing, or null: makes way for what is put below it
	shapeSingle            // a text, a number or a boolean
	shapeArray
	shapeObject
)

// step is a step of a place. A number names an object's member too: whether it is an index, the document decides.
type step struct {
	name  string // folded
	index bool
}

func stepsOf(place doc.SetPath) []step {
	var steps []step
	if place.IsThis() {
		return nil
	}
	for _, word := range split(place.String(), ".") {
		one := step{index: strings.Trim(word, "0123456789") == ""}
		if n, err := strconv.Atoi(word); one.index && err == nil {
			word = strconv.Itoa(n)
		}
		for i := 0; i < len(word); i++ {
			if word[i] == '\\' {
				i++
			}
			one.name += word[i : i+1]
		}
		one.name = doc.Fold(one.name)
		steps = append(steps, one)
	}
	return steps
}

func pathOf(steps []step) string {
	if len(steps) == 0 {
		return "@this"
	}
	words := make([]string, len(steps))
	for i := range steps {
		words[i] = steps[i].name
	}
	return strings.Join(words, ".")
}

// put is what [doc.Node.SetPath] would do, as far as that is known: an error is certain.
func (s *shape) put(steps []step, v *shape) error {
	at := s
	for i, step := range steps {
		if err := at.become(steps, i); err != nil {
			return err
		}
		if at.kind == shapeUnknown { // an index of what may be an array or an object
			return nil
		}
		next := at.members[step.name]
		if next == nil {
			if next = (&shape{kind: shapeNothing}); at.open {
				next.kind = shapeUnknown
			}
			at.members[step.name] = next
		}
		at = next
	}
	*at = *v
	return nil
}

// become makes of what stands before the step i what it has to be.
func (s *shape) become(steps []step, i int) error {
	step := steps[i]
	switch s.kind {
	case shapeSingle:
		return fmt.Errorf("there is no place for %q: an earlier line of this call puts a single value at %q", pathOf(steps), pathOf(steps[:i]))
	case shapeArray:
		if !step.index {
			return fmt.Errorf("there is no place for %q: an earlier line of this call puts an array at %q", pathOf(steps), pathOf(steps[:i]))
		}
	case shapeNothing:
		if s.kind = shapeObject; step.index {
			s.kind = shapeArray
		}
	case shapeUnknown:
		if !step.index {
			s.kind, s.open = shapeObject, true
		}
	case shapeObject:
	}
	if s.members == nil {
		s.members = make(map[string]*shape)
	}
	if index, _ := strconv.Atoi(step.name); s.kind == shapeArray && !s.open && index > len(s.members) {
		return fmt.Errorf("the array has too few elements for the index %d of %q", index, pathOf(steps))
	}
	return nil
}

// blur is put for what may be put or not.
func (s *shape) blur(steps []step) {
	for i, step := range steps {
		if s.kind != shapeObject && s.kind != shapeArray {
			break
		}
		s.open = s.open || s.kind == shapeArray
		if s.members == nil {
			s.members = make(map[string]*shape)
		}
		if next := s.members[step.name]; next != nil && i < len(steps)-1 {
			s = next
			continue
		}
		s.members[step.name] = &shape{}
		return
	}
	*s = shape{}
}

// at is what stands at a place; unknown where that is not known.
func (s *shape) at(steps []step) *shape {
	for _, step := range steps {
		next := s.members[step.name]
		if next == nil {
			return &shape{}
		}
		s = next
	}
	return s
}

// shape is what the value is where it is not missing.
func (v *template) shape(omit bool) *shape {
	switch v.kind {
	case exprValue:
		return v.expr.shape()
	case textValue:
		return &shape{kind: shapeSingle}
	case constValue:
		return shapeOf(v.json.Value().Kind())
	case arrayValue:
		out := &shape{kind: shapeArray, members: map[string]*shape{}}
		for i := range v.items {
			if v.items[i].mayMiss() { // what is missing is no element
				return &shape{kind: shapeArray, open: true}
			}
			out.members[strconv.Itoa(i)] = v.items[i].shape(omit)
		}
		return out
	case objectValue:
		out := &shape{kind: shapeObject, members: map[string]*shape{}}
		for i := range v.fields {
			f := &v.fields[i]
			one := f.value.shape(omit)
			if omit && f.value.mayMiss() {
				one = &shape{}
			}
			out.members[doc.Fold(f.name)] = one
		}
		return out
	}
	return &shape{}
}

// mayMiss tells whether the value can be missing.
func (v *template) mayMiss() bool {
	if v.kind != exprValue {
		return false
	}
	last := v.expr.alts[len(v.expr.alts)-1]
	if slices.Contains(last.words, "list") {
		return false
	}
	switch last.source.(type) {
	case attrSource, itemSource:
		return true
	}
	return false
}

func (e *expr) shape() *shape {
	out := &shape{kind: shapeNothing}
	for i := range e.alts {
		one := e.alts[i].shape()
		switch {
		case one.kind == shapeNothing:
		case out.kind == shapeNothing || out.kind == one.kind:
			out = one
		default:
			return &shape{}
		}
	}
	return out
}

func (a *alt) shape() *shape {
	out := sourceShape(a.source)
	for _, word := range a.words {
		switch {
		case word == "json" || word == "csv" && out.kind == shapeArray:
			out = shapeOf(doc.String)
		case word == "list" && out.kind != shapeArray:
			out = shapeOf(doc.Array)
		}
	}
	return out
}

func sourceShape(from source) *shape {
	switch from := from.(type) {
	case constSource:
		return shapeOf(from.json.Value().Kind())
	case textSource, emailSource, changedSource:
		return shapeOf(doc.String)
	case membersSource:
		return shapeOf(doc.Array)
	case attrSource:
		switch a := from.attr; {
		case a.Innermost().MultiValued && a.Innermost() != a.Def:
		case a.Def.MultiValued && a.Filter == nil:
			return shapeOf(doc.Array)
		case a.Innermost().Type == schema.Complex:
			return shapeOf(doc.Object)
		default:
			return shapeOf(doc.String)
		}
	}
	return &shape{}
}

// shapeOf is the shape of a value of which the kind is all that is known.
func shapeOf(kind doc.Kind) *shape {
	switch kind {
	case doc.Invalid, doc.Null:
		return &shape{kind: shapeNothing}
	case doc.Array:
		return &shape{kind: shapeArray, open: true}
	case doc.Object:
		return &shape{kind: shapeObject, open: true}
	}
	return &shape{kind: shapeSingle}
}
