package provision

import (
	"maps"
	"slices"

	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/provision/items"
	"github.com/caddy-scim/gateway/module/provision/view"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/value"
)

// kind is one resource type of one organization: how the upstream keeps it, what the gateway saw and remembers of it.
type kind struct {
	*items.Kind
	book *ledger.Book // nil where nothing is remembered

	indexed []string // what entries can be found by
	unique  []string // what no two resources may share
	always  []string // what is remembered whatever the configuration says
	store   []string // what the configuration says to remember; "*" for everything
	dates   bool     // whether it is remembered when a resource was created and changed
}

func newKind(r *plan.Resource, v *view.View) *kind {
	k := &kind{Kind: items.NewKind(r, v), indexed: indexed(r)}
	k.always = []string{k.Identity, "externalId"}
	k.unique = []string{k.Identity, "externalId"}
	for _, attribute := range r.Unique {
		if !slices.Contains(k.unique, attribute) {
			k.unique = append(k.unique, attribute)
		}
	}
	return k
}

// indexed returns what entries of a resource type can be found by.
func indexed(r *plan.Resource) []string {
	all := []string{"displayName", "externalId"}
	if r.Type.Name == "User" {
		all = []string{"userName", "externalId", "emails.value"}
	}
	// What the upstream can search for need not be looked for in a list of everybody.
	for _, attribute := range slices.Concat(r.Unique, slices.Sorted(maps.Keys(r.Find))) {
		if !slices.Contains(all, attribute) {
			all = append(all, attribute)
		}
	}
	return all
}

// never is what is not remembered although the configuration says everything: what the upstream alone knows, and what
// must not be written down.
var never = []string{"id", "schemas", "meta", "active", "groups", "members", "password", "x509Certificates", StateSchema + ":state"}

// remembers reports whether the ledger may hold an attribute, given by the path of the whole of it.
func (k *kind) remembers(attribute string) bool {
	is := func(name string) bool { return doc.FoldEqual(name, attribute) }
	if k.book == nil || slices.ContainsFunc(never, is) {
		return false
	}
	return slices.ContainsFunc(k.always, is) || slices.Contains(k.store, "*") || slices.ContainsFunc(k.store, is)
}

// shows reports whether answers may hold an attribute, given by a canonical path.
func (k *kind) shows(path string) bool {
	whole := value.Whole(k.Type, path)
	for _, name := range []string{"id", "schemas", "meta", "externalId"} {
		if doc.FoldEqual(whole, name) && (name != "externalId" || k.Readable(name) || k.remembers(name)) {
			return true
		}
	}
	switch {
	case k.Name == "user" && doc.FoldEqual(whole, "active"),
		k.Name == "group" && doc.FoldEqual(whole, "members"),
		k.Type.Schema(StateSchema) != nil && doc.FoldEqual(path, StateSchema+":state") && k.HasState():
		return true
	}
	return k.Readable(path) || k.Readable(whole) || k.remembers(whole)
}

// keeps reports whether an attribute or sub-attribute is kept at all, for the discovery documents.
func (k *kind) keeps(uri, name, sub string) bool {
	if k.Name == "group" && uri == "" && name == "members" {
		return sub == "value" || sub == "$ref" || sub == "type"
	}
	path := filter.Attr{URI: uri, Name: name, Sub: sub}.String()
	return k.shows(path) && (sub == "" || k.remembers(filter.Attr{URI: uri, Name: name}.String()) || k.Readable(path))
}

// shape says in the discovery documents what becomes of an attribute that is kept: one that the upstream alone decides
// about is readOnly, one that only a create sends is immutable (RFC 7643 §2.2). What the gateway refuses to have twice is
// unique, and elements that the mapping knows by a filter have no other values than the filter's.
func (k *kind) shape(uri, name, sub string, a *schema.Attribute) {
	whole, path := filter.Attr{URI: uri, Name: name}.String(), filter.Attr{URI: uri, Name: name, Sub: sub}.String()
	remembered := k.remembers(whole)
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
	if slices.Contains(k.unique, path) {
		a.Uniqueness = schema.Server
	}
	if values := k.Values(uri, name, sub); len(a.Canonical) > 0 && len(values) > 0 && !remembered {
		a.Canonical = values
	}
}
