package quirks

import (
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// verdict is what becomes of one change of one attribute: of an operation, or of a key in an operation without a path.
type verdict uint8

const (
	keep  verdict = iota // it stays what it is; its value may change
	unset                // it is a remove, without a value
	omit                 // it is left out
	split                // it is one remove for each element of the value
)

// verdict decides by the operation, the attribute and the look of the value, without changing anything. The value begins
// at the given offset; -1 is none.
func (p *pass) verdict(a act, t *target, at int) (verdict, rule, error) {
	if a == remove {
		return p.removal(t, at)
	}
	if a == add && t.namesMember() {
		return keep, none, nil // the path says who is added, so that null is not nothing
	}
	if at < 0 {
		if a == replace && p.on[missingValue] && !t.dear() { // a null that somebody left out
			return unset, missingValue, nil
		}
		return keep, none, scim.Errorf(400, scim.InvalidValue, "%s has no value; to clear an attribute, use remove", p.where())
	}
	if t.attr == nil {
		return keep, none, nil // what is unknown is not touched (T2)
	}
	c := p.d.At(at)
	if c.Kind() == doc.Array && !t.list && !t.item {
		// The verdict is on what will be taken out of the array: else an array would get by what its element does not.
		if inner, ok := p.only(t.attr, c); ok {
			return p.verdict(a, t, inner.From)
		}
	}
	switch c.Kind() {
	case doc.Null:
		return p.null(a, t)
	case doc.String:
		if p.d.In(p.peek(c)).Is("") {
			return p.emptyText(a, t)
		}
		if t.attr.Mutability == schema.ReadOnly && t.isID() {
			return p.resourceID(p.d.In(c.Skip()))
		}
	case doc.Object:
		if !t.list && !t.item && t.attr.Type == schema.Complex && t.attr.SubAttribute("value") != nil && p.on[emptyReference] &&
			emptied(p.d.In(c.Skip())) {
			return unset, emptyReference, nil
		}
	}
	return keep, none, nil
}

// removal is the verdict on a remove.
func (p *pass) removal(t *target, at int) (verdict, rule, error) {
	if at < 0 {
		return keep, none, nil
	}
	c := p.d.At(at)
	switch {
	case t.spread:
		return keep, none, scim.Errorf(400, scim.InvalidValue,
			"a remove of %s takes no value; name the element in the path: %s", t.canon, t.path.Attr.Name+`[value eq "…"]`)
	case t.list:
		return p.listRemoval(t, c)
	case t.item && t.attr != nil && isMembers(t.attr) && !p.same(t, p.d.In(c.Skip())):
		return keep, none, scim.Errorf(400, scim.InvalidValue,
			"a remove names other members in its value than in its path; leave the value out, or name the member in the path: members[value eq \"…\"]")
	case t.attr != nil || c.Kind() == doc.Null:
		if p.on[removeValue] {
			return unset, removeValue, nil
		}
	}
	return keep, none, nil
}

// one is the comparison by which the path names one element.
func (t *target) one() (*filter.Compare, bool) {
	one, ok := t.path.Filter.(*filter.Compare)
	return one, ok && one.Op == filter.Eq && one.Attr.Name == "value"
}

// namesMember tells whether the path leads to one member as a whole.
func (t *target) namesMember() bool {
	_, ok := t.one()
	return ok && t.item && t.attr != nil && isMembers(t.attr)
}

// same tells whether a value names nobody but the member whom the path names.
func (p *pass) same(t *target, v doc.Value) bool {
	one, ok := t.one()
	switch v.Kind() {
	case doc.Null:
		return true
	case doc.Array:
		for item := range v.Items() {
			if !p.same(t, item) {
				return false
			}
		}
		return true
	case doc.Object:
		id, _ := v.Lookup("value")
		return ok && id.Text() == one.Value.Text
	}
	return ok && v.Text() == one.Value.Text
}

// listRemoval is the verdict on a remove of a list with a value. Ignoring the value would remove the whole list, so that
// whatever the value is, it is never ignored (Q56, Q61).
func (p *pass) listRemoval(t *target, c doc.Cursor) (verdict, rule, error) {
	if !p.on[memberRemovalValue] {
		return keep, none, scim.Errorf(400, scim.InvalidValue,
			"a remove of %s takes no value; name the element in the path, or enable the quirk %s", t.canon, table[memberRemovalValue].ID)
	}
	switch c.Kind() {
	case doc.Array:
		if c.Open(); !c.More() {
			return omit, memberRemovalValue, nil // nothing is to be removed
		}
		return split, memberRemovalValue, nil
	case doc.Object:
		if held, ok := p.held(t.attr, c); ok {
			return p.listRemoval(t, p.d.At(held))
		}
		return split, memberRemovalValue, nil
	case doc.String:
		return split, memberRemovalValue, nil
	case doc.Number:
		if t.isMembers() && p.on[memberNumber] || t.attr.Type == schema.Integer || t.attr.Type == schema.Decimal {
			return split, memberRemovalValue, nil
		}
	}
	return keep, none, scim.Errorf(400, scim.InvalidValue,
		"the value of a remove of %s names no element; leave it out to remove all of them", t.canon)
}

// null is the verdict on null for a known attribute (RFC 7643 §2.5: unassigned).
func (p *pass) null(a act, t *target) (verdict, rule, error) {
	switch {
	case t.attr.Type == schema.Boolean && !t.list:
		if p.on[nullBoolean] {
			return keep, none, nil
		}
		return keep, none, scim.Errorf(400, scim.InvalidValue,
			"%s is null, which is neither true nor false; in Entra, give its mapping a default value", t.attr.Name)
	case a == add:
		if p.on[nullAdd] {
			return omit, nullAdd, nil
		}
	case t.isMembers():
		if p.on[nullMembers] {
			return keep, none, nil
		}
		return keep, none, scim.Errorf(400, scim.InvalidValue,
			"members is null, which would empty the group; use a remove of members, or enable the quirk %s", table[nullMembers].ID)
	case t.reference():
		if p.on[emptyReference] {
			return unset, emptyReference, nil
		}
	case p.on[nullValue]:
		return unset, nullValue, nil
	}
	return keep, none, nil
}

// dear tells whether nobody clears the attribute by leaving something out: whether a user is active, and a whole group.
func (t *target) dear() bool {
	return t.attr != nil && (t.attr.Type == schema.Boolean && !t.list || t.isMembers())
}

// emptyText is the verdict on "" for a known attribute.
func (p *pass) emptyText(a act, t *target) (verdict, rule, error) {
	switch {
	case t.reference(), t.address():
		if p.on[emptyReference] {
			return unset, emptyReference, nil
		}
	case t.attr.Type == schema.String && !t.list && a == replace && p.on[emptyString]:
		return unset, emptyString, nil
	}
	return keep, none, nil
}

// resourceID is the verdict on an id, which nobody may change (RFC 7643 §3.1).
func (p *pass) resourceID(v doc.Value) (verdict, rule, error) {
	if v.Text() != p.id {
		if p.on[foreignID] {
			p.acc.count(foreignID, 1)
			return keep, none, scim.Errorf(400, scim.Mutability, "id is another one than that of the resource, and cannot be changed")
		}
		return keep, none, nil
	}
	if p.on[stripID] {
		return omit, stripID, nil
	}
	return keep, none, nil
}

// isID tells whether the path is the resource's id.
func (t *target) isID() bool {
	return t.attr.Name == "id" && t.path.Attr.URI == "" && t.path.Attr.Sub == "" && !t.item && t.path.Sub == ""
}

// isMembers tells whether the path is a group's list of members.
func (t *target) isMembers() bool { return t.list && isMembers(t.attr) }

func isMembers(a *schema.Attribute) bool { return a.MultiValued && a.Name == "members" }

// reference tells whether the path is an attribute which points to another resource, or what in it does the pointing: ""
// points nowhere.
func (t *target) reference() bool {
	switch {
	case t.list || t.item:
		return false
	case t.attr.Type == schema.Complex:
		return t.attr.SubAttribute("value") != nil
	}
	return t.refers
}

// address tells whether the path is an attribute of the type reference: "" is no address (RFC 7643 §2.3.7). Of an element of
// a list it is left alone: to remove what is not there is an error, and to replace it is none (Q38).
func (t *target) address() bool {
	return t.attr.Type == schema.Reference && !t.list && !t.spread && t.path.Filter == nil
}

// emptied tells whether a reference points nowhere: its value is missing, null or "".
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
