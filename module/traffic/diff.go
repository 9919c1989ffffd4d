package traffic

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Difference is one place in which an answer differs. What was not there, or is not there, is nil.
type Difference struct {
	Where    string `json:"where"`
	Recorded any    `json:"recorded"`
	Now      any    `json:"now"`
}

type differences []Difference

func (d *differences) add(where string, recorded, now any) {
	*d = append(*d, Difference{where, recorded, now})
}

// compare goes through two JSON values. Elements of an array have no order: the resources of a list, members and addresses.
func (d *differences) compare(where string, recorded, now any) {
	switch r := recorded.(type) {
	case map[string]any:
		n, ok := now.(map[string]any)
		if !ok {
			break
		}
		names := maps.Clone(r)
		maps.Copy(names, n)
		for _, name := range slices.Sorted(maps.Keys(names)) {
			d.compare(join(where, name), r[name], n[name])
		}
		return
	case []any:
		n, ok := now.([]any)
		if !ok {
			break
		}
		left, more := unpaired(r, n)
		for i := range max(len(left), len(more)) {
			var a, b any
			if i < len(left) {
				a = left[i]
			}
			if i < len(more) {
				b = more[i]
			}
			d.compare(where+"[]", a, b)
		}
		return
	}
	if key(recorded) != key(now) {
		d.add(where, recorded, now)
	}
}

func join(where, name string) string {
	switch {
	case where == "":
		return name
	case strings.Contains(name, "."):
		return where + `["` + name + `"]`
	}
	return where + "." + name
}

// unpaired returns the elements that have no equal on the other side, each sorted so that those about the same are beside
// each other.
func unpaired(recorded, now []any) (left, more []any) {
	count := map[string]int{}
	for _, v := range now {
		count[key(v)]++
	}
	for _, v := range recorded {
		if k := key(v); count[k] > 0 {
			count[k]--
		} else {
			left = append(left, v)
		}
	}
	for _, v := range now {
		if k := key(v); count[k] > 0 {
			count[k]--
			more = append(more, v)
		}
	}
	by := func(a, b any) int { return strings.Compare(identity(a)+key(a), identity(b)+key(b)) }
	slices.SortFunc(left, by)
	slices.SortFunc(more, by)
	return left, more
}

// identity returns by what a resource or an element is known on both sides.
func identity(v any) string {
	if m, ok := v.(map[string]any); ok {
		for _, name := range []string{"id", "value", "userName", "displayName"} {
			if s, ok := m[name].(string); ok {
				return strings.ToLower(s)
			}
		}
	}
	return ""
}

// key returns a value as one text, the same for equal values.
func key(v any) string {
	text, _ := json.Marshal(v) // it came from JSON
	return string(text)
}

// tree returns a JSON document; nil where there is none, and a text where it is no JSON.
func tree(text []byte) (v any) {
	if len(text) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return string(text)
	}
	return v
}

// settled returns a document without what differs by its nature: when and where something is, and what others say.
func settled(v any, foreign bool) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = settled(v[i], foreign)
		}
	case map[string]any:
		delete(v, "$ref")
		if foreign {
			delete(v, "detail")
		}
		if meta, ok := v["meta"].(map[string]any); ok {
			for _, name := range []string{"created", "lastModified", "version", "location"} {
				delete(meta, name)
			}
		}
		for name := range v {
			v[name] = settled(v[name], foreign)
		}
	}
	return v
}

// learn finds out which recorded id is which id here: by the place, and in lists by what a resource is called.
func (p *Player) learn(recorded, now any) {
	r, ok := recorded.(map[string]any)
	n, ok2 := now.(map[string]any)
	if !ok || !ok2 {
		return
	}
	if was, is := fmt.Sprint(r["id"]), fmt.Sprint(n["id"]); r["id"] != nil && n["id"] != nil && p.ids[was] == "" {
		p.ids[was], p.names[is] = is, was
	}
	was, _ := r["Resources"].([]any)
	is, _ := n["Resources"].([]any)
	found := map[string]any{}
	for _, v := range is {
		found[name(v)] = v
	}
	for _, v := range was {
		if other := found[name(v)]; other != nil && name(v) != "" {
			p.learn(v, other)
		}
	}
}

// name returns what a resource is called, on both sides.
func name(v any) string {
	if m, ok := v.(map[string]any); ok {
		for _, attribute := range []string{"userName", "externalId", "displayName"} {
			if s, ok := m[attribute].(string); ok {
				return attribute + " " + strings.ToLower(s)
			}
		}
	}
	return ""
}

// renamed returns an answer with the recorded ids in the places of those that this gateway gave.
func (p *Player) renamed(v any) any {
	switch v := v.(type) {
	case string:
		if was, ok := p.names[v]; ok {
			return was
		}
	case json.Number:
		if was, ok := p.names[v.String()]; ok && json.Valid([]byte(was)) {
			return json.Number(was)
		}
	case []any:
		for i := range v {
			v[i] = p.renamed(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = p.renamed(v[name])
		}
	}
	return v
}
