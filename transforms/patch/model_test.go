package patch_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-scim/gateway/transforms/scim"
)

// intent is a resource to which requests are applied as their senders mean them, not as the RFC reads them. It is written
// without anything that the gateway uses, on maps, for the forms of the corpus only, so that it can say whether
// normalizing and applying a request together do what was meant.
type intent map[string]any

var (
	spelling = func() map[string]string {
		m := map[string]string{}
		for name := range strings.FieldsSeq(`userName externalId displayName nickName title active password preferredLanguage name givenName familyName formatted middleName
			emails phoneNumbers addresses roles members value type primary display streetAddress locality region postalCode country department employeeNumber manager`) {
			m[strings.ToLower(name)] = name
		}
		return m
	}()
	lists      = strings.Fields("emails phoneNumbers addresses roles members")
	valuePath  = regexp.MustCompile(`^(.*?)\[(.*)\](?:\.(\w+))?$`)
	comparison = regexp.MustCompile(`(?i)^(\w+) eq ("(?:[^"\\]|\\.)*"|\S+)$`)
	and, or    = regexp.MustCompile(` (?i:and) `), regexp.MustCompile(` (?i:or) `)
)

func spelled(name string) string {
	if s, ok := spelling[strings.ToLower(name)]; ok {
		return s
	}
	return name
}

// place is where a path leads: an extension or none, an attribute, conditions on an element, a sub-attribute.
type place struct {
	uri, name, sub string
	any            []map[string]any // one of them must hold in all its parts; nil for no filter
}

func placeOf(path string) (p place) {
	path = strings.TrimSpace(path)
	if m := valuePath.FindStringSubmatch(path); m != nil {
		path, p.sub = m[1], spelled(m[3])
		for _, alternative := range or.Split(m[2], -1) {
			all := map[string]any{}
			for _, term := range and.Split(alternative, -1) {
				c := comparison.FindStringSubmatch(strings.TrimSpace(term))
				if c == nil {
					panic("no such filter in the model: " + term)
				}
				var v any = c[2]
				if strings.HasPrefix(c[2], `"`) {
					if err := json.Unmarshal([]byte(c[2]), &v); err != nil {
						panic(err)
					}
				}
				all[spelled(c[1])] = meant(spelled(c[1]), v)
			}
			p.any = append(p.any, all)
		}
	}
	for _, uri := range []string{enterprise, scim.UserSchema, scim.GroupSchema} {
		if rest, ok := cutFold(path, uri); ok {
			if uri == enterprise {
				p.uri = uri
			}
			if rest == "" {
				p.uri = uri
			}
			path = strings.TrimLeft(rest, ":.")
		}
	}
	if i := strings.LastIndexByte(path, ':'); i >= 0 {
		p.uri, path = path[:i], path[i+1:]
	}
	name, sub, dotted := strings.Cut(path, ".")
	p.name = name
	if p.uri == "" || p.uri == enterprise {
		p.name = spelled(name)
	}
	if dotted {
		p.sub = spelled(sub)
	}
	if p.name == "manager" { // a user's manager is the enterprise extension's, wherever it was looked for (Q41)
		p.uri = enterprise
	}
	return p
}

func cutFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// meant is a value as its sender means it for an attribute, with names spelled and nothing that is null.
func meant(name string, v any) any {
	switch v := v.(type) {
	case string:
		switch {
		case name != "active" && name != "primary":
		case strings.EqualFold(v, "true"):
			return true
		case strings.EqualFold(v, "false"):
			return false
		}
	case map[string]any:
		o := map[string]any{}
		for key, val := range v {
			if val != nil {
				o[spelled(key)] = meant(spelled(key), val)
			}
		}
		return o
	case []any:
		a := []any{}
		for _, item := range v {
			a = append(a, meant(name, item))
		}
		return a
	case float64:
		panic("numbers are to be read as they are")
	}
	return v
}

func (r intent) apply(request map[string]any) {
	for key, ops := range request {
		if !strings.EqualFold(key, "Operations") {
			continue
		}
		if one, ok := ops.(map[string]any); ok {
			ops = []any{one}
		}
		for _, op := range ops.([]any) {
			fields := map[string]any{}
			for key, val := range op.(map[string]any) {
				fields[strings.ToLower(key)] = val
			}
			word := strings.ToLower(strings.TrimSpace(fields["op"].(string)))
			if path, ok := fields["path"].(string); ok {
				r.assign(word, placeOf(path), fields["value"])
				continue
			}
			for _, key := range sortedKeys(fields["value"].(map[string]any)) {
				r.assign(word, placeOf(key), fields["value"].(map[string]any)[key])
			}
		}
	}
}

