package provision

import (
	"hash/maphash"
	"math/bits"
	"slices"
)

// Lists of ids. A group may have tens of thousands of members and nearly always changes by a few, so that sets are made of
// the short lists.

// distinct returns each of some ids once.
func distinct(ids []string) []string {
	// A table of places in the list, half of it empty, takes a tenth of the time of a map of ids.
	places := make([]int32, 1<<bits.Len(uint(2*len(ids))))
	seed, mask := maphash.MakeSeed(), uint64(len(places)-1)
	var once []string // where there are some twice
	for i, id := range ids {
		at := maphash.String(seed, id) & mask
		for places[at] != 0 && ids[places[at]-1] != id {
			at = (at + 1) & mask
		}
		switch again := places[at] != 0; {
		case again && once == nil:
			once = slices.Clone(ids[:i])
		case !again:
			places[at] = int32(i + 1)
			if once != nil {
				once = append(once, id)
			}
		}
	}
	if once == nil {
		return slices.Clip(ids)
	}
	return once
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
