package quirks

import (
	"slices"
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
	a := answer{n: n, op: op, acc: acc}
	if op.Verb == scim.List {
		a.list(body)
		return
	}
	a.resource(body, "")
}

type answer struct {
	n   *Normalizer
	op  *scim.Operation
	acc *Account
}

// apply counts a rule and tells whether it is on.
func (a *answer) apply(r rule, path string, before *doc.Node, after string) bool {
	if !a.n.on[r] {
		return false
	}
	if !a.acc.wants() {
		a.acc.count(r, 1)
		return true
	}
	text := ""
	if before != nil {
		text = string(before.AppendTo(nil))
	}
	a.acc.note(r, path, text, after)
	return true
}

// list normalizes a ListResponse (RFC 7644 §3.4.2).
func (a *answer) list(body *doc.Node) {
	for _, name := range []string{"schemas", "totalResults", "Resources", "startIndex", "itemsPerPage"} {
		for _, f := range body.Fields() {
			if f.Name != name && doc.FoldEqual(f.Name, name) && a.apply(answerList, f.Name, nil, name) {
				body.Rename(f.Name, name)
				break
			}
		}
	}
	if v := body.Get("Resources"); v.Kind() != doc.Array && v.Kind() != doc.Object && a.apply(answerList, "Resources", v, "[]") {
		body.Set("Resources", doc.NewArray())
	}
	resources := body.Get("Resources")
	for i, res := range resources.Items() {
		a.resource(res, a.at("Resources[", i, "]."))
	}
	if v := body.Get("schemas"); v.Kind() != doc.Array && a.apply(answerList, "schemas", v, scim.ListSchema) {
		body.Set("schemas", doc.NewArray(doc.NewString(scim.ListSchema)))
	}
	got := len(resources.Items())
	start := a.op.Query.StartIndex
	a.number(body, "totalResults", start-1+got)
	a.number(body, "startIndex", start)
	a.number(body, "itemsPerPage", got)
}

// number makes a number of a count that is missing or a string.
func (a *answer) number(body *doc.Node, name string, missing int) {
	v := body.Get(name)
	if v.Kind() == doc.Number {
		return
	}
	if i, err := strconv.Atoi(v.Text()); v.Kind() == doc.String && err == nil && i >= 0 {
		missing = i
	}
	if a.apply(answerList, name, v, strconv.Itoa(missing)) {
		body.Set(name, doc.NewInt(int64(missing)))
	}
}

// resource normalizes one resource (Q77).
func (a *answer) resource(res *doc.Node, path string) {
	if res.Kind() != doc.Object {
		return
	}
	rt := a.op.Type
	if id, ok := integer(res.Get("id")); ok && a.apply(answerID, path+"id", res.Get("id"), id) {
		res.Set("id", doc.NewString(id))
	}
	uris := []*doc.Node{doc.NewString(rt.Core.ID)}
	for _, f := range res.Fields() {
		if s := rt.Schema(f.Name); s != nil && f.Value.Kind() == doc.Object {
			if s != rt.Core {
				uris = append(uris, doc.NewString(s.ID))
			}
			for _, g := range f.Value.Fields() {
				a.value(s.Attribute(g.Name), f.Value, g, a.join(path, f.Name, "."))
			}
			continue
		}
		a.value(rt.Attribute("", f.Name, ""), res, f, path)
	}
	if v := res.Get("schemas"); v.Kind() != doc.Array && a.apply(answerSchemas, path+"schemas", v, rt.Core.ID) {
		res.Set("schemas", doc.NewArray(uris...))
	}
	meta := res.Get("meta")
	if meta.Get("resourceType").Kind() == doc.String || !a.apply(answerMeta, path+"meta.resourceType", meta.Get("resourceType"), rt.Name) {
		return
	}
	if meta.Kind() != doc.Object {
		meta = doc.NewObject()
		res.Set("meta", meta)
	}
	meta.Set("resourceType", doc.NewString(rt.Name))
}

