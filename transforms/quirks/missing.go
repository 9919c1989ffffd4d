package quirks

import (
	"slices"
	"strconv"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/patch"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// NeedsElements are the attributes that have to be read before [Normalizer.CreateElements] can tell whether the elements
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
	c := creator{rt: rt, state: current.Clone()}
	if c.state == nil {
		c.state = doc.NewObject()
	}
	for i, item := range list.Items() {
		c.operation(&ops[i], item)
	}
	if c.count == 0 {
		return d, nil
	}
	list.SetItems(c.out)
	acc.note(missingElement, "Operations", "", strconv.Itoa(c.count)+" added")
	return root.Doc(), nil
}

// describesElement tells whether an operation changes an element that its path names by what it would be made of: eq, joined
// by and.
func describesElement(rt *schema.ResourceType, op *patch.Operation) bool {
	attr := rt.Attribute(op.Path.Attr.URI, op.Path.Attr.Name, "")
	if op.Op == patch.OpRemove || op.Path.Filter == nil || attr == nil || !attr.MultiValued || attr.Type != schema.Complex {
		return false
	}
	_, ok := equalities(op.Path.Filter)
	return ok
}

// creator goes through the operations with the resource as it is before each of them.
type creator struct {
	rt    *schema.ResourceType
	state *doc.Node
	out   []*doc.Node
	made  []creation
	count int
}

// creation is an element that was made, and that nothing but its own operations has touched since.
type creation struct {
	attr    filter.Attr
	filter  string
	element *doc.Node // in the operation that adds it
}

func (c *creator) operation(op *patch.Operation, item *doc.Node) {
	if !describesElement(c.rt, op) {
		c.close(op)
		c.keep(op, item)
		return
	}
	attr := c.rt.Attribute(op.Path.Attr.URI, op.Path.Attr.Name, "")
	text := op.Path.Filter.String()
	for _, m := range c.made {
		if m.attr == op.Path.Attr && m.filter == text {
			give(m.element, op)
			c.apply(op)
			return
		}
	}
	if slices.ContainsFunc(c.list(op.Path.Attr).Items(), func(e *doc.Node) bool { return filter.MatchElement(op.Path.Filter, e, attr) }) {
		c.close(op)
		c.keep(op, item)
		return
	}
	element := doc.NewObject()
	equal, _ := equalities(op.Path.Filter)
	for _, e := range equal {
		element.Set(e.Attr.Name, e.Value.Node())
	}
	give(element, op)
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
	_, _ = patch.Apply(c.state, []patch.Operation{*op}, c.rt)
}

// list is the attribute in the state; nil where it has none.
func (c *creator) list(a filter.Attr) *doc.Node {
	if a.URI == "" {
		return c.state.Get(a.Name)
	}
	return c.state.Get(a.URI).Get(a.Name)
}

// grow adds an element to the state.
func (c *creator) grow(a filter.Attr, element *doc.Node) {
	if list := c.list(a); list.Kind() == doc.Array {
		list.Add(element)
		return
	}
	in := c.state
	if a.URI != "" {
		if in = c.state.Get(a.URI); in.Kind() != doc.Object {
			in = doc.NewObject()
			c.state.Set(a.URI, in)
		}
	}
	in.Set(a.Name, doc.NewArray(element))
}

// give sets what the operation sets in the element.
func give(element *doc.Node, op *patch.Operation) {
	if op.Path.Sub != "" {
		element.Set(op.Path.Sub, doc.Tree(op.Value))
		return
	}
	for key, v := range op.Value.Fields() {
		element.Set(key.Text(), doc.Tree(v))
	}
}

// equalities are the comparisons of a filter that is nothing but eq joined by and.
func equalities(f filter.Filter) (all []*filter.Compare, ok bool) {
	switch f := f.(type) {
	case *filter.Compare:
		return []*filter.Compare{f}, f.Op == filter.Eq && f.Attr.Sub == "" && f.Value.Kind != doc.Null
	case *filter.And:
		left, ok := equalities(f.Left)
		if !ok {
			return nil, false
		}
		right, ok := equalities(f.Right)
		return append(left, right...), ok
	}
	return nil, false
}