func sortedKeys(m map[string]any) (keys []string) {
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func (r intent) assign(op string, p place, v any) {
	if p.name == "" { // a whole extension
		for _, key := range sortedKeys(v.(map[string]any)) {
			r.assign(op, place{uri: p.uri, name: spelled(key)}, v.(map[string]any)[key])
		}
		return
	}
	if p.name == "id" || p.name == "schemas" || p.name == "meta" {
		return
	}
	in := map[string]any(r)
	if p.uri != "" && p.uri != scim.UserSchema && p.uri != scim.GroupSchema {
		in, _ = r[p.uri].(map[string]any)
		if in == nil {
			in = map[string]any{}
		}
		r[p.uri] = in
		defer func() {
			if len(in) == 0 {
				delete(r, p.uri)
			}
		}()
	}
	multi := slices.Contains(lists, p.name) || p.any != nil
	leaf := p.name
	if p.sub != "" {
		leaf = p.sub
	}
	switch {
	case p.uri == "" || p.uri == enterprise:
		v = meant(leaf, v)
	case leaf == "level": // declared as an integer (E127)
		v = json.Number(fmt.Sprint(v))
	}
	if wrapped, ok := v.([]any); ok && len(wrapped) == 1 && (!multi || p.sub != "") { // [{"value": x}] (Q43)
		if one, ok := wrapped[0].(map[string]any); ok {
			if v = one["value"]; p.name == "manager" && p.sub == "" {
				v = one
			} else {
				v = meant(leaf, v)
			}
		}
	}
	if p.name == "manager" && p.sub == "" {
		if id, ok := v.(string); ok {
			v = map[string]any{"value": id}
		}
		if o, ok := v.(map[string]any); ok && o["value"] == "" {
			v = nil
		}
	}
	if v == nil && op == "add" {
		return
	}
	if v == nil && op == "replace" {
		op = "remove"
	}
	switch {
	case multi:
		in[p.name] = r.list(op, p, in[p.name], v)
		if len(in[p.name].([]any)) == 0 {
			delete(in, p.name)
		}
	case p.sub != "":
		o, _ := in[p.name].(map[string]any)
		if o == nil {
			o = map[string]any{}
		}
		in[p.name] = o
		if op == "remove" {
			delete(o, p.sub)
		} else {
			o[p.sub] = v
		}
		if len(o) == 0 {
			delete(in, p.name)
		}
	case op == "remove":
		delete(in, p.name)
	default:
		o, isObject := v.(map[string]any)
		old, wasObject := in[p.name].(map[string]any)
		if !isObject || !wasObject {
			in[p.name] = v
			return
		}
		maps.Copy(old, o)
	}
}

func (r intent) list(op string, p place, held, v any) []any {
	old, _ := held.([]any)
	if p.any == nil && p.sub == "" {
		given := elementsOf(p.name, v)
		switch {
		case op == "replace":
			old = nil
		case op == "remove" && v == nil:
			return []any{}
		case op == "remove":
			return slices.DeleteFunc(old, func(e any) bool {
				return slices.ContainsFunc(given, func(g any) bool {
					if p.name == "members" {
						return matches(e, map[string]any{"value": g.(map[string]any)["value"]})
					}
					return matches(e, g.(map[string]any))
				})
			})
		}
		for _, g := range given {
			id := map[string]any{"value": g.(map[string]any)["value"]}
			if p.name != "members" {
				id["type"] = g.(map[string]any)["type"]
			}
			if !slices.ContainsFunc(old, func(e any) bool { return id["value"] != nil && matches(e, id) }) {
				old = append(old, g)
			}
			if g.(map[string]any)["primary"] == true {
				only(old, g)
			}
		}
		return old
	}
	var found []any
	for _, e := range old {
		if p.any == nil || slices.ContainsFunc(p.any, func(all map[string]any) bool { return matches(e, all) }) {
			found = append(found, e)
		}
	}
	if op == "remove" && p.sub == "" {
		return slices.DeleteFunc(old, func(e any) bool {
			return slices.ContainsFunc(found, func(f any) bool { return cmp.Equal(e, f) })
		})
	}
	if len(found) == 0 && op != "remove" {
		made := map[string]any{}
		if p.any != nil {
			maps.Copy(made, p.any[0])
		}
		found, old = []any{made}, append(old, made)
	}
	for _, e := range found {
		o := e.(map[string]any)
		switch {
		case op == "remove":
			delete(o, p.sub)
		case p.sub != "":
			o[p.sub] = v
		default:
			maps.Copy(o, v.(map[string]any))
		}
		if op != "remove" && o["primary"] == true {
			only(old, e)
		}
	}
	return old
}

// only makes one element the only primary one.
func only(list []any, primary any) {
	for _, e := range list {
		if e := e.(map[string]any); e["primary"] == true && !cmp.Equal(e, primary) {
			e["primary"] = false
		}
	}
}

// elementsOf are the elements that a value means, in whatever form it came (Q63).
func elementsOf(name string, v any) []any {
	switch v := v.(type) {
	case []any:
		var all []any
		for _, item := range v {
			all = append(all, elementsOf(name, item)...)
		}
		return all
	case map[string]any:
		if inner, ok := v[name]; ok { // {"members": […]} (O15)
			return elementsOf(name, inner)
		}
		return []any{v}
	case string:
		return []any{map[string]any{"value": v}}
	}
	return nil
}

func matches(e any, all map[string]any) bool {
	for key, val := range all {
		have := e.(map[string]any)[key]
		a, isText := have.(string)
		b, wantsText := val.(string)
		if isText && wantsText && key == "type" && strings.EqualFold(a, b) {
			continue
		}
		if !cmp.Equal(have, val) {
			return false
		}
	}
	return true
}

// plain is a value in which lists have an order.
func plain(v any) any {
	switch v := v.(type) {
	case intent:
		return plain(map[string]any(v))
	case map[string]any:
		o := map[string]any{}
		for key, val := range v {
			o[key] = plain(val)
		}
		return o
	case []any:
		a := []any{}
		for _, item := range v {
			a = append(a, plain(item))
		}
		slices.SortFunc(a, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		return a
	}
	return v
}
