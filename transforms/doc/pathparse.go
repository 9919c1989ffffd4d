package doc

import (
	"strconv"
	"strings"
)

// ParsePath compiles a path that an operator wrote. Any error is an [*Error].
func ParsePath(s string) (Path, error) {
	if err := checkPath(s); err != nil {
		return Path{}, err
	}
	p := Path{text: s}
	for i, n := 0, 0; ; i++ {
		if n++; n > MaxSteps {
			return Path{}, pathError(i, "path of more than 32 steps")
		}
		one, end, err := parseStep(s, i)
		if err != nil {
			return Path{}, err
		}
		last := end == len(s)
		if one.kind == eachStep && last {
			one.kind = countStep
		}
		if before := len(p.steps) - 1; one.kind == plainStep && before >= 0 && p.steps[before].kind == plainStep {
			p.steps[before].plain += "." + one.plain
		} else {
			p.steps = append(p.steps, one)
		}
		if one.kind == queryStep && one.query.all && !last { // what follows is asked of every element found
			p.steps = append(p.steps, step{kind: eachStep})
		}
		if last {
			return p, nil
		}
		if s[end] != '.' {
			return Path{}, pathError(end, "expected a dot")
		}
		i = end
	}
}

// parseStep reads one step and its end.
func parseStep(s string, i int) (one step, end int, err error) {
	if strings.HasPrefix(s[i:], "#(") {
		one.kind = queryStep
		one.query, end, err = parseQuery(s, i)
		return one, end, err
	}
	for word, kind := range words {
		if end := i + len(word); strings.HasPrefix(s[i:], word) && (end == len(s) || s[end] == '.') {
			return step{kind: kind}, end, nil
		}
	}
	one.plain, end, err = parsePlain(s, i)
	return one, end, err
}

var words = map[string]stepKind{"#": eachStep, "@this": thisStep, "@values": valuesStep}

// parsePlain reads a name or an index and is its form for gjson, and its end.
func parsePlain(s string, i int) (plain string, end int, err error) {
	name, literal, end, err := parseName(s, i)
	if err != nil {
		return "", 0, err
	}
	if index, err := parseIndex(name, literal, i); err != nil {
		return "", 0, err
	} else if index >= 0 {
		return name, end, nil
	}
	return Escape(name), end, nil
}

// parseIndex returns the index that a name without a backslash is, or -1.
func parseIndex(name string, literal bool, at int) (int, error) {
	if literal || !digits(name) {
		return -1, nil
	}
	index, err := strconv.Atoi(name)
	if err != nil || index > MaxIndex {
		return 0, pathError(at, `index of more than 9999; a name of digits is written with \ before it`)
	}
	return index, nil
}

// parseName reads a name up to a dot or to what ends it in a query, and whether there was a backslash in it.
func parseName(s string, i int) (name string, literal bool, end int, err error) {
	from := i
	var b strings.Builder
	for i < len(s) && !strings.ContainsRune(".=!)", rune(s[i])) {
		switch c := s[i]; {
		case c == '\\':
			if i++; i == len(s) {
				return "", false, 0, pathError(i, "the path ends with a backslash")
			}
			literal = true
			b.WriteByte(s[i])
		case c == '@':
			return "", false, 0, pathError(i, "the only modifiers are @this and @values; write \\@ for the character")
		case strings.IndexByte(`#*?|{}[]("~<>%`, c) >= 0:
			return "", false, 0, pathError(i, "a character that has no place in a path; write \\ before it if it is part of a name")
		case c < ' ' || c == 0x7f:
			return "", false, 0, pathError(i, "control character in a path")
		default:
			b.WriteByte(c)
		}
		i++
	}
	if i == from {
		return "", false, 0, pathError(i, "a name is missing")
	}
	return b.String(), literal, i, nil
}

// parseQuery reads #(path op value), with another # behind it for all elements.
func parseQuery(s string, i int) (q *query, end int, err error) {
	q = new(query)
	i += len("#(")
	var names []string
	for i < len(s) && !strings.ContainsRune("=!)", rune(s[i])) {
		name, end, err := parsePlain(s, i)
		if err != nil {
			return nil, 0, err
		}
		names = append(names, name)
		if i = end; i < len(s) && s[i] == '.' {
			if i++; i == len(s) || strings.ContainsRune("=!)", rune(s[i])) {
				return nil, 0, pathError(i, "a name is missing")
			}
		}
	}
	q.path = strings.Join(names, ".")
	if i == len(s) {
		return nil, 0, pathError(i, "the query is not closed")
	}
	if s[i] != ')' {
		if q.op = s[i:min(i+2, len(s))]; q.op != "==" && q.op != "!=" {
			return nil, 0, pathError(i, "the operators of a query are == and !=")
		}
		if i, err = q.parseValue(s, i+2); err != nil {
			return nil, 0, err
		}
	} else if q.path == "" {
		return nil, 0, pathError(i, "the query is empty")
	}
	i++
	if i < len(s) && s[i] == '#' {
		q.all = true
		i++
	}
	return q, i, nil
}

// parseValue reads a query's right side: a JSON string, which is equal only to a string, or anything else up to the
// bracket, which is equal to a string, a number or a literal of that text.
func (q *query) parseValue(s string, i int) (end int, err error) {
	if i == len(s) {
		return 0, pathError(i, "the query is not closed")
	}
	if s[i] == '"' {
		end, _, reason := stringEnd([]byte(s), i+1)
		if reason != "" {
			return 0, pathError(end, reason)
		}
		q.value, q.kind = Value{[]byte(s[i : end+1])}.Text(), String
		if end++; end == len(s) || s[end] != ')' {
			return 0, pathError(end, "expected the query's closing bracket")
		}
		return end, nil
	}
	n := strings.IndexAny(s[i:], ")\\\"([{}]|#@*?~ \t\r\n")
	switch {
	case n < 0:
		return 0, pathError(len(s), "the query is not closed")
	case s[i+n] != ')':
		return 0, pathError(i+n, "a text with such a character has to be in quotes")
	case n == 0:
		return 0, pathError(i, "the query has no value")
	}
	q.value = s[i : i+n]
	return i + n, nil
}
