package doc

// expand opens a node: its members or elements become nodes of their own. They are allocated together, and so are an
// object's names, because a group of 50,000 members is 150,000 nodes.
func (n *Node) expand() {
	if n.open {
		return
	}
	n.open = true
	v := Value{n.raw}
	var short [16]Value
	values := short[:0]
	if n.kind == Array {
		for item := range v.Items() {
			values = append(values, item)
		}
		nodes := trees(values)
		n.items = make([]*Node, len(nodes))
		for i := range nodes {
			n.items[i] = &nodes[i]
		}
		return
	}
	var (
		letters [256]byte
		places  [16]int
		names   = letters[:0] // all of them in one text
		ends    = places[:0]
	)
	for name, val := range v.Fields() {
		names = appendUnescaped(names, name.raw[1:len(name.raw)-1])
		ends = append(ends, len(names))
		values = append(values, val)
	}
	nodes, all, from := trees(values), string(names), 0
	n.fields = make([]Field, len(nodes))
	for i, end := range ends {
		n.fields[i] = Field{all[from:end], &nodes[i]}
		from = end
	}
}

func trees(values []Value) []Node {
	nodes := make([]Node, len(values))
	for i, v := range values {
		nodes[i] = Node{kind: v.Kind(), raw: v.raw}
	}
	return nodes
}
