package requests

import (
	"fmt"
	"strings"
)

// patch makes the document of a PATCH.
func (m maker) patch() string {
	var operations []string
	for range pick(m, []int{0, 1, 1, 1, 2, 2, 3, 4}) {
		operations = append(operations, m.operation())
	}
	list := "[" + strings.Join(operations, m.comma()) + "]"
	switch m.IntN(24) {
	case 0:
		return `{"Operations" : ` + list + `}`
	case 1:
		return `{"id":"x","operations":` + list + `,"schemas":["` + patchURN + `"]}`
	case 2:
		return `{"Schemas":["` + patchURN + `"],"OPERATIONS":` + list + `,"name":null}`
	case 3:
		return `{"schemas":` + pick(m, []string{`["urn:x"]`, `"` + patchURN + `"`, `null`, `[]`, `["a","` + patchURN + `"]`}) + `,"Operations":` + list + `}`
	case 4:
		return pick(m, []string{"\xef\xbb\xbf", " "}) + `{"schemas":["` + patchURN + `"],"Operations":` + list + `}`
	}
	return `{"schemas":["` + patchURN + `"],"Operations":` + list + `}`
}

// operation makes one operation.
func (m maker) operation() string {
	if m.chance(2) {
		return pick(m, []string{`{}`, `null`, `[]`, `"x"`, `{"op":1}`, `{"op":"add","path":1,"value":1}`, `{"path":"active","value":true}`})
	}
	op := `"op":` + m.op(operations)
	name := m.path()
	path := `"path":` + name
	value := `"value":` + m.valueOf(name)
	switch n := m.IntN(40); {
	case n < 2:
		return "{" + op + m.comma() + path + "}"
	case n < 14:
		return `{"op":` + m.op(settings) + m.comma() + `"value":` + m.object(5) + "}"
	case n < 15:
		return `{"op":` + m.op(settings) + `,"value":[` + m.object(3) + "]}"
	case n < 16 && m.group:
		return "{" + op + `,"value":{"members":` + m.members() + "}}"
	case n < 18:
		return "{" + value + "," + path + "," + op + "}"
	case n < 19:
		return `{"name":"x",` + ` "Path"` + path[6:] + "," + op + "," + value + "}"
	case n < 20:
		return `{"op":` + m.op(settings) + `,"path":null,"value":` + m.object(3) + "}"
	case n < 21:
		return "{" + op + ` ,"Value" : ` + m.value() + "," + path + `,"x":{}}`
	case n < 23:
		return "{" + op + `,"path":"` + pick(m, uris) + `","value":` + m.object(3) + "}"
	case n < 32 && m.group:
		return "{" + op + `,"path":` + pick(m, []string{`"members"`, `"members"`, `"Members"`, `"` + groupURN + `:members"`}) + `,"value":` + m.members() + "}"
	}
	return "{" + op + m.comma() + path + m.comma() + value + "}"
}

// op makes the name of an operation, seldom one that is not known.
func (m maker) op(names []string) string {
	if m.chance(5) {
		return pick(m, strangeOperations)
	}
	return pick(m, names)
}

// valueOf makes a value for a path or key, as JSON: mostly one that something is to be done about just there.
func (m maker) valueOf(key string) string {
	if typical := typicalValues[key]; typical != nil && m.chance(60) {
		return pick(m, typical)
	}
	return m.value()
}

func (m maker) comma() string {
	if m.chance(95) {
		return ","
	}
	return pick(m, []string{" ,", ", ", "\n,\t"})
}

// path makes a path, as JSON.
func (m maker) path() string {
	if m.chance(70) {
		return pick(m, keys)
	}
	return pick(m, paths)
}

// value makes any value.
func (m maker) value() string {
	switch n := m.IntN(100); {
	case n < 8:
		return m.object(4)
	case n < 16:
		return m.members()
	case n < 22:
		return "[" + m.several(pick(m, []int{0, 1, 2, 3}), func() string { return pick(m, values) }) + "]"
	}
	return pick(m, values)
}

func (m maker) several(n int, one func() string) string {
	all := make([]string, n)
	for i := range all {
		all[i] = one()
	}
	return strings.Join(all, m.comma())
}

// object makes an object of attributes, with keys that are paths, URNs and mistakes among them.
func (m maker) object(most int) string {
	var fields []string
	seen := map[string]bool{}
	for range m.IntN(most + 1) {
		key := pick(m, keys)
		folded := strings.ToLower(key)
		if seen[folded] {
			continue
		}
		seen[folded] = true
		value := m.valueOf(key)
		if strings.HasPrefix(key, `"urn:`) && m.chance(60) {
			value = m.extension()
		} else if key == `"members"` && m.chance(70) {
			value = m.members()
		}
		fields = append(fields, key+":"+value)
	}
	return "{" + strings.Join(fields, m.comma()) + "}"
}

// extension makes the object of an extension.
func (m maker) extension() string {
	var fields []string
	seen := map[string]bool{}
	for range m.IntN(4) {
		key := pick(m, extensionKeys)
		if seen[strings.ToLower(key)] {
			continue
		}
		seen[strings.ToLower(key)] = true
		fields = append(fields, key+":"+m.valueOf(key))
	}
	return "{" + strings.Join(fields, ",") + "}"
}

// members makes a list of members in runs of one shape, as providers send them, in one of the wrappings.
func (m maker) members() string {
	var list []string
	length := pick(m, []int{1, 2, 4, 8, 17, 36})
	for range m.IntN(4) {
		shape := pick(m, memberShapes)
		times := pick(m, []int{1, 1, 2, 3, 5})
		if m.long && m.chance(10) {
			times = pick(m, []int{31, 33, 300})
		}
		for range times {
			id := fmt.Sprintf("%0*d", length, m.IntN(40))
			if m.chance(3) {
				id = pick(m, []string{`\u0061`, `x\"y`, `a b`, `é`, ``, `\n`})
			}
			list = append(list, strings.ReplaceAll(shape, "%s", id))
		}
	}
	text := "[" + strings.Join(list, m.comma()) + "]"
	switch m.IntN(20) {
	case 0:
		return `{"members":` + text + `}`
	case 1:
		return `{"members":{"members":` + text + `}}`
	case 2:
		return pick(m, memberValues)
	}
	return text
}

// resource makes the document of a POST or PUT.
func (m maker) resource() string {
	text := m.object(9)
	head := ""
	switch m.IntN(10) {
	case 0:
	case 1:
		head = `"schemas":` + pick(m, values)
	default:
		head = `"schemas":[` + m.several(1+m.IntN(3), func() string { return `"` + pick(m, uris) + `"` }) + `]`
	}
	switch {
	case head == "" || strings.Contains(text, `"schemas":`):
		return text
	case text == "{}":
		return "{" + head + "}"
	case m.chance(20):
		return text[:len(text)-1] + "," + head + "}"
	}
	return "{" + head + "," + text[1:]
}
