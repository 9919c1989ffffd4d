package quirks

import (
	"strconv"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// list normalizes a ListResponse (RFC 7644 §3.4.2).
func (a *answerPass) list(body *doc.Node) {
	for _, name := range []string{"schemas", "totalResults", "Resources", "startIndex", "itemsPerPage"} {
		for _, f := range body.Fields() {
			if f.Name != name && doc.FoldEqual(f.Name, name) && a.apply(answerList, f.Name, nil, name) {
				body.Rename(f.Name, name)
				break
			}
		}
	}
	if v := body.Get("Resources"); v.Kind() != doc.Array && a.apply(answerList, "Resources", v, "[…]") {
		body.Set("Resources", doc.NewArray(several(v)...))
	}
	resources := body.Get("Resources").Items()
	for i, res := range resources {
		a.resource(res, a.at("Resources[", i, "]."))
	}
	if v := body.Get("schemas"); v.Kind() != doc.Array && a.apply(answerList, "schemas", v, scim.ListSchema) {
		body.Set("schemas", doc.NewArray(doc.NewString(scim.ListSchema)))
	}
	start, got := a.op.Query.StartIndex, len(resources)
	a.number(body, "totalResults", counted(body, "totalResults", start-1+got))
	a.number(body, "startIndex", counted(body, "startIndex", start))
	a.number(body, "itemsPerPage", got) // whatever was asked for
}

// counted returns a count that the list has, as a number or as its text, or else what it must be.
func counted(body *doc.Node, name string, missing int) int {
	if i, err := strconv.Atoi(body.Get(name).Text()); err == nil && i >= 0 {
		return i
	}
	return missing
}

// number sets a count that is something else.
func (a *answerPass) number(body *doc.Node, name string, count int) {
	v, text := body.Get(name), strconv.Itoa(count)
	if (v.Kind() != doc.Number || v.Text() != text) && a.apply(answerList, name, v, text) {
		body.Set(name, doc.NewInt(int64(count)))
	}
}
