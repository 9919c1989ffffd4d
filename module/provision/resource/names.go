package resource

import (
	"crypto/rand"
	"slices"
	"strings"

	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/provision/view"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/patch"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
	"github.com/caddy-scim/gateway/transforms/value"
)

// NamesOf returns the values that a resource is not to share with another one, whatever the attribute: an address may be
// somebody's userName.
func (k *Kind) NamesOf(res *doc.Node) (names []string) {
	var texts []string
	if k.IsUser() {
		texts = append(value.Texts(k.Type, res, "emails.value"), k.Email(res))
	}
	for _, attribute := range k.Exclusive {
		texts = append(texts, value.Texts(k.Type, res, attribute)...)
	}
	for _, text := range texts {
		if text = schema.Fold(strings.TrimSpace(text)); text != "" {
			names = append(names, text)
		}
	}
	return names
}

// NamesIn returns the values among those of a PATCH or PUT that the resource may be given as a name. It is known before
// the resource is, because names are locked first.
func (k *Kind) NamesIn(op *scim.Operation) (names []string) {
	if op.Verb != scim.Patch {
		return k.NamesOf(doc.Tree(op.Body.Value()))
	}
	for operation := range patch.Each(op.Body) {
		v := operation.Value
		switch {
		case v.Kind() == doc.Invalid:
			continue
		case operation.Path.Kind() == doc.Invalid:
			names = append(names, k.NamesOf(doc.Tree(v))...)
			continue
		}
		whole := value.Whole(k.Type, operation.Path.Text())
		if doc.FoldEqual(whole, "members") {
			continue
		}
		// The value in a resource that has nothing else; a part of an element as an element.
		node := doc.Tree(v)
		if doc.FoldEqual(whole, "emails") && node.Kind() == doc.String {
			element := doc.NewObject()
			element.Set("value", node)
			node = doc.NewArray(element)
		}
		res := doc.NewObject()
		value.Set(k.Type, res, whole, node)
		names = append(names, k.NamesOf(res)...)
	}
	return names
}

// Rivals returns the lookups that find who stands in the way of a new resource.
func (k *Kind) Rivals(wanted *doc.Node, thorough bool) (looked []lookup) {
	try := func(attribute, text string, must bool) {
		if text != "" && (thorough || must || k.Find[attribute] == nil || k.View.Known(func(*view.Table) {})) {
			looked = append(looked, lookup{Attribute: attribute, Value: text})
		}
	}
	for _, attribute := range k.Exclusive {
		for _, text := range value.Texts(k.Type, wanted, attribute) {
			try(attribute, text, slices.Contains(k.Unique, attribute))
		}
	}
	if k.IsUser() {
		address := k.Email(wanted)
		try("userName", address, false)
		try("emails.value", address, false)
	}
	return looked
}

// WrittenName returns the name of a resource as a create writes it into the item.
func (k *Kind) WrittenName(wanted *doc.Node) (string, bool) {
	for _, c := range k.Create {
		env := &plan.Env{SCIM: wanted, Random: rand.Text}
		if !c.Applies(env) {
			continue
		}
		body, err := c.Document(env)
		if err != nil || c.Body != plan.JSONBody {
			continue
		}
		if name, ok := k.Value(body, k.Identity); ok {
			return name, true
		}
	}
	return "", false
}

// Names returns the lookups that find a resource by what no other one has.
func (k *Kind) Names(res *doc.Node) []lookup {
	looked := k.Rivals(res, true)
	if name, ok := k.WrittenName(res); ok {
		looked = append(looked, lookup{Attribute: k.Identity, Value: name})
	}
	return looked
}

// NameOf returns by what a person knows a resource.
func (k *Kind) NameOf(v doc.Value) string {
	name, _ := v.Lookup(k.Identity)
	if name.Kind() != doc.String {
		return ""
	}
	return name.Text()
}

// RememberedName returns by what a person knows what is remembered; empty where that is nothing.
func (k *Kind) RememberedName(r *ledger.Record) string {
	if d, err := doc.Scan(r.Deferred); err == nil {
		return k.NameOf(d.Value())
	}
	if name := Parsed(r.Kept[k.Identity].Value); name != nil && name.Kind() == doc.String {
		return name.Text()
	}
	return ""
}

// ChangedThere returns the attributes that the organization shows otherwise than when the provider's value was remembered.
func (k *Kind) ChangedThere(e *view.Entry, r *ledger.Record) (attributes []string) {
	if r == nil || len(r.Kept) == 0 {
		return nil
	}
	res := doc.Tree(e.SCIM.Value())
	for attribute, kept := range r.Kept {
		if k.Remembers(attribute) && !value.Equal(value.Get(k.Type, res, attribute), Parsed(kept.Beside)) {
			attributes = append(attributes, attribute)
		}
	}
	slices.Sort(attributes)
	return attributes
}
