package doc

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// The limits of paths.
const (
	MaxPath  = 1000 // bytes of a path
	MaxSteps = 32   // steps of a path
	MaxIndex = 9999 // index of an array's element
)

// Path is a compiled gjson path: the part of gjson's syntax that looks things up and does nothing else.
//
//	a.b            names; \ before a character takes its meaning away
//	a.0            elements; \0 is a member called 0
//	a.#            how many elements
//	a.#.b          b of every element that has one
//	a.#(b=="x")    the first element whose b is x; != too; #(b) has a b; #(=="x") is x itself
//	a.#(b=="x")#   all of them
//	@this          the value itself
//	@values        the values of an object as an array
//
// The other modifiers, multipaths, literals, pipes, wildcards and JSON lines are refused. The zero Path finds nothing.
//
// A path is the constant of a program or an operator's: it never contains what a client sent, except through [Escape] and
// [Quote].
type Path struct {
	text  string
	steps []step
}

// step is one or more steps of a path. Names and indexes are gjson's business. The rest is not: gjson compares numbers as
// floating point, so that the id 9007199254740993 is taken for 9007199254740992, and any word for the number 0; and where
// it asks every element it looks for brackets inside of strings.
type step struct {
	kind  stepKind
	plain string // names and indexes for gjson
	query *query
}

type stepKind uint8

const (
	plainStep stepKind = iota
	thisStep
	valuesStep
	countStep
	eachStep
	queryStep
)

// query selects elements of an array.
type query struct {
	path  string // of what is compared in an element; empty for the element itself
	op    string // ==, != or empty: that there is something
	value string // decoded text
	kind  Kind   // String, or Invalid when the text has no quotes and may be of any kind
	all   bool   // all elements that match instead of the first
}

// String returns the path as it was written.
func (p Path) String() string { return p.text }

// IsZero reports whether there is no path.
func (p Path) IsZero() bool { return len(p.steps) == 0 }

// Find returns what is at the path in the value. Names are compared exactly, unlike [Value.Lookup] does: a path speaks of an
// upstream's JSON, in which case matters. What is not there is the zero Value. A value that is in the document aliases it.
func (v Value) Find(p Path) Value {
	if p.IsZero() {
		return Value{}
	}
	return v.walk(p.steps)
}

func (v Value) walk(steps []step) Value {
	for i, s := range steps {
		switch s.kind {
		case thisStep:
		case plainStep:
			v = v.get(s.plain)
		case valuesStep:
			v = v.values()
		case countStep:
			v = v.count()
		case queryStep:
			v = s.query.in(v)
		case eachStep:
			if v.Kind() != Array {
				return Value{}
			}
			var each arrayWriter
			for item := range v.Items() {
				each.add(item.walk(steps[i+1:]))
			}
			return each.value()
		}
	}
	return v
}

// get asks gjson, which returns copies: what it says is in the document is taken from there. It is asked of containers
// only, because in a scalar it looks for the first bracket, be it inside of a string.
func (v Value) get(path string) Value {
	if k := v.Kind(); k != Object && k != Array {
		return Value{}
	}
	found := gjson.GetBytes(v.raw, path)
	if from, to := found.Index, found.Index+len(found.Raw); from > 0 && string(v.raw[from:to]) == found.Raw {
		return Value{v.raw[from:to:to]}
	}
	return Value{}
}

func (v Value) values() Value {
	if v.Kind() != Object {
		return Value{}
	}
	var all arrayWriter
	for _, val := range v.Fields() {
		all.add(val)
	}
	return all.value()
}

func (v Value) count() Value {
	if v.Kind() != Array {
		return Value{}
	}
	n := 0
	for range v.Items() {
		n++
	}
	return Value{strconv.AppendInt(nil, int64(n), 10)}
}

// in returns the element of an array that the query selects, or an array of all of them.
func (q *query) in(v Value) Value {
	if v.Kind() != Array {
		return Value{}
	}
	var all arrayWriter
	for item := range v.Items() {
		if !q.matches(item) {
			continue
		}
		if !q.all {
			return item
		}
		all.add(item)
	}
	if !q.all {
		return Value{}
	}
	return all.value()
}

func (q *query) matches(item Value) bool {
	if q.path != "" {
		item = item.get(q.path)
	}
	switch kind := item.Kind(); {
	case kind == Invalid:
		return false // with != too: what is not there is not compared
	case q.op == "":
		return true
	default:
		return (item.Text() == q.value && (q.kind == Invalid || q.kind == kind)) == (q.op == "==")
	}
}

// arrayWriter is an array in the making.
type arrayWriter []byte

func (a *arrayWriter) add(v Value) {
	if v.Kind() == Invalid {
		return
	}
	if len(*a) > 0 {
		*a = append(*a, ',')
	} else {
		*a = append(*a, '[')
	}
	*a = append(*a, v.raw...)
}

func (a arrayWriter) value() Value {
	if len(a) == 0 {
		return Value{[]byte("[]")}
	}
	return Value{append(a, ']')}
}

// Escape returns a name as one step of a path, whatever is in it. A name of digits is a member of that name, never an index.
func Escape(name string) string {
	if digits(name) {
		return `\` + name
	}
	return gjson.Escape(name)
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// pathError returns an [*Error] in a path.
func pathError(at int, reason string) error { return &Error{Offset: at, Reason: reason} }

func checkPath(s string) error {
	switch {
	case s == "":
		return pathError(0, "empty path")
	case len(s) > MaxPath:
		return pathError(MaxPath, "path of more than 1000 bytes")
	case !utf8.ValidString(s):
		return pathError(0, "invalid UTF-8 in a path")
	}
	return nil
}
