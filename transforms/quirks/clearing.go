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

// missingIsRemove makes a remove of a replace without a value: a null that somebody left out (Q45).
func missingIsRemove(_ *pass, c *change) (verdict, error) {
	if c.act == replace && c.kind == doc.Invalid && !c.t.neverCleared() {
		return unset, nil
	}
	return keep, nil
}

// nullIsRemove makes a remove of a replace with null (RFC 7643 §2.5: unassigned).
func nullIsRemove(_ *pass, c *change) (verdict, error) {
	if c.act == replace && c.kind == doc.Null && !c.t.neverCleared() && !c.t.reference() {
		return unset, nil
	}
	return keep, nil
}

// nullAddsNothing leaves an add of null out.
func nullAddsNothing(_ *pass, c *change) (verdict, error) {
	if c.act == add && c.kind == doc.Null && !c.t.boolean() {
		return omit, nil
	}
	return keep, nil
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

// emptyReferenceIsRemove makes a remove of what would point nowhere: a manager that is "", null or {"value":""}, and an
// address that is "" (Q41, Q45).
func emptyReferenceIsRemove(p *pass, c *change) (verdict, error) {
	nowhere := false
	switch t := c.t; {
	case c.act == remove:
	case c.kind == doc.Null:
		nowhere = c.act == replace && !t.neverCleared() && t.reference()
	case p.empty(c):
		nowhere = t.reference() || t.address()
	case c.kind == doc.Object:
		nowhere = t.reference() && t.attr.Type == schema.Complex && emptied(p.d.In(c.meant))
	}
	if nowhere {
		return unset, nil
	}
	return keep, nil
}

// emptyTextIsRemove makes a remove of a replace with "".
func emptyTextIsRemove(p *pass, c *change) (verdict, error) {
	if t := c.t; c.act == replace && p.empty(c) && t.attr.Type == schema.String && !t.list && !t.reference() {
		return unset, nil
	}
	return keep, nil
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
