// Package resource is what a resource type is like in one organization: which attributes are kept, by the organization or
// by what the gateway remembers, what resources are found by, and which names no two of them share. All of it is known
// without a call; nothing here asks anybody.
//
//   - [Kind.Shows], [Kind.Keeps] and [Kind.Shape] say what discovery and answers may hold, [Kind.Supports] and [Kind.Selects]
//     which filters can be kept to.
//   - [Kind.Remember] writes into a record what the provider wants and the organization does not hold, [Kind.Overlay] puts it
//     into what the organization shows.
//   - [Kind.NamesOf] and [Kind.Rivals] are what a resource must not share with another one, [Kind.Lookups] what a filter asks
//     for.
package resource

import (
	"maps"
	"slices"

	"github.com/caddy-scim/gateway/module/provision/items"
	"github.com/caddy-scim/gateway/module/provision/view"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
)

// Kind is one resource type of one organization.
type Kind struct {
	*items.Kind

	Indexed   []string // what entries can be found by
	Exclusive []string // what no two resources may share
	Dates     bool     // whether it is remembered when a resource was created and changed

	memory *Memory
}

// Memory is what the configuration says to remember of a resource type.
type Memory struct {
	Store []string // attributes by name; "*" for everything
	Dates bool     // when a resource was created and changed
}

// New returns the resource type of a mapping, of which v shows what there is. Without a memory nothing is remembered.
func New(r *plan.Resource, v *view.View, memory *Memory) *Kind {
	k := &Kind{Kind: items.NewKind(r, v), Indexed: Indexed(r), memory: memory, Dates: memory != nil && memory.Dates}
	k.Exclusive = []string{k.Identity, "externalId"}
	for _, attribute := range r.Unique {
		if !slices.Contains(k.Exclusive, attribute) {
			k.Exclusive = append(k.Exclusive, attribute)
		}
	}
	return k
}

// Indexed returns what entries of a resource type can be found by.
func Indexed(r *plan.Resource) []string {
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
