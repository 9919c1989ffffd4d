package provision

import "slices"

func distinct(ids []string) []string {
	seen := make(map[string]bool, len(ids))
	return only(ids, func(id string) bool {
		first := !seen[id]
		seen[id] = true
		return first
	})
}

func only(ids []string, keep func(string) bool) []string {
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !keep(id) })
}

func without(ids, remove []string) []string {
	gone := make(map[string]bool, len(remove))
	for _, id := range remove {
		gone[id] = true
	}
	return only(ids, func(id string) bool { return !gone[id] })
}
