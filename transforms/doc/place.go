package doc

import (
	"fmt"
	"strconv"

	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"
)

// Place is a compiled path to one place in a document: names and indexes with dots between them, \ before a character
// that is part of a name, or @this for the document itself. Everything that could mean several places or none is refused.
// sjson does the writing, and never sees a path or a document that it would take for something else: it fills arrays up
// with nulls, overwrites what is in its way, and reads -1, wildcards and modifiers as more than names.
type Place struct {
	text  string
	sjson string
	steps []placeStep
}

type placeStep struct {
	name  string
	gjson string
	index int // of an array's element; -1 for a name
}

// ParsePlace compiles a path that an operator wrote. Any error is an [*Error].
func ParsePlace(s string) (Place, error) {
	if err := checkPath(s); err != nil {
		return Place{}, err
	}
	p := Place{text: s}
	if s == "@this" {
		return p, nil
	}
	for i := 0; ; i++ {
		if len(p.steps) == MaxSteps {
			return Place{}, pathError(i, "path of more than 32 steps")
		}
		name, literal, end, err := parseName(s, i)
		if err != nil {
			return Place{}, err
		}
		index, err := parseIndex(name, literal, i)
		if err != nil {
			return Place{}, err
		}
		p.steps = append(p.steps, placeStep{name, Escape(name), index})
		if i > 0 {
			p.sjson += "."
		}
		if index < 0 {
			p.sjson += ":" // a name, even if it is -1 or 0
		}
		p.sjson += gjson.Escape(name)
		if i = end; i == len(s) {
			return p, nil
		}
		if s[i] != '.' {
			return Place{}, pathError(i, "expected a dot")
		}
	}
}

// String returns the path as it was written.
func (p Place) String() string { return p.text }

// Holds reports whether q is p or a place inside of what stands at p.
func (p Place) Holds(q Place) bool {
	if len(p.steps) > len(q.steps) {
		return false
	}
	for i := range p.steps {
		if p.steps[i].name != q.steps[i].name {
			return false
		}
	}
	return true
}

// At returns what stands at the place; the zero Value where there is nothing. Names are compared exactly, as by [Value.Find].
func (v Value) At(p Place) Value {
	for _, step := range p.steps {
		v = v.child(step)
	}
	return v
}

// child returns a member or an element. A number names an object's member too: whether it is an index, the value decides.
func (v Value) child(step placeStep) Value {
	if v.Kind() == Array {
		if step.index < 0 {
			return Value{}
		}
		return v.get(strconv.Itoa(step.index))
	}
	return v.get(step.gjson)
}

// With returns a copy of the value in which another stands at the place. Everything else stays as it is byte for byte.
// Objects and arrays on the way there are made where there is nothing or null; an index may be that of the element after the
// last one, not more. Where something else is on the way, it is an error that names only the path.
func (v Value) With(p Place, put Value) (Value, error) {
	switch {
	case put.Kind() == Invalid:
		return Value{}, fmt.Errorf("%s: there is no value to set", p.text)
	case len(p.steps) == 0:
		return put, nil
	}
	if err := v.takes(p); err != nil {
		return Value{}, err
	}
	raw, err := sjson.SetRawBytes(v.raw, p.sjson, put.raw)
	if err != nil {
		return Value{}, fmt.Errorf("%s: %w", p.text, err)
	}
	return Value{raw}, nil
}

// takes tells why the value has no such place.
func (v Value) takes(p Place) error {
	for i, step := range p.steps {
		switch kind := v.Kind(); kind {
		case Object:
		case Array:
			if step.index < 0 {
				return fmt.Errorf("%s: there is an array where %q should be", p.text, step.name)
			}
			if step.index > 0 && v.get(strconv.Itoa(step.index-1)).Kind() == Invalid {
				return fmt.Errorf("%s: the array has too few elements for the index %d", p.text, step.index)
			}
		case Invalid, Null:
			if i == 0 {
				return fmt.Errorf("%s: there is %s where %q should be", p.text, kind, step.name)
			}
			if step.index > 0 { // an array is made, and this would not be its first element
				return fmt.Errorf("%s: the array has too few elements for the index %d", p.text, step.index)
			}
		case Bool, Number, String:
			return fmt.Errorf("%s: there is a %s where %q should be", p.text, kind, step.name)
		}
		v = v.child(step)
	}
	return nil
}
