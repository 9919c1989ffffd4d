package quirks

import (
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// The rules here are about values of a PATCH that say that there is nothing: a value that is missing, null, and "".

// neverCleared reports whether leaving a value out does not clear the attribute: whether a user is active, and who is in a group.
func (t *target) neverCleared() bool {
	return t.attr != nil && (t.boolean() || t.isMembers())
}

func (t *target) boolean() bool { return t.attr.Type == schema.Boolean && !t.list }

// missing is about a replace without a value: a null that somebody left out (Q45).
func missing(_ *pass, c *change) bool {
	return c.act == replace && c.kind == doc.Invalid && !c.t.neverCleared()
}

// clearedByNull is about a replace with null (RFC 7643 §2.5: unassigned).
func clearedByNull(_ *pass, c *change) bool {
	return c.act == replace && c.kind == doc.Null && !c.t.neverCleared() && !c.t.reference()
}

// addsNull is about an add of null.
func addsNull(_ *pass, c *change) bool {
	return c.act == add && c.kind == doc.Null && !c.t.boolean()
}

// nullBooleanRefused refuses null for a boolean: it could mean false as well as remove (T4).
func nullBooleanRefused(_ *pass, c *change) (verdict, error) {
	if c.act != remove && c.kind == doc.Null && c.t.boolean() {
		return keep, scim.Errorf(400, scim.InvalidValue,
			"%s is null, which is neither true nor false; in Entra, give its mapping a default value", c.t.attr.Name)
	}
	return keep, nil
}

// nullMembersRefused refuses null for the members of a group, which would empty it (Q62).
func nullMembersRefused(_ *pass, c *change) (verdict, error) {
	if c.act == replace && c.kind == doc.Null && c.t.isMembers() {
		return keep, scim.Errorf(400, scim.InvalidValue,
			"members is null, which would empty the group; use a remove of members, or enable the quirk %s", table[nullMembers].ID)
	}
	return keep, nil
}

// pointsNowhere is about a manager that is "", null or {"value":""}, and an address that is "" (Q41, Q45).
func pointsNowhere(p *pass, c *change) bool {
	switch t := c.t; {
	case c.act == remove:
	case c.kind == doc.Null:
		return c.act == replace && !t.neverCleared() && t.reference()
	case p.empty(c):
		return t.reference() || t.address()
	case c.kind == doc.Object:
		return t.reference() && t.attr.Type == schema.Complex && emptied(p.d.In(c.meant))
	}
	return false
}

// clearedByText is about a replace with "".
func clearedByText(p *pass, c *change) bool {
	return c.act == replace && p.empty(c) && c.t.attr.Type == schema.String && !c.t.list && !c.t.reference()
}

// empty reports whether the value is "".
func (p *pass) empty(c *change) bool { return c.kind == doc.String && c.meant.To-c.meant.From == 2 }

// emptied reports whether a reference points nowhere: its value is missing, null or "".
func emptied(v doc.Value) bool {
	switch v.Kind() {
	case doc.Null:
		return true
	case doc.String:
		return len(v.Raw()) == 2
	case doc.Object:
		id, ok := v.Lookup("value")
		return ok && (id.Kind() == doc.Null || id.Kind() == doc.String && len(id.Raw()) == 2)
	}
	return false
}
