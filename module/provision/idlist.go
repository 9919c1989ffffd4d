package provision

import (
	"slices"

	"github.com/caddy-scim/gateway/transforms/doc"
)

// Lists of ids. A group may have tens of thousands of members and nearly always changes by a few, so that sets are made of
// the short lists. The long ones are [doc.Strings].

// distinct returns each of some ids once.
func distinct(ids []string) []string {
	seen := make(map[string]bool, len(ids))
	return only(ids, func(id string) bool {
		again := seen[id]
		seen[id] = true
		return !again
	})
}

// only returns those that are to be kept.
func only(ids []string, keep func(string) bool) []string {
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !keep(id) })
}

// without returns those that are not to be removed.
func without(ids, remove []string) []string {
	gone := make(map[string]bool, len(remove))
	for _, id := range remove {
		gone[id] = true
	}
	return only(ids, func(id string) bool { return !gone[id] })
}

// union returns a list with those of a few that it lacks.
func union(list doc.Strings, few []string) doc.Strings {
	return list.With(distinct(without(few, list.Among(few)))...)
}
