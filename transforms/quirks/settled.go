package quirks

import (
	"slices"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// Settled tells cheaply whether a document is a whole answer of SCIM that [Normalizer.Answer] would leave as it is, so that a
// good server's answer need not be taken apart. It looks at shapes only and errs on the side of no.
func (n *Normalizer) Settled(op *scim.Operation, d doc.Doc) bool {
	c := d.Cursor()
	if op.Verb != scim.List {
		return n.settledResource(d, &c)
	}
	if c.Kind() != doc.Object {
		return false
	}
	var schemas, resources bool
	numbers := 0
	for c.Open(); c.More(); {
		switch key := c.Key(); string(d.In(key).Raw()) {
		case `"schemas"`:
			schemas = c.Kind() == doc.Array
		case `"totalResults"`, `"startIndex"`, `"itemsPerPage"`:
			if c.Kind() == doc.Number {
				numbers++
			}
		case `"Resources"`:
			if resources = c.Kind() == doc.Array; !resources {
				return false
			}
			for c.Open(); c.More(); {
				if !n.settledResource(d, &c) {
					return false
				}
			}
			continue
		}
		c.Skip()
	}
	return schemas && resources && numbers == 3
}

func (n *Normalizer) settledResource(d doc.Doc, c *doc.Cursor) bool {
	if c.Kind() != doc.Object {
		return false
	}
	var schemas, id, meta bool
	for c.Open(); c.More(); {
		switch key := d.In(c.Key()); string(key.Raw()) {
		case `"schemas"`:
			schemas = c.Kind() == doc.Array
			c.Skip()
		case `"id"`:
			v := d.In(c.Skip())
			id = v.Kind() == doc.String && !v.Is("")
		case `"meta"`:
			val := d.In(c.Skip())
			of, _ := val.Lookup("resourceType")
			at, _ := val.Lookup("location")
			meta = of.Kind() == doc.String && at.Kind() == doc.String
		default:
			if n.suspicious(key, d, c) {
				return false
			}
		}
	}
	return schemas && id && meta
}

// suspicious tells whether there is something in the value at the cursor that might have to be something else: a word for a
// boolean, the id of a resource that is a number or stands for an object. It moves behind the value, if not.
func (n *Normalizer) suspicious(key doc.Value, d doc.Doc, c *doc.Cursor) bool {
	switch c.Kind() {
	case doc.Array:
		for c.Open(); c.More(); {
			if n.suspicious(key, d, c) {
				return true
			}
		}
	case doc.Object:
		for c.Open(); c.More(); {
			if n.suspicious(d.In(c.Key()), d, c) {
				return true
			}
		}
	case doc.String:
		v := d.In(c.Skip())
		return v.Is("true") || v.Is("false") || slices.ContainsFunc(n.pointers, key.Is)
	case doc.Number:
		c.Skip()
		return key.Is("value") || slices.ContainsFunc(n.pointers, key.Is)
	default:
		c.Skip()
	}
	return false
}

// pointersOf are the names of all attributes for which an id stands for an object, in a list or alone.
func pointersOf(set *schema.Set) (names []string) {
	for _, rt := range []*schema.ResourceType{set.User, set.Group} {
		for _, s := range append([]*schema.Schema{rt.Core}, rt.Extensions...) {
			for _, a := range s.Attributes {
				if (pointsElsewhere(a) || refers(a)) && !slices.Contains(names, a.Name) {
					names = append(names, a.Name)
				}
			}
		}
	}
	return names
}
