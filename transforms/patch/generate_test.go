package patch_test

import (
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/caddy-scim/gateway/transforms/doc"
)

// The generators draw from few names and values, so that operations meet what is there.

var (
	word    = rapid.SampledFrom([]string{"a", "b", "A", "", "work", "home", "True", "ü\"\\"})
	kinds   = rapid.SampledFrom([]string{"work", "home", "Work", "other"})
	boolean = rapid.SampledFrom([]string{"true", "false"})
)

func quoted(s string) string { return string(doc.AppendString(nil, s)) }

func object(fields ...string) string {
	return "{" + strings.Join(slices.DeleteFunc(fields, func(s string) bool { return s == "" }), ",") + "}"
}

// maybe is the field, or nothing.
func maybe(t *rapid.T, name string, value func() string) string {
	if !rapid.Bool().Draw(t, name+"?") {
		return ""
	}
	return quoted(name) + ":" + value()
}

func element(t *rapid.T) string {
	fields := []string{
		maybe(t, "type", func() string { return quoted(kinds.Draw(t, "type")) }),
		maybe(t, "value", func() string { return quoted(word.Draw(t, "value")) }),
		maybe(t, "display", func() string { return quoted(word.Draw(t, "display")) }),
		maybe(t, "primary", func() string { return boolean.Draw(t, "primary") }),
		maybe(t, "$ref", func() string { return "null" }),
	}
	return object(append(fields, `"x":1`)...)
}

func elements(t *rapid.T) string {
	var list []string
	for range rapid.IntRange(0, 3).Draw(t, "elements") {
		list = append(list, element(t))
	}
	return "[" + strings.Join(list, ",") + "]"
}

func name(t *rapid.T) string {
	return object(
		maybe(t, "givenName", func() string { return quoted(word.Draw(t, "givenName")) }),
		maybe(t, "familyName", func() string { return quoted(word.Draw(t, "familyName")) }))
}

func extension(t *rapid.T) string {
	return object(
		maybe(t, "department", func() string { return quoted(word.Draw(t, "department")) }),
		maybe(t, "manager", func() string { return object(`"value":` + quoted(word.Draw(t, "manager"))) }))
}

func attributes(t *rapid.T) []string {
	return []string{
		maybe(t, "title", func() string { return quoted(word.Draw(t, "title")) }),
		maybe(t, "active", func() string { return boolean.Draw(t, "active") }),
		maybe(t, "name", func() string { return name(t) }),
		maybe(t, "emails", func() string { return elements(t) }),
		maybe(t, "tags", func() string {
			return rapid.SampledFrom([]string{`["a","b"]`, `"a"`, `{"a":1}`, `[]`, `[{"value":"a"}]`}).Draw(t, "tags")
		}),
		maybe(t, enterprise, func() string { return extension(t) }),
	}
}

func resource(t *rapid.T) string {
	return object(append([]string{core, `"id":"1"`, `"userName":"u"`}, attributes(t)...)...)
}

// operation draws one operation. A consistent one does not contradict its own filter, which would make it fail or mean
// something else the second time.
func operation(t *rapid.T, consistent bool) string {
	filters := []string{`type eq "work"`, `type eq "home" and primary eq true`, `value eq "a"`, `primary eq true`}
	if !consistent {
		filters = append(filters, `type eq "work" or value eq "b"`, `not (type eq "work")`, `value pr`, `display co "a"`)
	}
	value := func(path string) string {
		switch {
		case path == "":
			return object(attributes(t)...)
		case path == "emails", path == "tags":
			return elements(t)
		case path == "name":
			return name(t)
		case path == enterprise:
			return extension(t)
		case path == enterprise+":manager":
			return object(`"value":` + quoted(word.Draw(t, "manager")))
		case path == "active", strings.HasSuffix(path, ".primary"):
			return boolean.Draw(t, "boolean")
		case strings.HasSuffix(path, "]"):
			return object(`"display":` + quoted(word.Draw(t, "display")))
		}
		return quoted(word.Draw(t, "string"))
	}
	selected := func() string { return "emails[" + rapid.SampledFrom(filters).Draw(t, "filter") + "]" }
	paths := []func() string{
		func() string { return "title" }, func() string { return "active" }, func() string { return "name" },
		func() string { return "name.givenName" }, func() string { return "emails" }, func() string { return "tags" },
		func() string { return enterprise }, func() string { return enterprise + ":department" },
		func() string { return enterprise + ":manager" }, func() string { return enterprise + ":manager.value" },
		selected, func() string { return selected() + ".display" }, func() string { return "emails.display" },
		func() string { return `tags[value eq "a"]` },
	}
	ops := []string{"replace", "remove"}
	if !consistent {
		ops = append(ops, "add", "add")
		paths = append(paths, func() string { return selected() + ".primary" }, func() string { return selected() + ".value" },
			func() string { return "userName" }, func() string { return "name.unknown" }, func() string { return "id" }, func() string { return "tags.x" })
	}
	op := rapid.SampledFrom(ops).Draw(t, "op")
	path := ""
	if op == "remove" || rapid.IntRange(0, 9).Draw(t, "path?") > 0 {
		path = rapid.SampledFrom(paths).Draw(t, "path")()
	}
	switch {
	case op == "remove":
		return object(`"op":"remove"`, `"path":`+quoted(path))
	case path == "":
		return object(`"op":"`+op+`"`, `"value":`+value(path))
	}
	v := value(path)
	if !consistent && rapid.IntRange(0, 9).Draw(t, "null?") == 0 {
		v = "null"
	}
	return object(`"op":"`+op+`"`, `"path":`+quoted(path), `"value":`+v)
}

func operations(t *rapid.T, consistent bool) string {
	n := 1
	if !consistent {
		n = rapid.IntRange(0, 5).Draw(t, "operations")
	}
	var list []string
	for range n {
		list = append(list, operation(t, consistent))
	}
	return "[" + strings.Join(list, ",") + "]"
}
