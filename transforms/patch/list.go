package patch

import (
	"slices"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
	"github.com/caddy-scim/gateway/transforms/value"
)

// list is a multi-valued attribute while operations work on it. Elements are found by hash, so that adding or removing
// 50,000 members, in one operation or in as many, stays linear; removed ones leave a hole until the end.
type list struct {
	attr    *schema.Attribute // nil for an attribute that nobody declared
	items   []*doc.Node       // nil is a hole
	live    int
	byKey   map[string]int   // element by what makes it the same element (key); nil until needed
	byValue map[string][]int // elements by their value; nil until needed
	budget  *int
}

// maxVisits bounds how many elements all operations of one request may look at together. Only operations with other
// filters than `value eq` on very long lists come near it.
const maxVisits = 20_000_000

func (l *list) spend(n int) error {
	if *l.budget -= n; *l.budget < 0 {
		return scim.Errorf(400, scim.TooMany, "the operations would have to look at more than %d elements", maxVisits)
	}
	return nil
}

func newList(v *doc.Node, attr *schema.Attribute, budget *int) *list {
	l := &list{attr: attr, budget: budget}
	switch v.Kind() {
	case doc.Invalid, doc.Null:
	case doc.Array:
		l.items = slices.Clone(v.Items())
	default:
		l.items = []*doc.Node{v}
	}
	l.live = len(l.items)
	*budget -= l.live
	return l
}

// forget drops the indexes after an element was changed in place.
func (l *list) forget() { l.byKey, l.byValue = nil, nil }

func (l *list) clear() {
	l.items, l.live = nil, 0
	l.forget()
}

func (l *list) remove(i int) {
	if l.items[i] != nil {
		l.items[i] = nil
		l.live--
	}
}

// rest returns the elements without the holes.
func (l *list) rest() []*doc.Node {
	if l.live == len(l.items) {
		return l.items
	}
	return slices.DeleteFunc(l.items, func(n *doc.Node) bool { return n == nil })
}

// find returns the index of the element that is the same as n; -1 for none.
func (l *list) find(n *doc.Node) (int, error) {
	if l.byKey == nil {
		if err := l.spend(len(l.items)); err != nil {
			return 0, err
		}
		l.byKey = make(map[string]int, len(l.items))
		for i, item := range l.items {
			if item == nil {
				continue
			}
			key := l.key(item)
			if _, ok := l.byKey[key]; !ok {
				l.byKey[key] = i
			}
		}
	}
	if i, ok := l.byKey[l.key(n)]; ok && l.items[i] != nil {
		return i, nil
	}
	return -1, nil
}

func (l *list) append(n *doc.Node) int {
	i := len(l.items)
	l.items = append(l.items, n)
	l.live++
	if l.byKey != nil {
		l.byKey[l.key(n)] = i
	}
	if l.byValue != nil {
		l.index(i, n)
	}
	return i
}

// key returns what makes two elements the same one: the value of a reference; type and value of anything else that has a
// value, since no two elements should share both (RFC 7643 §2.4); all of it for the rest.
func (l *list) key(n *doc.Node) string {
	about := n.Get("value")
	if about.Kind() != doc.String {
		return value.Key(n)
	}
	if l.attr != nil && identified(l.attr) {
		return about.Text()
	}
	return doc.Fold(n.Get("type").Text()) + "\x00" + about.Text()
}

func (l *list) index(i int, n *doc.Node) {
	if own := value.Of(n); own.Kind() == doc.String {
		l.byValue[own.Text()] = append(l.byValue[own.Text()], i)
	}
}

// exact reports whether the values of the elements are compared letter by letter (RFC 7643 §7: caseExact), as ids are.
func (l *list) exact() bool {
	def := l.attr
	if def != nil && def.Type == schema.Complex {
		def = def.SubAttribute("value")
	}
	return def != nil && def.CaseExact
}

// match returns the indexes of the elements that a filter selects, in order.
func (l *list) match(f filter.Filter) ([]int, error) {
	if l.exact() {
		if values, ok := valuesOf(f, nil); ok {
			return l.lookup(values)
		}
	}
	if err := l.spend(len(l.items)); err != nil {
		return nil, err
	}
	var found []int
	for i, item := range l.items {
		if item != nil && filter.MatchElement(f, item, l.attr) {
			found = append(found, i)
		}
	}
	return found, nil
}

func (l *list) lookup(values []string) ([]int, error) {
	if l.byValue == nil {
		if err := l.spend(len(l.items)); err != nil {
			return nil, err
		}
		l.byValue = make(map[string][]int, len(l.items))
		for i, item := range l.items {
			if item != nil {
				l.index(i, item)
			}
		}
	}
	var found []int
	for _, value := range values {
		for _, i := range l.byValue[value] {
			if l.items[i] != nil {
				found = append(found, i)
			}
		}
	}
	if len(values) > 1 {
		slices.Sort(found)
		found = slices.Compact(found)
	}
	return found, nil
}
