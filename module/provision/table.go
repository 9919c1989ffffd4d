package provision

import (
	"cmp"
	"hash/maphash"
	"iter"
	"slices"
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// An entry is what is kept in memory of one upstream item: enough to answer lists and to find a resource, without the
// item itself. Entries do not change once they are in a table.
type entry struct {
	id        string  // upstream id
	key       string  // what paths name the item by; empty where that is the id
	scim      doc.Doc // the item as a resource, without schemas and meta
	word      uint8   // of the state, see states
	protected bool
}

// resource is the entry as a tree of its own.
func (e *entry) resource() *doc.Node { return doc.Tree(e.scim.Value()) }

// table holds the items of one resource type, found by id and by the values of a few attributes. It is not safe for
// concurrent use; what it hands out is.
type table struct {
	byID    map[string]*entry
	indexes []index
	ordered []*entry // all of them in list order; nil after a change
}

// index leads from the hash of a value to the entries that have it. Nearly always that is one entry, so that only others
// cost a slice.
type index struct {
	attribute string // canonical path
	first     map[uint64]*entry
	more      map[uint64][]*entry
}

var seed = maphash.MakeSeed()

func newTable(attributes []string) *table {
	t := &table{byID: make(map[string]*entry)}
	for _, attribute := range attributes {
		t.indexes = append(t.indexes, index{attribute, make(map[uint64]*entry), make(map[uint64][]*entry)})
	}
	return t
}

// put adds an entry, in the place of one with the same id.
func (t *table) put(e *entry) {
	t.drop(e.id)
	t.byID[e.id], t.ordered = e, nil
	for x, h := range t.hashes(e) {
		if x.first[h] == nil {
			x.first[h] = e
		} else {
			x.more[h] = append(x.more[h], e)
		}
	}
}

// drop removes the entry with an id, if there is one.
func (t *table) drop(id string) {
	e := t.byID[id]
	if e == nil {
		return
	}
	delete(t.byID, id)
	t.ordered = nil
	for x, h := range t.hashes(e) {
		rest := slices.DeleteFunc(append([]*entry{x.first[h]}, x.more[h]...), func(o *entry) bool { return o == e })
		delete(x.first, h)
		delete(x.more, h)
		if len(rest) > 0 {
			x.first[h] = rest[0]
		}
		if len(rest) > 1 {
			x.more[h] = rest[1:]
		}
	}
}

// find are the entries whose attribute may have a value; the caller checks them by the attribute's own rules.
func (t *table) find(attribute, value string) []*entry {
	for i := range t.indexes {
		if x := &t.indexes[i]; x.attribute == attribute {
			h := hashed(value)
			if first := x.first[h]; first != nil {
				return append([]*entry{first}, x.more[h]...)
			}
		}
	}
	return nil
}

// all are the entries in list order: by the first indexed attribute, then by id, so that pages neither overlap nor leave
// anything out however the upstream sorts.
func (t *table) all() []*entry {
	if t.ordered != nil || len(t.byID) == 0 {
		return t.ordered
	}
	type keyed struct {
		name string
		*entry
	}
	rows := make([]keyed, 0, len(t.byID))
	for _, e := range t.byID {
		k := keyed{entry: e}
		if names := values(e.resource(), t.indexes[0].attribute); len(names) > 0 {
			k.name = schema.Fold(names[0])
		}
		rows = append(rows, k)
	}
	slices.SortFunc(rows, func(a, b keyed) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.id, b.id))
	})
	t.ordered = make([]*entry, len(rows))
	for i, row := range rows {
		t.ordered[i] = row.entry
	}
	return t.ordered
}

// hashes are the places of an entry in the indexes, each once.
func (t *table) hashes(e *entry) iter.Seq2[*index, uint64] {
	return func(yield func(*index, uint64) bool) {
		res := e.resource()
		for i := range t.indexes {
			var done []uint64
			for _, text := range values(res, t.indexes[i].attribute) {
				h := hashed(text)
				if slices.Contains(done, h) {
					continue
				}
				if done = append(done, h); !yield(&t.indexes[i], h) {
					return
				}
			}
		}
	}
}

func hashed(value string) uint64 { return maphash.String(seed, schema.Fold(value)) }

// values are the texts of an attribute or sub-attribute, given by its canonical path; of every element where it is
// multi-valued.
func values(res *doc.Node, attribute string) []string {
	if i := strings.LastIndexByte(attribute, ':'); i >= 0 { // of an extension
		res, attribute = res.Get(attribute[:i]), attribute[i+1:]
	}
	name, sub, _ := strings.Cut(attribute, ".")
	var all []string
	var visit func(n *doc.Node)
	visit = func(n *doc.Node) {
		switch n.Kind() {
		case doc.Array:
			for _, item := range n.Items() {
				visit(item)
			}
		case doc.Object:
			if sub != "" {
				if text := n.Get(sub).Text(); text != "" {
					all = append(all, text)
				}
			}
		case doc.String, doc.Number:
			if text := n.Text(); text != "" {
				all = append(all, text)
			}
		}
	}
	visit(res.Get(name))
	return all
}

// states are the words of [mapping.States] behind an empty one: a byte each instead of a string, for every member.
var states = append([]string{""}, mapping.States()...)

// state is how far the membership has come; empty where the mapping does not say.
func (e *entry) state() string { return states[e.word] }

// name is what paths name the item by.
func (e *entry) name() string { return cmp.Or(e.key, e.id) }

// same compares two values of an attribute.
func same(a, b string, caseExact bool) bool {
	if caseExact {
		return a == b
	}
	return schema.Fold(a) == schema.Fold(b)
}
