package quirks

import (
	"strconv"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// Settled reports cheaply whether a document is a whole answer of SCIM that [Normalizer.Answer] would leave as it is, so that a
// good server's answer need not be taken apart. It looks at shapes only and errs on the side of no.
func (n *Normalizer) Settled(op *scim.Operation, d doc.Doc) bool {
	if len(op.Query.Attributes) > 0 || len(op.Query.Excluded) > 0 {
		return false
	}
	c := d.Cursor()
	if op.Verb != scim.List {
		return n.settledResource(d, &c)
	}
	if c.Kind() != doc.Object {
		return false
	}
	var schemas, resources bool
	var perPage []byte
	got, numbers := 0, 0
	for c.Open(); c.More(); {
		switch key := c.Key(); string(d.In(key).Raw()) {
		case `"schemas"`:
			schemas = c.Kind() == doc.Array
		case `"totalResults"`, `"startIndex"`:
			if c.Kind() == doc.Number {
				numbers++
			}
		case `"itemsPerPage"`:
			perPage = d.In(c.Skip()).Raw()
			continue
		case `"Resources"`:
			if resources = c.Kind() == doc.Array; !resources {
				return false
			}
			for c.Open(); c.More(); {
				if !n.settledResource(d, &c) {
					return false
				}
				got++
			}
			continue
		}
		c.Skip()
	}
	return schemas && resources && numbers == 2 && string(perPage) == strconv.Itoa(got)
}

func (n *Normalizer) settledResource(d doc.Doc, c *doc.Cursor) bool {
	if c.Kind() != doc.Object {
		return false
	}
	var schemas, id, meta bool
	for c.Open(); c.More(); {
		key := d.In(c.Key())
		ahead := *c
		switch string(key.Raw()) {
		case `"schemas"`:
			schemas = c.Kind() == doc.Array
			c.Skip()
			continue
		case `"id"`:
			v := d.In(ahead.Skip())
			id = v.Kind() == doc.String && !v.Is("")
		case `"meta"`:
			v := d.In(ahead.Skip())
			of, _ := v.Lookup("resourceType")
			at, _ := v.Lookup("location")
			meta = of.Kind() == doc.String && at.Kind() == doc.String
		}
		if s, ok := n.shapes.of(key); !ok || n.odd(d, c, s) {
			return false
		}
	}
	return schemas && id && meta
}

// odd reports whether there is something in the value at the cursor that might have to be something else: a word or a number for a
// boolean, a list that is none, the id of a resource that is a number or stands for an object. It moves behind the value, if not.
func (n *Normalizer) odd(d doc.Doc, c *doc.Cursor, s shape) bool {
	if kind := c.Kind(); s&multiValued != 0 && kind != doc.Array && kind != doc.Null {
		return true
	}
	switch c.Kind() {
	case doc.Array:
		for c.Open(); c.More(); {
			if s&complexValues != 0 && c.Kind() != doc.Object || n.odd(d, c, 0) {
				return true
			}
		}
	case doc.Object:
		for c.Open(); c.More(); {
			if s, ok := n.shapes.of(d.In(c.Key())); !ok || n.odd(d, c, s) {
				return true
			}
		}
	case doc.String:
		c.Skip()
		return s&(boolean|pointer) != 0
	case doc.Number:
		c.Skip()
		return s&(boolean|pointer|identifier) != 0
	default:
		c.Skip()
	}
	return false
}

// A shape is what the values of the attributes with one name are like, for the little that [Normalizer.Settled] asks.
type shape uint8

const (
	multiValued   shape = 1 << iota // a list
	complexValues                   // of objects
	boolean
	pointer    // an object, for which somebody may write the id in it
	identifier // an id
	hidden     // never returned
)

// shapes are those of all attributes, by their names as JSON has them, and the names themselves without case.
type shapes struct {
	spelled map[string]shape
	folded  map[string]bool
}

func shapesOf(set *schema.Set) shapes {
	s := shapes{map[string]shape{}, map[string]bool{}}
	for _, rt := range []*schema.ResourceType{set.User, set.Group} {
		s.add(rt.Core.ID, 0)
		for _, name := range []string{"schemas", "id", "externalId", "meta"} { // what every resource has
			s.attribute(rt.Attribute("", name, ""))
		}
		for _, ext := range rt.Extensions {
			s.add(ext.ID, 0)
		}
		for _, a := range rt.Attributes() {
			s.attribute(a)
		}
	}
	return s
}

func (s shapes) attribute(a *schema.Attribute) {
	var is shape
	if a.MultiValued {
		is |= multiValued
		if a.Type == schema.Complex {
			is |= complexValues
		}
	}
	if a.Type == schema.Boolean {
		is |= boolean
	}
	if pointsElsewhere(a) || refers(a) {
		is |= pointer
		s.add("value", identifier)
	}
	if a.Name == "id" {
		is |= identifier
	}
	if a.Returned == schema.Never {
		is |= hidden
	}
	s.add(a.Name, is)
	for _, sub := range a.Sub {
		s.attribute(sub)
	}
}

func (s shapes) add(name string, is shape) {
	s.spelled[`"`+name+`"`] |= is
	s.folded[doc.Fold(name)] = true
}

// of returns the shape of the attributes with a name. It is false for a name that is spelled in another way than the schema has it, and
// for what has no place in an answer.
func (s shapes) of(key doc.Value) (shape, bool) {
	is, ok := s.spelled[string(key.Raw())]
	if !ok {
		return 0, !s.folded[doc.Fold(key.Text())]
	}
	return is, is&hidden == 0
}
