package template

import (
	"fmt"
	"slices"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/value"
)

// Attribute is a SCIM path that the schema knows.
type Attribute struct {
	value.Target
	Path string // canonical
}

// ParseAttribute reads the path of an attribute of a resource type.
func ParseAttribute(text string, rt *schema.ResourceType) (*Attribute, error) {
	p, _, err := filter.ParsePath(text, rt, filter.Options{})
	if err != nil {
		return nil, fmt.Errorf("%q is no attribute of a %s: %w", text, rt.Name, err)
	}
	a := &Attribute{value.Resolve(p, rt), p.String()}
	if a.Def == nil {
		return nil, fmt.Errorf("%q is no attribute of a %s", text, rt.Name)
	}
	if a.Innermost() == nil {
		return nil, fmt.Errorf("%s of a %s has no sub-attribute %q", a.Attr.Name, rt.Name, a.Sub)
	}
	if a.Filter != nil {
		for one := range filter.Attributes(a.Filter) {
			if !a.knows(one.Name) {
				return nil, fmt.Errorf("the filter of %q asks for %q, which %s of a %s does not have", text, one.Name, a.Attr.Name, rt.Name)
			}
		}
	}
	return a, nil
}

// knows reports whether a filter can ask an element for a sub-attribute. What has none is searched by "value" (RFC 7643 §2.4).
func (a *Attribute) knows(sub string) bool {
	return a.Def.SubAttribute(sub) != nil || a.Def.Type != schema.Complex && doc.FoldEqual(sub, "value")
}

// covers returns the canonical paths of which the path is a part, itself included: emails[type eq "work"].value is a part of
// emails.value and of emails.
func (a *Attribute) covers() []string {
	prefix := ""
	if a.Attr.URI != "" {
		prefix = a.Attr.URI + ":"
	}
	out := []string{a.Path, prefix + a.Attr.Name}
	if a.Sub != "" {
		out = append(out, prefix+a.Attr.Name+"."+a.Sub)
	}
	return out
}

// Shown returns the canonical paths that a resource has where the attribute is mapped: those it covers, and what the filter
// says of the element, which is made so.
func (a *Attribute) Shown() []string {
	out := a.covers()
	if a.Filter != nil {
		filter.Walk(a.Filter, func(c *filter.Compare) { out = append(out, out[1]+"."+c.Attr.Name) })
	}
	return out
}

// sent returns the canonical paths that are sent where the attribute is: those it covers, and all parts of a whole one.
func (a *Attribute) sent() []string {
	out := a.covers()
	if a.Sub == "" {
		for _, sub := range a.Def.Sub {
			out = append(out, out[1]+"."+sub.Name)
		}
	}
	return out
}

// PartOf reports whether the attribute is a part of what a canonical path names, as [Attribute.covers] says.
func (a *Attribute) PartOf(path string) bool {
	return slices.ContainsFunc(a.covers(), func(p string) bool { return doc.FoldEqual(p, path) })
}
