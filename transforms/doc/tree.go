package doc

import (
	"slices"
	"strconv"
)

// Node is a JSON value that can be changed. A tree is made from a [Value] without copying it and is opened only where it
// is looked into; what was not changed is printed byte for byte as it came, what was changed is printed without white
// space. The order of keys is kept, numbers keep their text. A Node is for one goroutine.
type Node struct {
	kind   Kind
	open   bool    // fields or items hold the content
	raw    []byte  // original text; nil as soon as the node itself was changed or built
	fields []Field // without a value where one was deleted
	gone   int     // how many were
	items  []*Node
	index  map[string]int // where the fields of an object with many are, by folded name; nil until it is needed
}

// Field is one member of an object.
type Field struct {
	Name  string // decoded
	Value *Node
}

// Tree makes a value changeable. No value is no node: nil.
func Tree(v Value) *Node {
	if v.Kind() == Invalid {
		return nil
	}
	return &Node{kind: v.Kind(), raw: v.raw}
}

// Constructors of new nodes.

// NewObject returns an empty object.
func NewObject() *Node { return &Node{kind: Object, open: true} }

// NewArray returns an array of the given elements.
func NewArray(items ...*Node) *Node { return &Node{kind: Array, open: true, items: items} }

// Printed returns an array or object of which the caller has made the text, of what [AppendString] and [Node.AppendTo] print and
// of constants. It is not scanned again.
func Printed(text []byte) *Node { return Tree(Value{text}) }

// NewString returns a string.
func NewString(s string) *Node { return &Node{kind: String, raw: AppendString(nil, s)} }

// NewBool returns true or false.
func NewBool(b bool) *Node {
	if b {
		return &Node{kind: Bool, raw: []byte("true")}
	}
	return &Node{kind: Bool, raw: []byte("false")}
}

// NewNull returns the literal null.
func NewNull() *Node { return &Node{kind: Null, raw: []byte("null")} }

// NewInt returns an integer.
func NewInt(i int64) *Node { return &Node{kind: Number, raw: strconv.AppendInt(nil, i, 10)} }

// Kind returns what the node is; nil is [Invalid].
func (n *Node) Kind() Kind {
	if n == nil {
		return Invalid
	}
	return n.kind
}

// Text returns the decoded text of a string and the raw text of anything else. For nil it is empty.
func (n *Node) Text() string {
	if n == nil {
		return ""
	}
	if n.kind == Array || n.kind == Object {
		return string(n.AppendTo(nil))
	}
	return Value{n.raw}.Text()
}

// True reports whether the node is the literal true.
func (n *Node) True() bool { return n.Kind() == Bool && n.raw[0] == 't' }

// Fields returns an object's members in order; nil for anything else. The slice is the node's own and must not be written to.
// A member may be deleted while one ranges over it.
func (n *Node) Fields() []Field {
	if n.Kind() != Object {
		return nil
	}
	n.expand()
	n.compact()
	return n.fields
}

// Len returns the number of an object's members; 0 for anything else.
func (n *Node) Len() int {
	if n.Kind() != Object {
		return 0
	}
	n.expand()
	return len(n.fields) - n.gone
}

// compact drops the deleted fields. It makes a new slice: somebody may be ranging over the old one.
func (n *Node) compact() {
	if n.gone == 0 {
		return
	}
	rest := make([]Field, 0, len(n.fields)-n.gone)
	for _, f := range n.fields {
		if f.Value != nil {
			rest = append(rest, f)
		}
	}
	n.fields, n.gone, n.index = rest, 0, nil
}

// HasItems reports whether an array has an element. It opens nothing: a long list stays a text.
func (n *Node) HasItems() bool {
	if n != nil && n.open {
		return len(n.items) > 0
	}
	return n != nil && Value{n.raw}.HasItems()
}

// Items returns an array's elements in order; nil for anything else. The slice is the node's own and must not be written to.
func (n *Node) Items() []*Node {
	if n.Kind() != Array {
		return nil
	}
	n.expand()
	return n.items
}

// Get returns the member called name, compared as [FoldEqual] does; nil where there is none or n is no object.
func (n *Node) Get(name string) *Node {
	if i := n.find(name); i >= 0 {
		return n.fields[i].Value
	}
	return nil
}

