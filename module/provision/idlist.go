package provision

import (
	"slices"
)

// Lists of ids. A group may have tens of thousands of members and nearly always changes by a few, so that sets are made of
// the short lists.

// distinct returns each of some ids once.
func distinct(ids []string) []string {
	left := make(map[string]bool, len(ids))
	for _, id := range ids {
		left[id] = true
	}
	if len(left) == len(ids) {
		return slices.Clip(ids)
	}
	return only(ids, func(id string) bool {
		first := left[id]
		delete(left, id)
		return first
	})
}

// only returns those that are to be kept.
func only(ids []string, keep func(string) bool) []string {
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !keep(id) })
}

// without returns those that are not to be removed.
func without(ids, remove []string) []string {
	if len(remove) == 0 {
		return slices.Clip(ids)
	}
	gone := make(map[string]bool, len(remove))
	for _, id := range remove {
		gone[id] = true
	}
	return only(ids, func(id string) bool { return !gone[id] })
}

// among returns those, of a few, that are in a list.
func among(few, list []string) []string {
	if len(few) == 0 {
		return nil
	}
	in := make(map[string]bool, len(few))
	for _, id := range few {
		in[id] = false
	}
	for _, id := range list {
		if _, asked := in[id]; asked {
			in[id] = true
		}
	}
	return only(few, func(id string) bool { return in[id] })
}

// union returns a list with those of a few that it lacks.
func union(list, few []string) []string {
	if len(few) == 0 {
		return list
	}
	return append(slices.Clip(list), distinct(without(few, among(few, list)))...)
}
