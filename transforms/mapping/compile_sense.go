package mapping

import (
	"slices"
	"strings"

	"github.com/caddy-scim/gateway/transforms/mapping/plan"
)

// subjects returns the placeholders that say which item a call of a verb is about. Without any of them the calls would be the
// same for every item: a delete would delete the collection, and a get would show somebody else.
func subjects(v plan.Verb) []string {
	switch v {
	case plan.VerbList:
		return nil
	case plan.VerbFind:
		return []string{"value"}
	case plan.VerbGet:
		return []string{"id"}
	case plan.VerbCreate:
		return []string{"scim"}
	}
	return []string{"id", "key", "cur"}
}

// sense finds calls that are well-formed and cannot be meant: such as read with a method that changes, only read where
// something has to change, or name nobody.
func (c *compiler) sense(v plan.Verb, calls []*plan.Call) {
	if len(calls) == 0 {
		return
	}
	for _, call := range calls {
		if v.Reads() && call.Method != "GET" && call.Method != "POST" && slices.Contains(methods, call.Method) {
			c.of(call).fail("%s changes something; what only reads is GET, or POST for a search", call.Method)
		}
	}
	if !v.Reads() && !slices.ContainsFunc(calls, func(call *plan.Call) bool { return call.Method != "GET" }) {
		c.of(calls[0]).fail("GET changes nothing")
	}
	if v != plan.VerbCreate { // see whole: what is wrong with the mapping otherwise says more
		c.about(v, calls)
	}
}

// about finds calls that do not say which item they are about.
func (c *compiler) about(v plan.Verb, calls []*plan.Call) {
	// The calls of a union stand for themselves, those of a sequence for each other.
	groups := [][]*plan.Call{calls}
	if v == plan.VerbMembers {
		groups = slices.Collect(slices.Chunk(calls, 1))
	}
	about := subjects(v)
	names := func(call *plan.Call) bool { return slices.ContainsFunc(about, call.Uses) }
	for _, group := range groups {
		if len(group) > 0 && len(about) > 0 && !slices.ContainsFunc(group, names) {
			c.of(group[0]).fail("nothing says which %s it is about: there is no {%s}", subject(v), strings.Join(about, "} or {"))
		}
	}
}

// shownLast finds a sequence in which a call changes what `active` reads before others are made. If one of those fails, the
// provider is told so and asks again; the user looks deactivated by then, or activated, and the rest would never be done.
// That a call changes it can be seen of its body only; of what a URL does the operator alone knows.
func (c *compiler) shownLast(r *plan.Resource, calls []*plan.Call) {
	for i := range calls {
		for j := range calls[i].Edits {
			e := &calls[i].Edits[j]
			reads := func(cond plan.Condition) bool { return cond.Path.String() == e.Place.String() }
			if i < len(calls)-1 && slices.ContainsFunc(r.ActiveIf, reads) {
				at := *c
				at.where = e.Where
				at.fail("%s is what `active` reads, so that the call belongs last: if a later one fails, nobody would see that it is still to be made", e.Place)
			}
		}
	}
}

// of returns the place of a call.
func (c *compiler) of(call *plan.Call) *compiler {
	at := *c
	at.where = call.Where
	return &at
}

// subject returns what a verb's calls are about.
func subject(v plan.Verb) string {
	switch v {
	case plan.VerbFind:
		return "value"
	case plan.VerbCreate:
		return "new item"
	case plan.VerbMembers, plan.VerbMemberAdd, plan.VerbMemberRemove, plan.VerbMembersSet:
		return "group"
	}
	return "item"
}
