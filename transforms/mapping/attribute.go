package mapping

import (
	"slices"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/value"
)

// attribute is a SCIM path that the schema knows.
type attribute struct {
	value.Target
	canonical string
}

func parseAttribute(text string, rt *schema.ResourceType) (*attribute, error) {
	p, _, err := filter.ParsePath(text, rt, filter.Options{})
	if err != nil {
		return nil, fault("%q is no attribute of a %s: %v", text, rt.Name, err)
	}
	a := &attribute{value.Resolve(p, rt), p.String()}
	if a.Def == nil {
		return nil, fault("%q is no attribute of a %s", text, rt.Name)
	}
	if a.Innermost() == nil {
		return nil, fault("%s of a %s has no sub-attribute %q", a.Attr.Name, rt.Name, a.Sub)
	}
	if a.Filter != nil {
		for one := range filter.Attributes(a.Filter) {
			if !a.knows(one.Name) {
				return nil, fault("the filter of %q asks for %q, which %s of a %s does not have", text, one.Name, a.Attr.Name, rt.Name)
			}
		}
	}
	return a, nil
}

// knows tells whether a filter can ask an element for a sub-attribute. What has none is searched by "value" (RFC 7643 §2.4).
func (a *attribute) knows(sub string) bool {
	return a.Def.SubAttribute(sub) != nil || a.Def.Type != schema.Complex && doc.FoldEqual(sub, "value")
}

// covers are the canonical paths of which the path is a part, itself included: emails[type eq "work"].value is a part of
// emails.value and of emails.
func (a *attribute) covers() []string {
	prefix := ""
	if a.Attr.URI != "" {
		prefix = a.Attr.URI + ":"
	}
	out := []string{a.canonical, prefix + a.Attr.Name}
	if a.Sub != "" {
		out = append(out, prefix+a.Attr.Name+"."+a.Sub)
	}
	return out
}

// shown are the canonical paths that a resource has where the attribute is mapped: those it covers, and what the filter
// says of the element, which is made so.
func (a *attribute) shown() []string {
	out := a.covers()
	if a.Filter != nil {
		filter.Walk(a.Filter, func(c *filter.Compare) { out = append(out, out[1]+"."+c.Attr.Name) })
	}
	return out
}

// sent are the canonical paths that are sent where the attribute is: those it covers, and all parts of a whole one.
func (a *attribute) sent() []string {
	out := a.covers()
	if a.Sub == "" {
		for _, sub := range a.Def.Sub {
			out = append(out, out[1]+"."+sub.Name)
		}
	}
	return out
}

// partOf tells whether the path covers the attribute as [attribute.covers] says.
func (a *attribute) partOf(path string) bool {
	return slices.ContainsFunc(a.covers(), func(p string) bool { return doc.FoldEqual(p, path) })
}
