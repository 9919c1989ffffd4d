package doc

import (
	"fmt"
	"strconv"

	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"
)

// SetPath is a compiled path to one place in a document: names and indexes with dots between them, \ before a character
// that is part of a name, or @this for the document itself. Everything that could mean several places or none is refused.
type SetPath struct {
	text  string
	sjson string
	steps []setStep
}

type setStep struct {
	name  string
	index int // of an array's element; -1 for a name
}

// MustSetPath compiles a path that is a constant of the program.
func MustSetPath(s string) SetPath {
	p, err := ParseSetPath(s)
	if err != nil {
		panic("doc: path " + strconv.Quote(s) + ": " + err.Error())
	}
	return p
}

// ParseSetPath compiles a path that an operator wrote. Any error is an [*Error].
func ParseSetPath(s string) (SetPath, error) {
	if err := checkPath(s); err != nil {
		return SetPath{}, err
	}
	p := SetPath{text: s}
	if s == "@this" {
		return p, nil
	}
	for i := 0; ; i++ {
		if len(p.steps) == MaxSteps {
			return SetPath{}, pathError(i, "path of more than 32 steps")
		}
		name, literal, end, err := parseName(s, i)
		if err != nil {
			return SetPath{}, err
		}
		index, err := parseIndex(name, literal, i)
		if err != nil {
			return SetPath{}, err
		}
		p.steps = append(p.steps, setStep{name, index})
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
			return SetPath{}, pathError(i, "expected a dot")
		}
	}
}

// String is the path as it was written.
func (p SetPath) String() string { return p.text }

// IsThis tells whether the path is the document itself.
func (p SetPath) IsThis() bool { return len(p.steps) == 0 }

// At is what stands at the path; nil where there is nothing.
func (n *Node) At(p SetPath) *Node {
	for _, step := range p.steps {
		n = n.child(step)
	}
	return n
}

// child is a member or an element. A number names an object's member too: whether it is an index, the document decides.
func (n *Node) child(step setStep) *Node {
	if n.Kind() == Array {
		if items := n.Items(); step.index >= 0 && step.index < len(items) {
			return items[step.index]
		}
		return nil
	}
	return n.Get(step.name)
}

// SetPath puts a value at the path. Objects and arrays on the way there are made where there is nothing or null; an index
// may be that of the element after the last one, not more, so that a path cannot blow up a document. Where the document
// has something else on the way, it is an error that names only the path. With an error, nothing was changed. A nil value
// deletes what stands there.
func (n *Node) SetPath(p SetPath, v *Node) error {
	if v == nil {
		n.DeletePath(p)
		return nil
	}
	if p.IsThis() {
		*n = *v
		return nil
	}
	at := n
	for i, step := range p.steps {
		if err := at.takes(p, i); err != nil {
			return err
		}
		next := at.child(step)
		if rest := p.steps[i+1:]; len(rest) > 0 && (next == nil || next.kind == Null) {
			made, err := build(p, i+1, v)
			if err != nil {
				return err
			}
			at.put(step, made)
			return nil
		}
		if i == len(p.steps)-1 {
			at.put(step, v)
		}
		at = next
	}
	return nil
}

// AppendPath adds elements to the array at the path, which is made where there is nothing or null.
func (n *Node) AppendPath(p SetPath, items ...*Node) error {
	switch list := n.At(p); list.Kind() {
	case Array:
		list.Add(items...)
		return nil
	case Invalid, Null:
		return n.SetPath(p, NewArray(items...))
	default:
		return fmt.Errorf("%s is no array but a %s", p.text, list.Kind())
	}
}

// DeletePath removes what stands at the path and tells whether there was something. The document itself stays.
func (n *Node) DeletePath(p SetPath) bool {
	if p.IsThis() {
		return false
	}
	last := len(p.steps) - 1
	step := p.steps[last]
	parent := n.At(SetPath{steps: p.steps[:last]})
	if parent.Kind() != Array {
		return parent.Delete(step.name)
	}
	if parent.child(step) == nil {
		return false
	}
	items := parent.Items()
	parent.SetItems(append(items[:step.index:step.index], items[step.index+1:]...))
	return true
}

// takes tells why a node is no place for the path's step i.
func (n *Node) takes(p SetPath, i int) error {
	step := p.steps[i]
	switch n.Kind() {
	case Object:
	case Array:
		if step.index < 0 {
			return fmt.Errorf("%s: there is an array where %q should be", p.text, step.name)
		}
		if step.index > len(n.Items()) {
			return fmt.Errorf("%s: the array has too few elements for the index %d", p.text, step.index)
		}
	case Invalid, Null, Bool, Number, String:
		return fmt.Errorf("%s: there is a %s where %q should be", p.text, n.Kind(), step.name)
	}
	return nil
}

// put is for a place that takes the step.
func (n *Node) put(step setStep, v *Node) {
	if n.kind == Object {
		n.Set(step.name, v)
		return
	}
	items := n.Items()
	if step.index == len(items) {
		n.Add(v)
		return
	}
	items[step.index] = v
	n.SetItems(items)
}

// build makes what is missing from step i of the path on.
func build(p SetPath, i int, v *Node) (*Node, error) {
	for j := len(p.steps) - 1; j >= i; j-- {
		switch step := p.steps[j]; {
		case step.index < 0:
			object := NewObject()
			object.Set(step.name, v)
			v = object
		case step.index == 0:
			v = NewArray(v)
		default:
			return nil, fmt.Errorf("%s: the array has too few elements for the index %d", p.text, step.index)
		}
	}
	return v, nil
}

// With is a copy of the document with a value at the path, as [Node.SetPath] puts it there. Everything else stays as it is
// byte for byte. It is for the one change that needs no tree: for more, a tree is faster, because every With is a copy.
func (d Doc) With(p SetPath, v Value) (Doc, error) {
	if v.Kind() == Invalid {
		return Doc{}, fmt.Errorf("%s: there is no value to set", p.text)
	}
	if p.IsThis() {
		return Doc{raw: v.raw}, nil
	}
	// sjson overwrites in silence what is in its way, and fills arrays up with nulls: a tree knows whether it would.
	if err := Tree(d.Value()).SetPath(p, Tree(v)); err != nil {
		return Doc{}, err
	}
	raw, err := sjson.SetRawBytes(d.raw, p.sjson, v.raw)
	if err != nil {
		return Doc{}, fmt.Errorf("%s: %w", p.text, err)
	}
	return Scan(raw) // a name may be there in another spelling, the document may be too deep now
}
