package quirks

import (
	"hash/maphash"
	"slices"
	"sync/atomic"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// target is what the path of a PATCH operation leads to.
type target struct {
	text   string            // the path as it came, as JSON
	attr   *schema.Attribute // attribute or sub-attribute; nil where the schema knows none
	list   bool              // a multi-valued attribute as a whole
	item   bool              // elements of one: the path ends with a filter
	refers bool              // the value of an attribute that refers to another resource
	spread bool              // a sub-attribute of all elements of a list
	urn    *schema.Schema    // the path is the URI of this extension
	path   filter.Path
	canon  string // the canonical path
	same   bool   // the path came in canonical form
	rules  [4]ruleID
}

// targets remembers what paths lead to: a provider sends the same few paths again and again, and parsing one costs more
// than everything else that is done about an operation. A slot holds the last path that fell into it, so that the memory
// is bounded and nothing has to be locked.
type targets struct{ slots [256]atomic.Pointer[target] }

var seed = maphash.MakeSeed()

// find returns the target of a path, if it is known, and else the slot that it should go to.
func (t *targets) find(path []byte) (*atomic.Pointer[target], *target) {
	first := maphash.Bytes(seed, path)
	for i := range uint64(nearby) {
		slot := &t.slots[(first+i)%uint64(len(t.slots))]
		switch known := slot.Load(); {
		case known == nil:
			return slot, nil
		case known.text == string(path):
			return slot, known
		}
	}
	return &t.slots[first%uint64(len(t.slots))], nil
}

const (
	longest = 160 // bytes of a path that is remembered: longer ones hold identifiers and come once
	nearby  = 4   // slots that are tried before one that is taken is given to another path
)

// options allows the leniencies of filters and paths whose rules are on.
func (n *Normalizer) options() filter.Options {
	o := filter.Options{Allow: filter.NumberString, NoControls: n.on[controlCharacters]}
	for i, r := range table {
		for _, s := range r.steps {
			if s.allows && n.on[i] {
				o.Allow |= s.note
			}
		}
	}
	if n.on[bareManager] {
		o.Allow |= filter.BareExtension
	}
	if n.on[booleanString] { // without it no text is a boolean, in values as here
		o.Boolean = localized
	}
	return o
}

// ruleOf returns the rule that stands for a note of the parser.
func ruleOf(note filter.Notes) ruleID {
	for i, r := range table {
		if slices.ContainsFunc(r.steps, func(s step) bool { return s.note == note }) {
			return ruleID(i)
		}
	}
	return none
}

// target returns what the path, a JSON string, leads to.
func (p *pass) target(s doc.Span) (*target, error) {
	raw := p.raw(s)
	var slot *atomic.Pointer[target]
	if len(raw) <= longest && p.targets != nil {
		var t *target
		if slot, t = p.targets.find(raw); t != nil {
			return t, nil
		}
	}
	t, err := p.n.resolve(p.rt, p.d.In(s).Text())
	if err != nil {
		return nil, p.located(err)
	}
	t.text = string(raw)
	if slot != nil {
		slot.Store(t)
	}
	return t, nil
}

// resolve parses a path and looks up what it leads to.
func (n *Normalizer) resolve(rt *schema.ResourceType, text string) (*target, error) {
	if uri, rest, r := n.repairedURI(rt, text); r != none {
		t, err := n.resolve(rt, uri+rest)
		if err == nil {
			t.same = false
			t.rules[len(t.rules)-1] = r
		}
		return t, err
	}
	path, notes, err := filter.ParsePath(text, rt, n.pathOptions)
	if err != nil {
		if t := n.foreignName(text); t != nil {
			return t, nil
		}
		return nil, badPath(err)
	}
	t := &target{path: path}
	if notes.Has(filter.BareExtension) && !n.on[bareExtension] && !doc.FoldEqual(path.Attr.Name, "manager") {
		// Only the manager may be bare: the parser is asked again without the leniency.
		o := n.pathOptions
		o.Allow &^= filter.BareExtension
		if path, notes, err = filter.ParsePath(text, rt, o); err != nil {
			return nil, badPath(err)
		}
		t.path = path
	}
	t.canon = n.spell(rt, path, notes, text)
	if t.same = t.canon == text; !t.same {
		n.judge(t, notes)
	}
	if path.Attr.Name == "" {
		t.urn = rt.Schema(path.Attr.URI)
		return t, nil
	}
	whole := rt.Attribute(path.Attr.URI, path.Attr.Name, "")
	t.attr = rt.Attribute(path.Attr.URI, path.Attr.Name, path.Attr.Sub)
	if whole != nil && path.Attr.Sub != "" {
		t.spread = whole.MultiValued
		t.refers = t.attr != nil && t.attr.Name == "value" && pointsElsewhere(whole)
	}
	switch {
	case path.Sub != "":
		t.attr = t.attr.SubAttribute(path.Sub)
	case path.Filter != nil:
		t.item = true
	case t.attr != nil:
		t.list = t.attr.MultiValued
	}
	return t, nil
}

// foreignName returns the target of a path with letters that no attribute of SCIM has (RFC 7643 §2.1). They are never folded
// to the ASCII letters that they look like (T3): whatever it names, it is none of ours.
func (n *Normalizer) foreignName(text string) *target {
	foreign := false
	for i := range len(text) {
		switch c := text[i]; {
		case c >= 0x80:
			foreign = true
		case c <= ' ' || c == '"' || c == '[' || c == ']' || c == '(' || c == ')':
			return nil
		}
	}
	if !foreign || n.on[asciiNames] {
		return nil
	}
	return &target{canon: text, same: true}
}

// spell returns the canonical path, as far as the rules that are on go.
func (n *Normalizer) spell(rt *schema.ResourceType, path filter.Path, notes filter.Notes, text string) string {
	legal := notes &^ (filter.NameCase | filter.CoreURN | filter.OperatorCase)
	keep := legal == 0 &&
		(!notes.Has(filter.NameCase) || !n.on[attributeCase]) &&
		(!notes.Has(filter.CoreURN) || !n.on[urnPath]) &&
		(path.Filter == nil || !n.on[filterSpelling])
	if keep {
		return text
	}
	s := path.String()
	if notes.Has(filter.CoreURN) && !n.on[urnPath] {
		s = rt.Core.ID + ":" + s
	}
	return s
}

// judge names the rules that changed a path.
func (n *Normalizer) judge(t *target, notes filter.Notes) {
	i := 0
	for note := range notes.All() {
		r := ruleOf(note)
		if note == filter.BareExtension && !n.on[bareExtension] {
			r = bareManager
		}
		if i < len(t.rules)-1 && n.on[r] && !slices.Contains(t.rules[:i], r) {
			t.rules[i] = r
			i++
		}
	}
	if i == 0 {
		t.rules[0] = filterSpelling
	}
}

// secret reports whether the path is something that is never returned, such as a password.
func (t *target) secret() bool { return t.attr != nil && t.attr.Returned == schema.Never }

// one returns the comparison by which the path names one element.
func (t *target) one() (*filter.Compare, bool) {
	one, ok := t.path.Filter.(*filter.Compare)
	return one, ok && one.Op == filter.Eq && one.Attr.Name == "value"
}

// namesMember reports whether the path leads to one member as a whole.
func (t *target) namesMember() bool {
	_, ok := t.one()
	return ok && t.item && t.attr != nil && isMembers(t.attr)
}

// isID reports whether the path is the resource's id.
func (t *target) isID() bool {
	return t.attr.Name == "id" && t.path.Attr.URI == "" && t.path.Attr.Sub == "" && !t.item && t.path.Sub == ""
}

// isMembers reports whether the path is a group's list of members.
func (t *target) isMembers() bool { return t.list && isMembers(t.attr) }

func isMembers(a *schema.Attribute) bool { return a.MultiValued && a.Name == "members" }

// reference reports whether the path is an attribute which points to another resource, or what in it does the pointing: ""
// points nowhere.
func (t *target) reference() bool {
	switch {
	case t.list || t.item:
		return false
	case t.attr.Type == schema.Complex:
		return t.attr.SubAttribute("value") != nil
	}
	return t.refers
}

// address reports whether the path is an attribute of the type reference: "" is no address (RFC 7643 §2.3.7). Of an element of
// a list it is left alone: to remove what is not there is an error, and to replace it is none (Q38).
func (t *target) address() bool {
	return t.attr.Type == schema.Reference && !t.list && !t.spread && t.path.Filter == nil
}

func badPath(err error) error {
	return scim.Errorf(400, scim.InvalidPath, "a path is not understood: %s", err)
}
