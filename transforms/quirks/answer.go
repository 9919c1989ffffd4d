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
	case attr.MultiValued:
		for i, item := range f.Value.Items() {
			a.inside(attr, item, a.at(path+"[", i, "]."))
		}
	case f.Value.Kind() == doc.Object:
		a.inside(attr, f.Value, a.join(path, "."))
	case f.Value.Kind() != doc.String:
	case attr.Type == schema.Boolean:
		if b, ok := asBoolean(f.Value.Text()); ok && a.apply(answerBoolean, path, f.Value, strconv.FormatBool(b)) {
			in.Set(f.Name, doc.NewBool(b))
		}
	case pointsElsewhere(attr) && f.Value.Text() != "":
		if a.apply(answerManager, path, f.Value, `{"value":…}`) {
			whole := doc.NewObject()
			whole.Set("value", f.Value)
			in.Set(f.Name, whole)
		}
	}
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
