package mapping

import (
	"slices"
	"strings"
)

// subjects are the placeholders that say which item a call of a verb is about. Without any of them the calls would be the
// same for every item: a delete would delete the collection, and a get would show somebody else.
var subjects = map[verb][]string{
	verbFind:         {"value"},
	verbGet:          {"id"},
	verbCreate:       {"scim"},
	verbUpdate:       {"id", "key", "cur"},
	verbDisable:      {"id", "key", "cur"},
	verbEnable:       {"id", "key", "cur"},
	verbDelete:       {"id", "key", "cur"},
	verbReinvite:     {"id", "key", "cur"},
	verbMembers:      {"id", "key", "cur"},
	verbMemberAdd:    {"id", "key", "cur"},
	verbMemberRemove: {"id", "key", "cur"},
	verbMembersSet:   {"id", "key", "cur"},
}

// reads tells whether calls of the verb only look.
func (v verb) reads() bool { return v.lists() || v == verbGet }

// sense finds calls that are well-formed and cannot be meant: such as read with a method that changes, only read where
// something has to change, or name nobody.
func (c *compiler) sense(v verb, calls []*Call) {
	if len(calls) == 0 {
		return
	}
	for _, call := range calls {
		if v.reads() && call.Method != "GET" && call.Method != "POST" && slices.Contains(methods, call.Method) {
			c.of(call).fail("%s changes something; what only reads is GET, or POST for a search", call.Method)
		}
	}
	if !v.reads() && !slices.ContainsFunc(calls, func(call *Call) bool { return call.Method != "GET" }) {
		c.of(calls[0]).fail("GET changes nothing")
	}
	if v != verbCreate { // see whole: what is wrong with the mapping otherwise says more
		c.about(v, calls)
	}
}

// about finds calls that do not say which item they are about.
func (c *compiler) about(v verb, calls []*Call) {
	// The calls of a union stand for themselves, those of a sequence for each other.
	groups := [][]*Call{calls}
	if v == verbMembers {
		groups = slices.Collect(slices.Chunk(calls, 1))
	}
	names := func(call *Call) bool {
		return slices.ContainsFunc(subjects[v], func(name string) bool { return call.uses[name] })
	}
	for _, group := range groups {
		if len(group) > 0 && len(subjects[v]) > 0 && !slices.ContainsFunc(group, names) {
			c.of(group[0]).fail("nothing says which %s it is about: there is no {%s}", subject(v), strings.Join(subjects[v], "} or {"))
		}
	}
}

// shownLast finds a sequence in which a call changes what `active` reads before others are made. If one of those fails, the
// provider is told so and asks again; the user looks deactivated by then, or activated, and the rest would never be done.
// That a call changes it can be seen of its body only; of what a URL does the operator alone knows.
func (c *compiler) shownLast(r *Resource, calls []*Call) {
	for i := range calls {
		for j := range calls[i].edits {
			e := &calls[i].edits[j]
			reads := func(cond condition) bool { return cond.path.String() == e.place.String() }
			if i < len(calls)-1 && slices.ContainsFunc(r.active, reads) {
				at := *c
				at.where = e.where
				at.fail("%s is what `active` reads, so that the call belongs last: if a later one fails, nobody would see that it is still to be made", e.place)
			}
		}
	}
}

// of is the place of a call.
func (c *compiler) of(call *Call) *compiler {
	at := *c
	at.where = call.Where
	return &at
}

// subject is what a verb's calls are about.
func subject(v verb) string {
	switch v {
	case verbFind:
		return "value"
	case verbCreate:
		return "new item"
	case verbMembers, verbMemberAdd, verbMemberRemove, verbMembersSet:
		return "group"
	}
	return "item"
}
