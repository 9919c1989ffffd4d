package resource

import (
	"slices"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/value"
)

// Shows reports whether answers may hold an attribute, given by a canonical path.
func (k *Kind) Shows(path string) bool {
	whole := value.Whole(k.Type, path)
	for _, name := range []string{"id", "schemas", "meta", "externalId"} {
		if doc.FoldEqual(whole, name) && (name != "externalId" || k.Readable(name) || k.Remembers(name)) {
			return true
		}
	}
	switch {
	case k.IsUser() && doc.FoldEqual(whole, "active"),
		!k.IsUser() && doc.FoldEqual(whole, "members"),
		k.Type.Schema(StateSchema) != nil && doc.FoldEqual(path, StateSchema+":state") && k.HasState():
		return true
	}
	return k.Readable(path) || k.Readable(whole) || k.Remembers(whole)
}

// Keeps reports whether an attribute or sub-attribute is kept at all, for the discovery documents.
func (k *Kind) Keeps(uri, name, sub string) bool {
	if !k.IsUser() && uri == "" && name == "members" {
		return sub == "value" || sub == "$ref" || sub == "type"
	}
	path := filter.Attr{URI: uri, Name: name, Sub: sub}.String()
	return k.Shows(path) && (sub == "" || k.Remembers(filter.Attr{URI: uri, Name: name}.String()) || k.Readable(path))
}

// Shape says in the discovery documents what becomes of an attribute that is kept: one that the upstream alone decides
// about is readOnly, one that only a create sends is immutable (RFC 7643 §2.2). What the gateway refuses to have twice is
// unique, and elements that the mapping knows by a filter have no other values than the filter's.
func (k *Kind) Shape(uri, name, sub string, a *schema.Attribute) {
	whole, path := filter.Attr{URI: uri, Name: name}.String(), filter.Attr{URI: uri, Name: name, Sub: sub}.String()
	remembered := k.Remembers(whole)
	if doc.FoldEqual(path, StateSchema+":state") {
		a.Description, a.Canonical = "How far the membership has come. People and the organization decide about it.", plan.States()
	}
	if whole == "members" { // an organization's groups have people in them, and no groups
		switch sub {
		case "type":
			a.Canonical = []string{"User"}
		case "$ref":
			a.ReferenceTypes = []string{"User"}
		}
	}
	switch {
	case whole == "members", remembered:
	case whole == "active":
		if len(k.Disable) == 0 && k.DisableAs != plan.DisableDelete {
			a.Mutability = schema.ReadOnly
		}
	case !k.Writable(path):
		a.Mutability = schema.ReadOnly
	case a.Mutability == schema.ReadWrite && !k.Updates(path):
		a.Mutability = schema.Immutable
	}
	if slices.Contains(k.Exclusive, path) {
		a.Uniqueness = schema.Server
	}
	if values := k.Values(uri, name, sub); len(a.Canonical) > 0 && len(values) > 0 && !remembered {
		a.Canonical = values
	}
}

// StateSchema is the extension that shows how far a membership has come. It is the gateway's own: SCIM knows active or
// not, while an organization knows who was invited, who accepted, and who was confirmed.
const StateSchema = "urn:caddy-scim:schemas:extension:membership:2.0:User"

// StateAttribute is the extension's attribute, read-only: staged, invited, accepted, confirmed or revoked.
var StateAttribute = schema.Custom{Resource: "User", Path: StateSchema + ":state", Type: "string"}

// ShowState puts the state into a user's resource.
func (k *Kind) ShowState(res *doc.Node, state string) {
	if state == "" || k.Type.Schema(StateSchema) == nil {
		return
	}
	value.Set(k.Type, res, StateSchema+":state", doc.NewString(state))
}
