package admin

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// write prints a JSON value as an indented list. Names of people and groups are in it: what is no printable character is
// quoted, so that none can write to the terminal.
func write(out *strings.Builder, v any, depth int) {
	indent := strings.Repeat("  ", depth)
	switch v := v.(type) {
	case map[string]any:
		for _, name := range order(v) {
			if empty(v[name]) {
				continue
			}
			if nested(v[name]) {
				fmt.Fprintf(out, "%s%s:\n", indent, Printable(name))
				write(out, v[name], depth+1)
			} else {
				fmt.Fprintf(out, "%s%s: %s\n", indent, Printable(name), Printable(fmt.Sprint(v[name])))
			}
		}
	case []any:
		for _, item := range v {
			if !nested(item) {
				fmt.Fprintf(out, "%s- %s\n", indent, Printable(fmt.Sprint(item)))
				continue
			}
			var inner strings.Builder
			write(&inner, item, depth+1)
			fmt.Fprintf(out, "%s- %s", indent, strings.TrimPrefix(inner.String(), indent+"  "))
		}
	}
}

// order returns the names of an object: who it is about, what is wrong, then the rest.
func order(object map[string]any) []string {
	first := []string{"name", "problems"}
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(object)), func(s string) bool { return slices.Contains(first, s) })
	return append(slices.DeleteFunc(first, func(s string) bool { _, ok := object[s]; return !ok }), names...)
}

func nested(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return true
	}
	return false
}

func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return false
}

// Printable returns a text as a terminal may get it.
func Printable(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return fmt.Sprintf("%q", s)
	}
	return s
}
