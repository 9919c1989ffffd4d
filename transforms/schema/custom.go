package schema

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
)

// Custom declares an attribute that RFC 7643 does not define, so that its values are coerced, matched and published in
// /Schemas by what they are and not by what they look like.
type Custom struct {
	// The resource type that has the attribute: User or Group. The default is User.
	Resource string `json:"resource,omitempty"`
	// The attribute's full name: the URI of its schema, a colon, the name, as in
	// urn:ietf:params:scim:schemas:extension:Contoso:2.0:User:level. A URI that is not known yet becomes an extension. A
	// bare name adds to the core schema. A name with a dot (address.street) is a sub-attribute of a complex attribute.
	Path string `json:"path,omitempty"`
	// The data type: string, boolean, decimal, integer, dateTime, binary, reference or complex. The default is string.
	Type string `json:"type,omitempty"`
	// Whether the attribute holds a list of values. The default is false.
	MultiValued bool `json:"multi_valued,omitempty"`
	// Whether upper and lower case make a difference when its values are compared. The default is false.
	CaseExact bool `json:"case_exact,omitempty"`
}

// With returns the set with more attributes; s itself stays as it is. A multi-valued complex attribute of which no
// sub-attribute is declared gets those of RFC 7643 §2.4.
func (s *Set) With(custom ...Custom) (*Set, error) {
	set := &Set{User: s.User.clone(), Group: s.Group.clone()}
	var bare []*Attribute // complex attributes that came without sub-attributes
	for _, sub := range []bool{false, true} {
		for _, c := range custom {
			rt, uri, name, err := set.place(c)
			if err != nil {
				return nil, fmt.Errorf("custom attribute %q: %w", c.Path, err)
			}
			name, child, dotted := strings.Cut(name, ".")
			if dotted != sub {
				continue
			}
			a, err := rt.add(uri, name, child, c)
			if err != nil {
				return nil, fmt.Errorf("custom attribute %q: %w", c.Path, err)
			}
			if a.Type == Complex {
				bare = append(bare, a)
			}
		}
	}
	for _, a := range bare {
		switch {
		case len(a.Sub) > 0:
		case a.MultiValued:
			a.Sub = several("", "", text("value", "The value.")).Sub
			a.Sub = append(a.Sub, &Attribute{Name: "$ref", Type: Reference, CaseExact: true, ReferenceTypes: []string{"uri"}, Description: "The URI of the resource that the value is about."})
		default:
			return nil, fmt.Errorf("custom attribute %q is complex: declare its sub-attributes too, as <path>.<name>", a.Name)
		}
	}
	return set, nil
}

// place finds out what a declaration belongs to; name may still have a sub-attribute.
func (s *Set) place(c Custom) (rt *ResourceType, uri, name string, err error) {
	switch {
	case c.Resource == "", doc.FoldEqual(c.Resource, s.User.Name):
		rt = s.User
	case doc.FoldEqual(c.Resource, s.Group.Name):
		rt = s.Group
	default:
		return nil, "", "", fmt.Errorf("unknown resource type %q: User or Group", c.Resource)
	}
	uri, name, qualified := rt.SplitURN(c.Path)
	if qualified && rt.Schema(uri) == nil && !IsURN(uri) {
		return nil, "", "", fmt.Errorf("%q is not the URI of a schema: urn:<namespace>:<name>", uri)
	}
	for _, other := range []*ResourceType{s.User, s.Group} {
		if other != rt && doc.FoldEqual(other.Core.ID, uri) {
			return nil, "", "", fmt.Errorf("the schema is that of the resource type %s", other.Name)
		}
	}
	return rt, uri, name, nil
}

func (rt *ResourceType) add(uri, name, child string, c Custom) (*Attribute, error) {
	for _, n := range []string{name, child} {
		if n != "" && !IsName(n) || name == "" || strings.HasSuffix(c.Path, ".") {
			return nil, fmt.Errorf("%q is not an attribute name: a letter, then letters, digits, \"-\", \"_\" or \"$\"", strings.TrimPrefix(c.Path, uri+":"))
		}
	}
	typ := String
	if c.Type != "" {
		var ok bool
		if typ, ok = parseType(c.Type); !ok {
			return nil, fmt.Errorf("unknown type %q: one of %s", c.Type, strings.Join(typeWords[:], ", "))
		}
	}
	a := &Attribute{
		Name: name, Type: typ, MultiValued: c.MultiValued, Description: "An attribute beyond RFC 7643.",
		CaseExact: c.CaseExact || typ == Reference || typ == Binary || typ == DateTime, // RFC 7643 §2.3.5 to §2.3.7
	}
	if typ == Reference {
		a.ReferenceTypes = []string{"uri"}
	}
	if rt.Attribute(uri, name, child) != nil {
		return nil, errors.New("the attribute exists already")
	}
	if rt.Schema(uri+":"+name) != nil {
		return nil, errors.New("the path is the URI of a schema")
	}
	if child != "" {
		parent := rt.Attribute(uri, name, "")
		switch {
		case find(common, name) != nil && (uri == "" || doc.FoldEqual(uri, rt.Core.ID)):
			return nil, fmt.Errorf("%s belongs to every resource and cannot be extended", name)
		case parent == nil:
			return nil, fmt.Errorf("declare %s as complex too", name)
		case parent.Type != Complex:
			return nil, fmt.Errorf("%s is of type %s and has no sub-attributes", name, parent.Type)
		case typ == Complex:
			return nil, errors.New("a sub-attribute cannot be complex (RFC 7643 §2.3.8)")
		}
		a.Name = child
		parent.Sub = append(parent.Sub, a)
		return a, nil
	}
	schema := rt.Core
	if uri != "" {
		if schema = rt.Schema(uri); schema == nil {
			if parent, last, _ := rt.SplitURN(uri); rt.Attribute(parent, last, "") != nil {
				return nil, fmt.Errorf("%q is an attribute and no schema", uri)
			}
			schema = &Schema{ID: uri, Name: schemaName(uri, rt.Name), Description: "Attributes of a " + rt.Name + " beyond RFC 7643."}
			rt.Extensions = append(rt.Extensions, schema)
		}
	}
	schema.Attributes = append(schema.Attributes, a)
	return a, nil
}

// schemaName returns the part of a URN that tells extensions apart: the last one that is neither a version nor the resource
// type's own name. "urn:ietf:params:scim:schemas:extension:Contoso:2.0:User" is called "Contoso".
func schemaName(uri, resource string) string {
	parts := strings.Split(uri, ":")
	for _, part := range slices.Backward(parts) {
		if !doc.FoldEqual(part, resource) && strings.Trim(part, "0123456789.") != "" {
			return part
		}
	}
	return parts[len(parts)-1]
}

// clone copies whatever [Set.With] may append to.
func (rt *ResourceType) clone() *ResourceType {
	c := *rt
	c.Core = rt.Core.clone()
	c.Extensions = nil
	for _, s := range rt.Extensions {
		c.Extensions = append(c.Extensions, s.clone())
	}
	return &c
}

func (s *Schema) clone() *Schema {
	c := *s
	c.Attributes = nil
	for _, a := range s.Attributes {
		b := *a
		b.Sub = slices.Clone(a.Sub)
		c.Attributes = append(c.Attributes, &b)
	}
	return &c
}
