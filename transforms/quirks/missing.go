package quirks

import (
	"slices"
	"strconv"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/patch"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
	"github.com/caddy-scim/gateway/transforms/value"
)

// NeedsElements returns the attributes that have to be read before [Normalizer.CreateElements] can tell whether the elements
// that a canonical PATCH names are there; none where it names none, or the rule is off.
func (n *Normalizer) NeedsElements(rt *schema.ResourceType, d doc.Doc) (attributes []string) {
	if !n.on[missingElement] {
		return nil
	}
	ops, err := patch.Parse(d, rt)
	if err != nil {
		return nil // what is wrong in itself is for the upstream to refuse
	}
	for i := range ops {
		if name := ops[i].Path.Attr.String(); describesElement(rt, &ops[i]) && !slices.Contains(attributes, name) {
			attributes = append(attributes, name)
		}
	}
	return attributes
}

// CreateElements makes an add of each element that a canonical PATCH changes by a value path but that current, the
// resource as the upstream has it, does not have (Q38): Entra expects the element to be made, upstreams refuse with
// noTarget (RFC 7644 §3.5.2.3). However many operations are about the element, it is added once.
func (n *Normalizer) CreateElements(rt *schema.ResourceType, d doc.Doc, current *doc.Node, acc *Account) (doc.Doc, error) {
	if !n.on[missingElement] {
		return d, nil
	}
	ops, err := patch.Parse(d, rt)
	if err != nil {
		return d, err
	}
	root := doc.Tree(d.Value())
	list := root.Get("Operations")
	c := creator{rt: rt, state: doc.NewObject(), lists: map[string]bool{}, budget: maxElements}
	for i := range ops {
		if at := ops[i].Path.Attr; describesElement(rt, &ops[i]) && !c.lists[listName(at)] {
			c.lists[listName(at)] = true
			if held := rt.Value(current, at.URI, at.Name); held != nil {
				c.put(at, held.Clone())
			}
		}
	}
	for i, item := range list.Items() {
		if op := c.relevant(&ops[i]); op == nil {
			c.out = append(c.out, item)
		} else {
			c.single(op.Path.Attr)
			c.operation(op, item)
		}
		if c.budget < 0 {
			return d, scim.Errorf(413, "", "too many operations on lists of too many elements; send fewer at a time")
		}
	}
	if c.count == 0 {
		return d, nil
	}
	list.SetItems(c.out)
	acc.note(missingElement, "Operations", "", strconv.Itoa(c.count)+" added")
	return root.Doc(), nil
}

// describesElement reports whether an operation changes an element that can be made of it.
func describesElement(rt *schema.ResourceType, op *patch.Operation) bool {
	element, _ := described(rt, op)
	return element != nil
}

// described returns the element that an operation would make: what its path names it by, eq joined by and, and brings, what the
// operation sets in it. Both are nil where the element would not be what the path asks for, or would lack something that the
// operation says: then nothing is made, as by a strict server. Nor is where the value of an element is what it is, as a
// member's: nobody becomes a member because a part of one was to change.
func described(rt *schema.ResourceType, op *patch.Operation) (element, brings *doc.Node) {
	attr := rt.Attribute(op.Path.Attr.URI, op.Path.Attr.Name, "")
	if op.Op == patch.OpRemove || op.Path.Filter == nil || attr == nil || !attr.MultiValued || attr.Type != schema.Complex {
		return nil, nil
	}
	element, brings = patch.Described(op.Path.Filter, attr), given(attr, op)
	if element == nil || brings == nil {
		return nil, nil
	}
	give(element, brings)
	if !filter.MatchElement(op.Path.Filter, element, attr) {
		return nil, nil
	}
	return element, brings
}

// given returns what an operation sets in the one element that it names, null aside; nil where that is nothing, or not to be told.
// Elements that have a value may come as their value alone, and the one element in a list.
func given(attr *schema.Attribute, op *patch.Operation) *doc.Node {
	n, v := doc.NewObject(), op.Value
	set := func(name string, v doc.Value) {
		if v.Kind() != doc.Null && v.Kind() != doc.Invalid {
			n.Set(spelled(attr, name), doc.Tree(v))
		}
	}
	if op.Path.Sub != "" {
		set(op.Path.Sub, v)
	} else {
		if v = theOne(v); v.Kind() == doc.String && attr.SubAttribute("value") != nil {
			set("value", v)
		}
		for key, v := range v.Fields() {
			set(key.Text(), v)
		}
	}
	if len(n.Fields()) == 0 {
		return nil
	}
	return n
}

// give sets in an element what an operation brings.
func give(element, brings *doc.Node) {
	for _, f := range brings.Fields() {
		element.Set(f.Name, f.Value)
	}
}

// theOne returns the one element of an array, and anything else itself.
func theOne(v doc.Value) doc.Value {
	one, n := v, 0
	for item := range v.Items() {
		if n++; n > 1 {
			return v
		}
		one = item
	}
	return one
}

