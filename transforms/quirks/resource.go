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

// createsNull is about null in a POST (RFC 7643 §2.5), booleans excepted (Q24, T4).
func createsNull(_ *pass, c *change) bool {
	return c.kind == doc.Null && (c.attr() == nil || c.attr().Type != schema.Boolean || c.attr().MultiValued)
}

// createsEmptyManager is about a manager that is "" (Q29).
func createsEmptyManager(p *pass, c *change) bool { return p.empty(c) && pointsElsewhere(c.attr()) }

// createsEmptyManagerObject is about a manager whose value is missing, null or "".
func createsEmptyManagerObject(p *pass, c *change) bool {
	return c.kind == doc.Object && pointsElsewhere(c.attr()) && emptied(p.d.In(c.meant))
}

// createsReadOnly is about what only the server may set (Q31).
func createsReadOnly(_ *pass, c *change) bool {
	return c.attr() != nil && c.attr().Mutability == schema.ReadOnly
}

// createsEmptyList is about lists without an element (Q23, Q33).
func createsEmptyList(p *pass, c *change) bool {
	return c.kind == doc.Array && c.attr() != nil && c.attr().MultiValued && !p.d.In(c.meant).HasItems()
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
