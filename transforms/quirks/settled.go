package quirks

import (
	"slices"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// Settled tells cheaply whether [Normalizer.Answer] would leave a document as it is, so that a good server's answer need not
// be taken apart. It looks at shapes only and errs on the side of no.
func (n *Normalizer) Settled(op *scim.Operation, v doc.Value) bool {
	if op.Verb != scim.List {
		return n.settledResource(v)
	}
	var schemas, resources bool
	numbers := 0
	for key, val := range v.Fields() {
		switch string(key.Raw()) {
		case `"schemas"`:
			schemas = val.Kind() == doc.Array
		case `"totalResults"`, `"startIndex"`, `"itemsPerPage"`:
			if val.Kind() == doc.Number {
				numbers++
			}
		case `"Resources"`:
			resources = val.Kind() == doc.Array
			for res := range val.Items() {
				if !n.settledResource(res) {
					return false
				}
			}
		}
	}
	return schemas && resources && numbers == 3
}

func (n *Normalizer) settledResource(v doc.Value) bool {
	var schemas, meta bool
	for key, val := range v.Fields() {
		switch string(key.Raw()) {
		case `"schemas"`:
			schemas = val.Kind() == doc.Array
		case `"meta"`:
			of, _ := val.Lookup("resourceType")
			at, _ := val.Lookup("location")
			meta = of.Kind() == doc.String && at.Kind() == doc.String
		default:
			if n.suspicious(key, val) {
				return false
			}
		}
	}
	return schemas && meta
}

// suspicious tells whether there is a string in the value that might have to be something else: a word for a boolean, or
// the value of an attribute that holds an object.
func (n *Normalizer) suspicious(key, v doc.Value) bool {
	switch v.Kind() {
	case doc.String:
		return v.Is("true") || v.Is("false") || slices.ContainsFunc(n.pointers, key.Is)
	case doc.Array:
		for item := range v.Items() {
			if n.suspicious(doc.Value{}, item) {
				return true
			}
		}
	case doc.Object:
		for k, val := range v.Fields() {
			if n.suspicious(k, val) {
				return true
			}
		}
	}
	return false
}

// pointersOf are the names of all attributes for which a string stands for an object.
func pointersOf(set *schema.Set) (names []string) {
	for _, rt := range []*schema.ResourceType{set.User, set.Group} {
		for _, s := range append([]*schema.Schema{rt.Core}, rt.Extensions...) {
			for _, a := range s.Attributes {
				if pointsElsewhere(a) && !slices.Contains(names, a.Name) {
					names = append(names, a.Name)
				}
			}
		}
	}
	return names
}