// Set gives the object's member called name a new value, in its place, or appends it. A nil value deletes it. Anything
// but an object is left alone.
func (n *Node) Set(name string, v *Node) {
	if v == nil {
		n.Delete(name)
		return
	}
	if n.Kind() != Object {
		return
	}
	name = valid(name)
	if i := n.find(name); i >= 0 {
		n.fields[i].Value, n.raw = v, nil
		return
	}
	if n.index != nil {
		n.index[Fold(name)] = len(n.fields)
	}
	n.fields, n.raw = append(n.fields, Field{name, v}), nil
}

// Delete removes the member called name and reports whether there was one.
func (n *Node) Delete(name string) bool {
	i := n.find(name)
	if i < 0 {
		return false
	}
	n.raw = nil
	if len(n.fields) <= many {
		// A new slice, not slices.Delete: somebody may be ranging over the old one.
		n.fields = slices.Concat(n.fields[:i], n.fields[i+1:])
		return true
	}
	if n.gone == 0 {
		n.fields = slices.Clone(n.fields)
	}
	delete(n.index, Fold(n.fields[i].Name))
	n.fields[i].Value = nil
	if n.gone++; 2*n.gone > len(n.fields) {
		n.compact()
	}
	return true
}

// Rename gives the member called name another name or spelling, in its place, and reports whether it did. It does not where
// there is no such member, and where another member has that name already: an object never has two of a name.
func (n *Node) Rename(name, to string) bool {
	i := n.find(name)
	if i < 0 {
		return false
	}
	to = valid(to)
	if j := n.find(to); j >= 0 && j != i {
		return false
	}
	if n.fields[i].Name != to {
		if n.index != nil {
			delete(n.index, Fold(n.fields[i].Name))
			n.index[Fold(to)] = i
		}
		n.fields[i].Name, n.raw = to, nil
	}
	return true
}

// many is how many fields an object has before it gets an index: a body with 100,000 keys must not cost 100,000² steps.
const many = 32

// find returns the place of an object's field, or -1.
func (n *Node) find(name string) int {
	if n.Kind() != Object {
		return -1
	}
	n.expand()
	if len(n.fields) <= many {
		return slices.IndexFunc(n.fields, func(f Field) bool { return FoldEqual(f.Name, name) })
	}
	if n.index == nil {
		n.compact()
		n.index = make(map[string]int, len(n.fields))
		for i, f := range n.fields {
			n.index[Fold(f.Name)] = i
		}
	}
	if i, ok := n.index[Fold(name)]; ok {
		return i
	}
	return -1
}

// SetItems gives an array new elements. Anything but an array is left alone.
func (n *Node) SetItems(items []*Node) {
	if n.Kind() == Array {
		n.items, n.open, n.raw = items, true, nil
	}
}

// Add appends elements to an array. Anything but an array is left alone.
func (n *Node) Add(items ...*Node) {
	if n.Kind() == Array && len(items) > 0 {
		n.SetItems(append(n.Items(), items...))
	}
}

// Clone returns a copy that shares no changeable part with n.
func (n *Node) Clone() *Node {
	if n == nil {
		return nil
	}
	c := new(Node)
	n.cloneTo(c)
	return c
}

func (n *Node) cloneTo(c *Node) {
	*c = Node{kind: n.kind, open: n.open, raw: n.raw, gone: n.gone}
	nodes := make([]Node, len(n.fields)+len(n.items)) // one allocation for all children
	if len(n.fields) > 0 {
		c.fields = make([]Field, len(n.fields))
	}
	if len(n.items) > 0 {
		c.items = make([]*Node, len(n.items))
	}
	for i, f := range n.fields {
		if f.Value != nil {
			f.Value.cloneTo(&nodes[i])
			c.fields[i] = Field{f.Name, &nodes[i]}
		}
	}
	for i, item := range n.items {
		if item != nil {
			item.cloneTo(&nodes[i])
			c.items[i] = &nodes[i]
		}
	}
}

// Equal compares two values: objects without regard to order (keys as [FoldEqual]), numbers by their text, strings
// decoded.
func (n *Node) Equal(m *Node) bool {
	if n.Kind() != m.Kind() {
		return false
	}
	switch n.Kind() {
	case Object:
		if n.Len() != m.Len() {
			return false
		}
		for _, f := range n.Fields() {
			if other := m.Get(f.Name); other == nil || !f.Value.Equal(other) {
				return false
			}
		}
		return true
	case Array:
		return slices.EqualFunc(n.Items(), m.Items(), (*Node).Equal)
	case Null, Bool, Number, String:
		return n.Text() == m.Text()
	case Invalid:
	}
	return true
}
