package doc

import "bytes"

// AppendTo prints the node at the end of dst. Nil prints as null.
func (n *Node) AppendTo(dst []byte) []byte {
	if n == nil {
		return append(dst, "null"...)
	}
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
	first := true
	for _, f := range n.fields {
		if f.Value == nil {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = AppendString(dst, f.Name)
		dst = append(dst, ':')
		dst = f.Value.AppendTo(dst)
	}
	return append(dst, '}')
}

// Value returns what the node is now, to be read: its text in the document where nothing was changed, else printed anew.
func (n *Node) Value() Value {
	switch {
	case n == nil:
		return Value{}
	case n.changed():
		return Value{n.AppendTo(nil)}
	}
	return Value{n.raw}
}

// Doc prints the tree as a document of its own, cut to its length: documents are kept. What a tree prints is valid by
// construction and is not scanned again.
func (n *Node) Doc() Doc { return Doc{raw: bytes.Clone(n.AppendTo(nil))} }

func (n *Node) changed() bool {
	if n == nil || n.raw == nil {
		return n != nil
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
