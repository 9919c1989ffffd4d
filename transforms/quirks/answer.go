package quirks

import (
	"strconv"
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// Answer normalizes the document of a SCIM upstream that carried an operation out: a resource, or for [scim.List] a list of
// them. What a provider reads in another form than it writes, it corrects in every cycle, for ever (Q79). The document is
// changed in place; what nothing is wrong with is printed as it came.
func (n *Normalizer) Answer(op *scim.Operation, body *doc.Node, acc *Account) {
	a := answerPass{n: n, op: op, acc: acc}
	if op.Verb == scim.List {
		a.list(body)
		return
	}
	a.resource(body, "")
}

type answerPass struct {
	n   *Normalizer
	op  *scim.Operation
	acc *Account
}

// apply counts a rule and reports whether it is on.
func (a *answerPass) apply(r ruleID, path string, before *doc.Node, after string) bool {
	if !a.n.on[r] {
		return false
	}
	text := ""
	if before != nil && a.acc.wants() {
		text = string(before.AppendTo(nil))
	}
	a.acc.note(r, path, text, after)
	return true
}

// resource normalizes one resource (Q77).
func (a *answerPass) resource(res *doc.Node, path string) {
	if res.Kind() != doc.Object {
		return
	}
	rt := a.op.Type
	if id, ok := integer(res.Get("id")); ok && a.apply(answerID, path+"id", res.Get("id"), id) {
		res.Set("id", doc.NewString(id))
	}
	uris := []*doc.Node{doc.NewString(rt.Core.ID)}
	for _, f := range res.Fields() {
		s := rt.Schema(f.Name)
		if s == nil || f.Value.Kind() != doc.Object {
			a.value(rt.Attribute("", f.Name, ""), res, f, path)
			continue
		}
		f = a.spell(res, f, s.ID, path)
		if s != rt.Core {
			uris = append(uris, doc.NewString(s.ID))
		}
		for _, g := range f.Value.Fields() {
			a.value(s.Attribute(g.Name), f.Value, g, a.join(path, f.Name, "."))
		}
	}
	if v := res.Get("schemas"); v.Kind() != doc.Array && a.apply(answerSchemas, path+"schemas", v, rt.Core.ID) {
		res.Set("schemas", doc.NewArray(uris...))
	}
	meta := res.Get("meta")
	if meta.Get("resourceType").Kind() != doc.String && a.apply(answerMeta, path+"meta.resourceType", meta.Get("resourceType"), rt.Name) {
		if meta.Kind() != doc.Object {
			meta = doc.NewObject()
			res.Set("meta", meta)
		}
		meta.Set("resourceType", doc.NewString(rt.Name))
	}
	a.project(res, path)
}

// project leaves out what the query did not ask for (RFC 7644 §3.9), and what is never returned, whoever asks (RFC 7643 §7).
func (a *answerPass) project(res *doc.Node, path string) {
	q := a.op.Query
	if !a.n.on[answerAttributes] {
		q = scim.Query{}
	}
	kept := scim.Project(res, a.op.Type, q)
	if kept == res || kept.Equal(res) {
		return
	}
	a.apply(answerAttributes, strings.TrimSuffix(path, "."), nil, "")
	for _, f := range res.Fields() {
		res.Set(f.Name, kept.Get(f.Name))
	}
}

// spell gives a member of an object the name that the schema spells so: clients compare bytes, although case means nothing
// (RFC 7643 §2.1).
func (a *answerPass) spell(in *doc.Node, f doc.Field, name, path string) doc.Field {
	if f.Name != name && a.apply(answerCase, a.join(path, f.Name), nil, name) {
		in.Rename(f.Name, name)
		f.Name = name
	}
	return f
}

// value normalizes one member of an object.
func (a *answerPass) value(attr *schema.Attribute, in *doc.Node, f doc.Field, path string) {
	if attr == nil {
		return
	}
	f = a.spell(in, f, attr.Name, path)
	path = a.join(path, f.Name)
	switch kind := f.Value.Kind(); {
	case attr.MultiValued && attr.Name == "schemas":
	case attr.MultiValued:
		if kind != doc.Array && kind != doc.Null {
			if !a.apply(answerElements, path, f.Value, "[…]") {
				return
			}
			f.Value = doc.NewArray(elementsOf(f.Value)...)
			in.Set(f.Name, f.Value)
		}
		a.elements(attr, f.Value, path)
	case kind == doc.Object:
		a.inside(attr, f.Value, a.join(path, "."))
	case kind == doc.Number && refers(attr):
		if id, ok := integer(f.Value); ok && a.apply(answerManager, path, f.Value, `{"value":…}`) {
			in.Set(f.Name, reference(doc.NewString(id)))
		}
	case attr.Type == schema.Boolean:
		if b, ok := asBoolean(f.Value); ok && a.apply(answerBoolean, path, f.Value, strconv.FormatBool(b)) {
			in.Set(f.Name, doc.NewBool(b))
		}
	case kind != doc.String || !pointsElsewhere(attr):
	case f.Value.Text() == "": // nobody
		if a.apply(answerManager, path, f.Value, "") {
			in.Delete(f.Name)
		}
	default:
		if a.apply(answerManager, path, f.Value, `{"value":…}`) {
			in.Set(f.Name, reference(f.Value))
		}
	}
}

// elements normalizes those of a list. Where they have to be objects, one that is its value alone becomes one, and one that is
// nothing is none.
func (a *answerPass) elements(attr *schema.Attribute, list *doc.Node, path string) {
	if attr.Type != schema.Complex {
		return
	}
	items, changed := []*doc.Node{}, false
	for i, item := range list.Items() {
		at := a.at(path+"[", i, "]")
		if item.Kind() == doc.Object {
			a.inside(attr, item, a.join(at, "."))
			items = append(items, item)
			continue
		}
		rule, element, ok := elementOf(attr, item)
		switch {
		case !ok || !a.apply(rule, at, item, `{"value":…}`):
			items = append(items, item)
			continue
		case element != nil:
			items = append(items, element)
		}
		changed = true
	}
	if changed {
		list.SetItems(items)
	}
}

// elementOf returns the element of a list that is meant by a value alone: the id of a resource, or what every element of such a list
// has. It is nil for a value that is nothing.
func elementOf(attr *schema.Attribute, v *doc.Node) (r ruleID, element *doc.Node, ok bool) {
	r = answerElements
	if refers(attr) {
		r = answerID
	}
	text := v.Text()
	switch v.Kind() {
	case doc.Null:
		return answerElements, nil, true
	case doc.String:
		if text == "" {
			return answerElements, nil, true
		}
	case doc.Number:
		if _, whole := integer(v); !whole && refers(attr) {
			return none, nil, false
		}
	default:
		return none, nil, false
	}
	for _, name := range []string{"value", "formatted"} { // an address has no value (RFC 7643 §4.1.2)
		if attr.SubAttribute(name) != nil {
			element = doc.NewObject()
			element.Set(name, doc.NewString(text))
			return r, element, true
		}
	}
	return none, nil, false
}

// elementsOf returns the elements of a list that was not written as one.
func elementsOf(v *doc.Node) []*doc.Node {
	switch {
	case v.Kind() == doc.Object:
		return several(v)
	case v.Kind() == doc.String && v.Text() == "":
		return nil
	}
	return []*doc.Node{v}
}

// several returns the elements of a list that was written as an object: none, one, or those under its numbers, as PHP writes an
// array with gaps.
func several(v *doc.Node) (items []*doc.Node) {
	for _, f := range v.Fields() {
		if !digits([]byte(f.Name)) {
			return []*doc.Node{v}
		}
		items = append(items, f.Value)
	}
	return items
}

func reference(id *doc.Node) *doc.Node {
	n := doc.NewObject()
	n.Set("value", id)
	return n
}

// refers reports whether the values of an attribute are resources, known by their ids: members, groups, the manager.
func refers(attr *schema.Attribute) bool {
	if attr.Type != schema.Complex || attr.SubAttribute("$ref") == nil {
		return false
	}
	id := attr.SubAttribute("value")
	return id != nil && id.Type == schema.String
}

// integer returns the digits of a number that may be an id.
func integer(n *doc.Node) (digits string, ok bool) {
	if n.Kind() != doc.Number {
		return "", false
	}
	digits = n.Text()
	return digits, strings.Trim(digits, "0123456789") == ""
}

// join and at make a path for the records, where somebody keeps any.
func (a *answerPass) join(parts ...string) string {
	if !a.acc.wants() {
		return ""
	}
	return strings.Join(parts, "")
}

func (a *answerPass) at(before string, i int, after string) string {
	if !a.acc.wants() {
		return ""
	}
	return before + strconv.Itoa(i) + after
}

// inside normalizes the members of a complex value.
func (a *answerPass) inside(attr *schema.Attribute, v *doc.Node, path string) {
	if attr.Type != schema.Complex {
		return
	}
	for _, f := range v.Fields() {
		if id, ok := integer(f.Value); ok && doc.FoldEqual(f.Name, "value") && refers(attr) && a.apply(answerID, a.join(path, f.Name), f.Value, id) {
			v.Set(f.Name, doc.NewString(id))
		}
		a.value(attr.SubAttribute(f.Name), v, f, path)
	}
}

// asBoolean returns what is meant by a text or a number in the place of a boolean.
func asBoolean(v *doc.Node) (value, ok bool) {
	if v.Kind() != doc.String && v.Kind() != doc.Number {
		return false, false
	}
	switch text := v.Text(); {
	case doc.FoldEqual(text, "true"), text == "1":
		return true, true
	case doc.FoldEqual(text, "false"), text == "0":
		return false, true
	}
	return false, false
}
