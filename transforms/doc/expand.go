package doc

// expand opens a node: its members or elements become nodes of their own. All of an object's names are decoded into one
// string, and nodes are allocated by the block, because a group of 50,000 members is 150,000 nodes.
func (n *Node) expand() {
	if n.open {
		return
	}
	n.open = true
	var b block
	v := Value{n.raw}
	if n.kind == Array {
		for item := range v.Items() {
			n.items = append(n.items, b.node(item))
		}
		return
	}
	var short [512]byte
	names := short[:0]
	ends := make([]int, 0, 32)
	for name, val := range v.Fields() {
		names = appendUnescaped(names, name.raw[1:len(name.raw)-1])
		ends = append(ends, len(names))
		n.fields = append(n.fields, Field{Value: b.node(val)})
	}
	all, from := string(names), 0
	for i, end := range ends {
		n.fields[i].Name, from = all[from:end], end
	}
}

// block hands out nodes, of which it allocates more at a time the more are asked for.
type block struct {
	free []Node
	size int
}

func (b *block) node(v Value) *Node {
	if len(b.free) == 0 {
		b.size = min(max(4, 2*b.size), 256)
		b.free = make([]Node, b.size)
	}
	n := &b.free[0]
	b.free = b.free[1:]
	n.kind, n.raw = v.Kind(), v.raw
	return n
}
