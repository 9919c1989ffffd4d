// Package redact walks over the values in SCIM documents, PATCH paths and filters, and knows of each which attribute it is
// of, so that values can be hidden by what they are and never by how they look. Who rewrites them says what takes their place.
package redact

import (
	"bytes"
	"strings"
	"sync"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/quirks"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// Attribute is what a value is of: the value of emails, or displayName. Names are in lower case.
type Attribute struct {
	Parent string // the complex attribute; empty where there is none
	Name   string
}

// Rewriter says what takes the place of a value. It never sees a secret.
type Rewriter interface {
	// Value appends the JSON that takes the place of a string, number, boolean or null.
	Value(dst []byte, a Attribute, v doc.Value) []byte

	// Literal returns what takes the place of a string that a path or a filter compares an attribute with.
	Literal(a Attribute, s string) string
}

// Of takes a path apart: emails[type eq "work"].value is value of emails, urn:…:User:manager is manager.
func Of(path string) Attribute {
	for {
		i := strings.IndexByte(path, '[')
		if i < 0 {
			break
		}
		end := strings.LastIndexByte(path, ']')
		if end < i {
			path = path[:i]
			break
		}
		path = path[:i] + path[end+1:]
	}
	if i := strings.LastIndexByte(path, ':'); i >= 0 {
		path = path[i+1:] // a version such as 2.0 is before it
	}
	path = doc.Fold(path)
	parent, name, ok := cutLast(path)
	if !ok {
		return Attribute{Name: path}
	}
	if _, last, ok := cutLast(parent); ok {
		parent = last
	}
	return Attribute{parent, name}
}

// named returns what a key or a path in a document is of.
func named(v doc.Value) Attribute {
	raw := v.Raw()
	if a, ok := standard()[string(raw[1:len(raw)-1])]; ok {
		return a
	}
	return Of(v.Text())
}

// standard are the names of RFC 7643 and 7644 and the paths of attributes: nearly all that is in documents, which need not
// be taken apart each time.
var standard = sync.OnceValue(func() map[string]Attribute {
	all := map[string]Attribute{}
	add := func(paths ...string) {
		for _, path := range paths {
			all[path] = Of(path)
		}
	}
	add("schemas", "id", "externalId", "meta", "resourceType", "created", "lastModified", "location", "version", "Operations", "op", "path",
		"value", "Resources", "totalResults", "itemsPerPage", "startIndex", "status", "scimType", "detail")
	set := schema.Standard()
	for _, rt := range []*schema.ResourceType{set.User, set.Group} {
		for _, s := range append([]*schema.Schema{rt.Core}, rt.Extensions...) {
			add(s.ID)
			for _, a := range s.Attributes {
				add(a.Name, s.ID+":"+a.Name)
				for _, sub := range a.Sub {
					add(sub.Name, a.Name+"."+sub.Name, s.ID+":"+a.Name+"."+sub.Name)
				}
			}
		}
	}
	return all
})

func cutLast(s string) (before, after string, ok bool) {
	if i := strings.LastIndexByte(s, '.'); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return "", s, false
}

// Secret reports whether nobody may see the attribute's values, whoever looks.
func (a Attribute) Secret() bool {
	return a.Name == "password" || strings.Contains(a.Name, "secret") || strings.Contains(a.Name, "token")
}

// plain are attributes whose values tell nothing of a person. An attribute that the operator has declared may hold
// anything, and is not here.
var plain = map[string]bool{
	"schemas": true, "op": true, "type": true, "primary": true, "active": true, "meta": true, "resourcetype": true,
	"created": true, "lastmodified": true, "version": true, "state": true, "status": true, "scimtype": true,
	"totalresults": true, "itemsperpage": true, "startindex": true, // RFC 7644 §3.4.2
}

// Plain reports whether the attribute's values tell nothing of a person.
func (a Attribute) Plain() bool { return plain[a.Name] }

// Append appends a whole document, or a part of it that is of the attribute a. However deep a value lies, it is read once.
func Append(dst []byte, v doc.Value, a Attribute, r Rewriter) []byte {
	if v.Kind() == doc.Invalid {
		return r.Value(dst, a, v)
	}
	c := v.Cursor()
	return appendValue(dst, &c, a, r)
}

func appendValue(dst []byte, c *doc.Cursor, a Attribute, r Rewriter) []byte {
	if a.Secret() {
		c.Skip()
		return doc.AppendString(dst, quirks.Hidden)
	}
	switch c.Kind() {
	case doc.Object:
		return appendObject(dst, c, a.Name, r)
	case doc.Array:
		dst = append(dst, '[')
		n := 0
		for c.Open(); c.More(); n++ {
			if n > 0 {
				dst = append(dst, ',')
			}
			dst = appendValue(dst, c, a, r)
		}
		return append(dst, ']')
	case doc.String:
		if a.Name == "path" {
			return appendPath(dst, c.Next(), r)
		}
	}
	return r.Value(dst, a, c.Next())
}

func appendObject(dst []byte, c *doc.Cursor, name string, r Rewriter) []byte {
	object := *c
	dst = append(dst, '{')
	n := 0
	for c.Open(); c.More(); n++ {
		if n > 0 {
			dst = append(dst, ',')
		}
		key := c.In(c.Key())
		dst = append(appendPath(dst, key, r), ':')
		a := named(key)
		if key.Is("value") {
			if path := target(object); len(path.Raw()) > len(`""`) {
				a = named(path)
			}
		}
		if a.Parent == "" {
			a.Parent = name
		}
		dst = appendValue(dst, c, a, r)
	}
	return append(dst, '}')
}

// target returns what the value of a PATCH operation is of; the cursor stands at the operation, or at another object.
func target(c doc.Cursor) doc.Value {
	for c.Open(); c.More(); {
		key := c.In(c.Key())
		if path := c.Next(); key.Is("path") && path.Kind() == doc.String {
			return path
		}
	}
	return doc.Value{}
}

// appendPath appends a path or a key, which may be one. There are no values in what has no quotation marks, which would be
// escaped.
func appendPath(dst []byte, v doc.Value, r Rewriter) []byte {
	if bytes.IndexByte(v.Raw(), '\\') < 0 {
		return append(dst, v.Raw()...)
	}
	return doc.AppendString(dst, Path(v.Text(), r))
}
