package quirks

import (
	"bytes"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// resource normalizes the document of a POST or PUT.
func (p *pass) resource() (err error) {
	if p.uris, err = p.schemas(); err != nil {
		return err
	}
	if _, err := p.attributes(add, nil, doc.Span{From: p.cur.Offset()}); err != nil {
		return err
	}
	l, err := p.object(nil, p.changes)
	if err != nil {
		return err
	}
	if s := &p.uris; s.text != "" && !s.found {
		l.add(p, `"schemas":`+s.text)
		p.noteSchemas(nil)
	}
	if !p.uris.members && p.verb == scim.Replace && p.on[absentMembers] {
		l.add(p, `"members":[]`)
		p.note(absentMembers, nil, []byte("[]"))
	}
	return nil
}

// listSchemas normalizes the list of schemas at the cursor.
func (p *pass) listSchemas(key doc.Span) {
	p.spell(key, "schemas")
	v := p.cur.Skip()
	if p.uris.text != "" {
		p.replace(v, p.uris.text)
		p.noteSchemas(p.raw(v))
	}
}

func (p *pass) noteSchemas(before []byte) {
	for _, r := range p.uris.rules {
		p.note(r, before, []byte(p.uris.text))
	}
}

// plainTarget returns what a key of a resource leads to: an attribute or an extension. It is nil for anything else.
func (p *pass) plainTarget(key doc.Span) *target {
	t, err := p.target(key)
	switch {
	case err != nil:
		return nil
	case t.urn != nil:
		return t
	case t.attr == nil || t.path.Attr.Sub != "" || t.path.Filter != nil || t.path.Attr.URI != "":
		return nil
	case bytes.ContainsAny(p.raw(key), ":.["):
		return nil
	}
	return t
}

// nullCreatesNothing leaves null out of a POST (RFC 7643 §2.5), booleans excepted (Q24, T4).
func nullCreatesNothing(_ *pass, c *change) (verdict, error) {
	return omitted(c.kind == doc.Null && (c.attr() == nil || c.attr().Type != schema.Boolean || c.attr().MultiValued))
}

// emptyManagerText leaves a manager that is "" out of a POST (Q29).
func emptyManagerText(p *pass, c *change) (verdict, error) {
	return omitted(p.empty(c) && pointsElsewhere(c.attr()))
}

// emptyManagerValue leaves a manager whose value is missing, null or "" out of a POST.
func emptyManagerValue(p *pass, c *change) (verdict, error) {
	return omitted(c.kind == doc.Object && pointsElsewhere(c.attr()) && emptied(p.d.In(c.meant)))
}

// readOnlyLeftOut leaves what only the server may set out of a POST (Q31).
func readOnlyLeftOut(_ *pass, c *change) (verdict, error) {
	return omitted(c.attr() != nil && c.attr().Mutability == schema.ReadOnly)
}

// emptyListLeftOut leaves lists without an element out of a POST (Q23, Q33).
func emptyListLeftOut(p *pass, c *change) (verdict, error) {
	if c.kind != doc.Array || c.attr() == nil || !c.attr().MultiValued {
		return keep, nil
	}
	for range p.d.In(c.meant).Items() {
		return keep, nil
	}
	return omit, nil
}

func omitted(is bool) (verdict, error) {
	if is {
		return omit, nil
	}
	return keep, nil
}

// attr returns the attribute that a change is about; nil where the schema knows none.
func (c *change) attr() *schema.Attribute {
	if c.t == nil {
		return nil
	}
	return c.t.attr
}

// pointsElsewhere reports whether an attribute refers to another resource, as the manager does.
func pointsElsewhere(a *schema.Attribute) bool {
	return a != nil && !a.MultiValued && a.Type == schema.Complex && a.SubAttribute("value") != nil
}
