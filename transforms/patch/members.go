package patch

import (
	"slices"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// Membership is what the operations of a PATCH come to for the members of a group, so that an upstream that takes single
// additions and removals need not give out the whole list first.
type Membership struct {
	// Touched reports whether any operation is about members.
	Touched bool
	// Whole tells that the operations set the list as a whole: to Set. Add and Remove are empty then.
	Whole bool
	Set   []string
	// Add and Remove are the ids that are members, or are not, when all is done, whatever the group has now. No id is in
	// both.
	Add, Remove []string
	// Open tells that the outcome depends on more than the ids of the current members, because of a filter other than
	// value eq. Set, Add and Remove say nothing then: ask Resolve.
	Open bool
	// Others are the operations on everything but members, for [Apply].
	Others []Operation

	own []Operation
	rt  *schema.ResourceType
}

// Members splits the operations of a PATCH into those on members and the others, and computes the net effect of the
// former in their order. Any error is a [*scim.Error]; the members' operations are checked as [Apply] would.
func Members(ops []Operation, rt *schema.ResourceType) (*Membership, error) {
	m := &Membership{rt: rt}
	net := netEffect{rt: rt, is: map[string]bool{}}
	for i := range ops {
		own, other, err := split(ops[i], rt)
		if err != nil {
			return nil, numbered(i, err)
		}
		if other != nil {
			m.Others = append(m.Others, *other)
		}
		if own == nil {
			continue
		}
		m.own = append(m.own, *own)
		if err := net.apply(own); err != nil {
			return nil, numbered(i, err)
		}
	}
	m.Touched = len(m.own) > 0
	m.Whole, m.Open = net.whole, net.open
	if m.Open {
		m.Whole = false
		return m, nil
	}
	for _, id := range net.order {
		switch is := net.is[id]; {
		case net.whole && is:
			m.Set = append(m.Set, id)
		case net.whole:
		case is:
			m.Add = append(m.Add, id)
		default:
			m.Remove = append(m.Remove, id)
		}
	}
	return m, nil
}

// Against returns what has to be added to and removed from a group that has the given members now. It is for a Membership
// that is not Open.
func (m *Membership) Against(current doc.Strings) (add, remove []string) {
	wanted := m.Add
	if m.Whole {
		wanted, remove = m.Set, slices.Collect(current.Without(m.Set).All())
	} else {
		remove = current.Among(m.Remove)
	}
	return slices.Collect(doc.NewStrings(wanted...).Without(current.Among(wanted)).All()), remove
}

// Resolve is [Membership.Against] for every Membership: members are the current elements with all that filters may ask
// about, an array.
func (m *Membership) Resolve(members *doc.Node) (add, remove []string, err error) {
	group := doc.NewObject()
	if members != nil {
		group.Set("members", members.Clone())
	}
	before := doc.NewStrings(ids(group)...)
	if _, err := Apply(group, m.own, m.rt); err != nil {
		return nil, nil, err
	}
	whole := Membership{Whole: true, Set: ids(group)}
	add, remove = whole.Against(before)
	return add, remove, nil
}

func ids(group *doc.Node) []string {
	var list []string
	for _, item := range group.Get("members").Items() {
		list = append(list, item.Get("value").Text())
	}
	return list
}

// split tells an operation on members from another one. One without a path may be both.
func split(op Operation, rt *schema.ResourceType) (own, other *Operation, err error) {
	isMembers := func(uri, name string) bool {
		return (uri == "" || doc.FoldEqual(uri, rt.Core.ID)) && doc.FoldEqual(name, "members")
	}
	at := op.Path.Attr
	switch {
	case isMembers(at.URI, at.Name):
		return &op, nil, nil
	case at.Name != "" || at.URI != "" && !doc.FoldEqual(at.URI, rt.Core.ID) || op.Value.Kind() != doc.Object:
		return nil, &op, nil
	}
	rest := doc.Tree(op.Value)
	for key, val := range op.Value.Fields() {
		if !key.Is("members") {
			continue
		}
		rest.Delete("members")
		own = &Operation{Op: op.Op, Path: filter.Path{Attr: filter.Attr{Name: "members"}}, Value: val}
	}
	if own == nil {
		return nil, &op, nil
	}
	if len(rest.Fields()) > 0 {
		other = &Operation{Op: op.Op, Path: op.Path, Value: rest.Doc().Value()}
	}
	return own, other, nil
}

// netEffect follows operations on members.
type netEffect struct {
	rt    *schema.ResourceType
	whole bool
	open  bool
	is    map[string]bool // what was said last about an id
	order []string        // of first mention
}

func (n *netEffect) say(id string, is bool) {
	if _, ok := n.is[id]; !ok {
		n.order = append(n.order, id)
	}
	n.is[id] = is
}

func (n *netEffect) reset() {
	n.whole, n.open = true, false // whatever came before does not matter any more
	clear(n.is)
	n.order = nil
}

func (n *netEffect) apply(op *Operation) error {
	t, err := resolve(op.Path, n.rt)
	if err != nil {
		return err
	}
	if id := t.member(); op.Op == OpAdd && id != "" {
		_, _, err := t.named(op.Value)
		n.say(id, true)
		return err
	}
	if op.Op != OpRemove {
		if err := checkValue(t, op.Value); err != nil {
			return err
		}
		if op.Value.Kind() == doc.Null {
			return checkNull(t)
		}
	}
	switch {
	case t.Sub != "":
		n.open = true
	case t.Filter != nil:
		values, ok := valuesOf(t.Filter, nil)
		if !ok || op.Op != OpRemove {
			n.open = true
			break
		}
		for _, id := range values {
			n.say(id, false)
		}
	case op.Op == OpRemove:
		n.reset()
	default:
		if op.Op == OpReplace {
			n.reset()
		}
		n.add(op.Value)
	}
	return nil
}

func (n *netEffect) add(v doc.Value) {
	if v.Kind() != doc.Array {
		id, _ := v.Lookup("value")
		n.say(id.Text(), true)
		return
	}
	for item := range v.Items() {
		id, _ := item.Lookup("value")
		n.say(id.Text(), true)
	}
}
