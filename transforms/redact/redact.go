// Package redact walks over the values in SCIM documents, PATCH paths and filters, and knows of each which attribute it is
// of, so that values can be hidden by what they are and never by how they look. Who rewrites them says what takes their place.
package redact

import (
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/quirks"
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

// Append appends a whole document, or a part of it that is of the attribute a.
func Append(dst []byte, v doc.Value, a Attribute, r Rewriter) []byte {
	if a.Secret() {
		return doc.AppendString(dst, quirks.Hidden)
	}
	switch v.Kind() {
	case doc.Object:
		return appendObject(dst, v, a.Name, r)
	case doc.Array:
		dst = append(dst, '[')
		n := 0
		for item := range v.Items() {
			if n++; n > 1 {
				dst = append(dst, ',')
			}
			dst = Append(dst, item, a, r)
		}
		return append(dst, ']')
	case doc.String:
		if a.Name == "path" {
			return doc.AppendString(dst, Path(v.Text(), r))
		}
	}
	return r.Value(dst, a, v)
}

func appendObject(dst []byte, v doc.Value, name string, r Rewriter) []byte {
	target := "" // what the value of a PATCH operation is of
	if p, ok := v.Lookup("path"); ok && p.Kind() == doc.String {
		target = p.Text()
	}
	dst = append(dst, '{')
	n := 0
	for key, item := range v.Fields() {
		if n++; n > 1 {
			dst = append(dst, ',')
		}
		text := key.Text()
		dst = append(doc.AppendString(dst, Path(text, r)), ':')
		if target != "" && doc.FoldEqual(text, "value") {
			text = target
		}
		a := Of(text)
		if a.Parent == "" {
			a.Parent = name
		}
		dst = Append(dst, item, a, r)
	}
	return append(dst, '}')
}
