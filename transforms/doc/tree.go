package doc

import "strconv"

// Node is a JSON value that can be changed. A tree is made from a [Value] without copying it and is opened only where it
// is looked into; what was not changed is printed byte for byte as it came, what was changed is printed without white
// space. The order of keys is kept, numbers keep their text. A Node is for one goroutine.
type Node struct {
	kind   Kind
	raw    []byte // original text; nil as soon as the node itself was changed or built
	open   bool   // fields or items hold the content
	fields []Field
	items  []*Node
}

// Field is one member of an object.
type Field struct {
	Name  string // decoded
	Value *Node
}

// Tree makes a value changeable.
func Tree(v Value) *Node { return &Node{kind: v.Kind(), raw: v.raw} }

// Constructors of new nodes.

// NewObject is an empty object.
func NewObject() *Node { return &Node{kind: Object, open: true} }

// NewArray is an array of the given elements.
func NewArray(items ...*Node) *Node { return &Node{kind: Array, open: true, items: items} }

// NewString is a string.
func NewString(s string) *Node { return &Node{kind: String, raw: AppendString(nil, s)} }

// NewBool is true or false.
func NewBool(b bool) *Node {
	if b {
		return &Node{kind: Bool, raw: []byte("true")}
	}
	return &Node{kind: Bool, raw: []byte("false")}
}

// NewNull is the literal null.
func NewNull() *Node { return &Node{kind: Null, raw: []byte("null")} }

// NewInt is an integer.
func NewInt(i int64) *Node { return &Node{kind: Number, raw: strconv.AppendInt(nil, i, 10)} }

// Kind tells what the node is; nil is [Invalid].
func (n *Node) Kind() Kind {
	if n == nil {
		return Invalid
	}
	return n.kind
}

// Text is the decoded text of a string and the raw text of another scalar. For nil it is empty.
func (n *Node) Text() string {
	if n == nil {
		return ""
	}
	if n.kind == Array || n.kind == Object {
		return string(n.AppendTo(nil))
	}
	return Value{n.raw}.Text()
}

// True tells whether the node is the literal true.
func (n *Node) True() bool { return n.Kind() == Bool && n.raw[0] == 't' }

// Fields are an object's members in order; nil for anything else. The slice is the node's own.
func (n *Node) Fields() []Field {
	if n.Kind() != Object {
		return nil
	}
	n.expand()
	return n.fields
}

// Items are an array's elements in order; nil for anything else. The slice is the node's own.
func (n *Node) Items() []*Node {
	if n.Kind() != Array {
		return nil
	}
	n.expand()
	return n.items
}

// Get is the member called name, compared as [FoldEqual] does; nil where there is none or n is no object.
func (n *Node) Get(name string) *Node {
	for _, f := range n.Fields() {
		if FoldEqual(f.Name, name) {
			return f.Value
		}
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
	n.expand()
	for i, f := range n.fields {
		if FoldEqual(f.Name, name) {
			n.fields[i].Value, n.raw = v, nil
			return
		}
	}
	n.fields, n.raw = append(n.fields, Field{name, v}), nil
}

// Delete removes the member called name and tells whether there was one.
func (n *Node) Delete(name string) bool {
	for i, f := range n.Fields() {
		if FoldEqual(f.Name, name) {
			n.fields, n.raw = append(n.fields[:i:i], n.fields[i+1:]...), nil
			return true
		}
	}
	return false
}

// Rename gives the member called name another spelling, in its place.
func (n *Node) Rename(name, to string) {
	for i, f := range n.Fields() {
		if FoldEqual(f.Name, name) && f.Name != to {
			n.fields[i].Name, n.raw = to, nil
		}
	}
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

// Clone is a copy that shares no changeable part with n.
func (n *Node) Clone() *Node {
	if n == nil {
		return nil
	}
	c := &Node{kind: n.kind, raw: n.raw, open: n.open}
	if n.open {
		c.fields = make([]Field, len(n.fields))
		for i, f := range n.fields {
			c.fields[i] = Field{f.Name, f.Value.Clone()}
		}
		c.items = make([]*Node, len(n.items))
		for i, item := range n.items {
			c.items[i] = item.Clone()
		}
	}
	return c
}

// Equal compares two values: objects without regard to order (keys as [FoldEqual]), numbers by their text, strings
// decoded.
func (n *Node) Equal(m *Node) bool {
	if n.Kind() != m.Kind() {
		return false
	}
	switch n.Kind() {
	case Object:
		if len(n.Fields()) != len(m.Fields()) {
			return false
		}
		for _, f := range n.Fields() {
			if other := m.Get(f.Name); other == nil || !f.Value.Equal(other) {
				return false
			}
		}
		return true
	case Array:
		if len(n.Items()) != len(m.Items()) {
			return false
		}
		for i, item := range n.Items() {
			if !item.Equal(m.items[i]) {
				return false
			}
		}
		return true
	case Invalid:
		return true
	}
	return n.Text() == m.Text()
}

// AppendTo prints the node at the end of dst.
func (n *Node) AppendTo(dst []byte) []byte {
	if !n.changed() {
		return append(dst, n.raw...)
	}
	if n.kind == Array {
		dst = append(dst, '[')
		for i, item := range n.items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = item.AppendTo(dst)
		}
		return append(dst, ']')
	}
	dst = append(dst, '{')
	for i, f := range n.fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendString(dst, f.Name)
		dst = append(dst, ':')
		dst = f.Value.AppendTo(dst)
	}
	return append(dst, '}')
}

// Doc prints the tree as a document of its own. What a tree prints is valid by construction and is not scanned again.
func (n *Node) Doc() Doc { return Doc{n.AppendTo(nil)} }

func (n *Node) changed() bool {
	if n.raw == nil {
		return true
	}
	if !n.open {
		return false
	}
	for _, f := range n.fields {
		if f.Value.changed() {
			return true
		}
	}
	for _, item := range n.items {
		if item.changed() {
			return true
		}
	}
	return false
}

func (n *Node) expand() {
	if n.open {
		return
	}
	n.open = true
	for key, val := range (Value{n.raw}).Fields() {
		n.fields = append(n.fields, Field{key.Text(), Tree(val)})
	}
	for val := range (Value{n.raw}).Items() {
		n.items = append(n.items, Tree(val))
	}
}