// value normalizes one member of an object.
func (a *answer) value(attr *schema.Attribute, in *doc.Node, f doc.Field, path string) {
	if attr == nil {
		return
	}
	path = a.join(path, f.Name)
	switch {
	case f.Value.Kind() == doc.Object: // of a list, too: some servers show the one element only
		a.inside(attr, f.Value, a.join(path, "."))
	case attr.MultiValued:
		a.elements(attr, f.Value, path)
	case f.Value.Kind() == doc.Number && refers(attr):
		if id, ok := integer(f.Value); ok && a.apply(answerManager, path, f.Value, `{"value":…}`) {
			in.Set(f.Name, reference(doc.NewString(id)))
		}
	case f.Value.Kind() != doc.String:
	case attr.Type == schema.Boolean:
		if b, ok := asBoolean(f.Value.Text()); ok && a.apply(answerBoolean, path, f.Value, strconv.FormatBool(b)) {
			in.Set(f.Name, doc.NewBool(b))
		}
	case pointsElsewhere(attr) && f.Value.Text() == "": // nobody
		if a.apply(answerManager, path, f.Value, "") {
			in.Delete(f.Name)
		}
	case pointsElsewhere(attr):
		if a.apply(answerManager, path, f.Value, `{"value":…}`) {
			in.Set(f.Name, reference(f.Value))
		}
	}
}

// elements normalizes those of a list. One that refers to a resource by nothing but its id becomes an object.
func (a *answer) elements(attr *schema.Attribute, list *doc.Node, path string) {
	var out []*doc.Node
	for i, item := range list.Items() {
		a.inside(attr, item, a.at(path+"[", i, "]."))
		id, ok := integer(item)
		if item.Kind() == doc.String {
			id, ok = item.Text(), item.Text() != ""
		}
		if !ok || !refers(attr) || !a.apply(answerID, a.at(path+"[", i, "]"), item, `{"value":…}`) {
			continue
		}
		if out == nil {
			out = slices.Clone(list.Items())
		}
		out[i] = reference(doc.NewString(id))
	}
	if out != nil {
		list.SetItems(out)
	}
}

func reference(id *doc.Node) *doc.Node {
	n := doc.NewObject()
	n.Set("value", id)
	return n
}

// refers tells whether the values of an attribute are resources, known by their ids: members, groups, the manager.
func refers(attr *schema.Attribute) bool {
	if attr.Type != schema.Complex || attr.SubAttribute("$ref") == nil {
		return false
	}
	id := attr.SubAttribute("value")
	return id != nil && id.Type == schema.String
}

// integer is the digits of a number that may be an id.
func integer(n *doc.Node) (digits string, ok bool) {
	if n.Kind() != doc.Number {
		return "", false
	}
	digits = n.Text()
	return digits, strings.Trim(digits, "0123456789") == ""
}

// join and at make a path for the records, where somebody keeps any.
func (a *answer) join(parts ...string) string {
	if !a.acc.wants() {
		return ""
	}
	return strings.Join(parts, "")
}

func (a *answer) at(before string, i int, after string) string {
	if !a.acc.wants() {
		return ""
	}
	return before + strconv.Itoa(i) + after
}

// inside normalizes the members of a complex value.
func (a *answer) inside(attr *schema.Attribute, v *doc.Node, path string) {
	if attr.Type != schema.Complex {
		return
	}
	for _, f := range v.Fields() {
		if id, ok := integer(f.Value); ok && doc.FoldEqual(f.Name, "value") && refers(attr) {
			if a.apply(answerID, a.join(path, f.Name), f.Value, id) {
				v.Set(f.Name, doc.NewString(id))
			}
			continue
		}
		a.value(attr.SubAttribute(f.Name), v, f, path)
	}
}

func asBoolean(text string) (value, ok bool) {
	switch {
	case doc.FoldEqual(text, "true"):
		return true, true
	case doc.FoldEqual(text, "false"):
		return false, true
	}
	return false, false
}

// Rebase gives the URLs of a document that begin with one base another one: meta.location and every $ref (Q77), wherever
// they are. A base has no slash at its end. It returns how many there were.
func Rebase(v *doc.Node, from, to string) (n int) {
	for _, item := range v.Items() {
		n += Rebase(item, from, to)
	}
	for _, f := range v.Fields() {
		switch {
		case f.Value.Kind() != doc.String:
			n += Rebase(f.Value, from, to)
		case f.Name == "location" || f.Name == "$ref":
			rest, ok := strings.CutPrefix(f.Value.Text(), from)
			if ok && from != to && (rest == "" || rest[0] == '/') {
				v.Set(f.Name, doc.NewString(to+rest))
				n++
			}
		}
	}
	return n
}
