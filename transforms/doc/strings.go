package doc

import (
	"bytes"
	"iter"
	"slices"
	"strings"
)

// Strings is a list of strings that is kept as the JSON array that it is printed as. It is for the members of a group: there may
// be tens of thousands, of whom one comes or goes. A list never changes, the methods return another one. The zero value is
// empty.
type Strings struct {
	raw []byte // `["a","b"]` without white space, each string as AppendString prints it; nil where there is none
	n   int
}

// NewStrings returns a list of some strings.
func NewStrings(list ...string) Strings { return Strings{}.With(list...) }

// Strings returns an array of strings as a list, which aliases the document. It reports whether the array is one already: it
// has no white space, no escapes and no empty string.
func (v Value) Strings() (list Strings, ok bool) {
	if v.Kind() != Array || bytes.IndexByte(v.raw, '\\') >= 0 {
		return Strings{}, false
	}
	list.raw = v.raw
	for i := 1; ; {
		if v.raw[i] != '"' || v.raw[i+1] == '"' {
			return Strings{}, false
		}
		list.n++
		end := skipString(v.raw, i)
		switch v.raw[end] {
		case ']':
			return list, true
		case ',':
			i = end + 1
		default:
			return Strings{}, false
		}
	}
}

// Len returns how many strings there are.
func (s Strings) Len() int { return s.n }

// Node returns the list as an array.
func (s Strings) Node() *Node {
	if s.n == 0 {
		return NewArray()
	}
	return Printed(s.raw)
}

// All walks over the strings. They are parts of one text.
func (s Strings) All() iter.Seq[string] {
	return func(yield func(string) bool) {
		text := string(s.raw)
		for i, end := range s.places() {
			one := text[i+1 : end-1]
			if strings.IndexByte(one, '\\') >= 0 {
				one = Value{s.raw[i:end]}.Text()
			}
			if !yield(one) {
				return
			}
		}
	}
}

// places walks over where the strings stand, with their quotes.
func (s Strings) places() iter.Seq2[int, int] {
	return func(yield func(int, int) bool) {
		for i := 1; i < len(s.raw); {
			end := skipString(s.raw, i)
			if !yield(i, end) {
				return
			}
			i = end + 1
		}
	}
}

// Has reports whether a string is in the list.
func (s Strings) Has(one string) bool { return len(s.Among([]string{one})) > 0 }

// Among returns those, of a few strings, that are in the list.
func (s Strings) Among(few []string) []string {
	if len(few) == 0 {
		return nil
	}
	in := printed(few)
	for i, end := range s.places() {
		if _, asked := in[string(s.raw[i:end])]; asked {
			in[string(s.raw[i:end])] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(few), func(one string) bool { return !in[string(AppendString(nil, one))] })
}

// With returns the list with some strings more at the end.
func (s Strings) With(more ...string) Strings {
	if len(more) == 0 {
		return s
	}
	size := len(s.raw) + len("]")
	for _, one := range more {
		size += len(one) + len(`,""`)
	}
	raw := append(make([]byte, 0, size), s.raw...)
	if s.n == 0 {
		raw = append(raw, '[')
	} else {
		raw[len(raw)-1] = ','
	}
	for i, one := range more {
		if i > 0 {
			raw = append(raw, ',')
		}
		raw = AppendString(raw, one)
	}
	return Strings{append(raw, ']'), s.n + len(more)}
}

// Without returns the list without some strings.
func (s Strings) Without(few []string) Strings {
	if len(few) == 0 {
		return s
	}
	gone := printed(few)
	var left Strings
	raw := append(make([]byte, 0, len(s.raw)), '[')
	for i, end := range s.places() {
		if _, is := gone[string(s.raw[i:end])]; !is {
			raw = append(append(raw, s.raw[i:end]...), ',')
			left.n++
		}
	}
	switch left.n {
	case s.n:
		return s
	case 0:
		return Strings{}
	}
	raw[len(raw)-1] = ']'
	left.raw = raw
	return left
}

// printed returns a set of what some strings are printed as.
func printed(few []string) map[string]bool {
	set := make(map[string]bool, len(few))
	for _, one := range few {
		set[string(AppendString(nil, one))] = false
	}
	return set
}