func spelled(attr *schema.Attribute, name string) string {
	if sub := attr.SubAttribute(name); sub != nil {
		return sub.Name
	}
	return name
}

// maxElements is how many elements all operations may look at together: each looks at all of its list.
const maxElements = 500_000

// creator goes through the operations with the lists that they may make elements of, as these are before each of them.
type creator struct {
	rt     *schema.ResourceType
	lists  map[string]bool // the lists, by listName
	state  *doc.Node       // a resource that has nothing else
	out    []*doc.Node
	made   []creation
	count  int
	budget int
}

// listName returns the name by which a list is known, whatever of it a path leads to.
func listName(a filter.Attr) string {
	a.Sub = ""
	return doc.Fold(a.String())
}

// relevant returns what an operation says about the lists; nil where that is nothing.
func (c *creator) relevant(op *patch.Operation) *patch.Operation {
	switch at := op.Path.Attr; {
	case at.Name == "":
		part := *op
		part.Value = c.part(at.URI, op.Value).Doc().Value()
		return &part
	case c.lists[listName(at)]:
		return op
	}
	return nil
}

// part returns an object of attributes with nothing but the lists.
func (c *creator) part(uri string, v doc.Value) *doc.Node {
	n := doc.NewObject()
	for key, v := range v.Fields() {
		name := key.Text()
		switch {
		case uri == "" && schema.IsURI(name):
			if in := c.part(name, v); in.Len() > 0 {
				n.Set(name, in)
			}
		case c.lists[listName(filter.Attr{URI: uri, Name: name})], doc.FoldEqual(uri, c.rt.Core.ID) && c.lists[listName(filter.Attr{Name: name})]:
			n.Set(name, doc.Tree(v))
		}
	}
	return n
}

// creation is an element that was made, and that nothing but its own operations has touched since.
type creation struct {
	attr    filter.Attr
	filter  string
	element *doc.Node // in the operation that adds it
}

func (c *creator) operation(op *patch.Operation, item *doc.Node) {
	element, brings := described(c.rt, op)
	if element == nil {
		c.close(op)
		c.keep(op, item)
		return
	}
	attr := c.rt.Attribute(op.Path.Attr.URI, op.Path.Attr.Name, "")
	text := op.Path.Filter.String()
	for _, m := range c.made {
		if m.attr == op.Path.Attr && m.filter == text {
			give(m.element, brings)
			more := patch.Operation{Op: patch.OpAdd, Path: op.Path, Value: brings.Doc().Value()}
			more.Path.Sub = ""
			c.apply(&more)
			return
		}
	}
	if slices.ContainsFunc(c.list(op.Path.Attr).Items(), func(e *doc.Node) bool { return filter.MatchElement(op.Path.Filter, e, attr) }) {
		c.close(op)
		c.keep(op, item)
		return
	}
	added := doc.NewObject()
	added.Set("op", doc.NewString(acts[add]))
	added.Set("path", doc.NewString(op.Path.Attr.String()))
	added.Set("value", doc.NewArray(element))
	c.out = append(c.out, added)
	c.made = append(c.made, creation{op.Path.Attr, text, element})
	c.count++
	c.grow(op.Path.Attr, element.Clone())
}

// close ends what may be added to elements of a list that an operation touches in another way: what comes after it has to
// stay after it.
func (c *creator) close(op *patch.Operation) {
	c.made = slices.DeleteFunc(c.made, func(m creation) bool { return op.Path.Attr.Name == "" || m.attr == op.Path.Attr })
}

func (c *creator) keep(op *patch.Operation, item *doc.Node) {
	c.out = append(c.out, item)
	c.apply(op)
}

// apply makes the state what it is after the operation. What cannot be applied is for the upstream to refuse.
func (c *creator) apply(op *patch.Operation) {
	c.budget -= 1 + len(c.list(op.Path.Attr).Items())
	if op.Path.Attr.Name == "" {
		for _, list := range c.state.Fields() {
			c.budget -= len(list.Value.Items())
		}
	}
	_, _ = patch.Apply(c.state, []patch.Operation{*op}, c.rt)
}

// list returns the attribute in the state; nil where it has none.
func (c *creator) list(a filter.Attr) *doc.Node {
	return c.rt.Value(c.state, a.URI, a.Name)
}

// single makes a list of one of the object that some servers show in place of it: the element is there.
func (c *creator) single(a filter.Attr) {
	only := c.list(a)
	if attr := c.rt.Attribute(a.URI, a.Name, ""); attr != nil && attr.MultiValued && only.Kind() == doc.Object {
		c.put(a, doc.NewArray(only))
	}
}

// grow adds an element to the state.
func (c *creator) grow(a filter.Attr, element *doc.Node) {
	if list := c.list(a); list.Kind() == doc.Array {
		list.Add(element)
		return
	}
	c.put(a, doc.NewArray(element))
}

// put sets the attribute in the state.
func (c *creator) put(a filter.Attr, list *doc.Node) {
	value.Holder(c.state, a.URI).Set(a.Name, list)
}
