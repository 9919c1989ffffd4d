package provision

import (
	"context"
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/patch"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
	"github.com/caddy-scim/gateway/transforms/value"
)

// lockNames locks values that no two resources may share, while they are looked up and given to one. Two requests at once
// would both find them free. What became of earlier calls with these values is found out first.
func (w *writer) lockNames(ctx context.Context, names []string) (unlock func(), err error) {
	if unlock, err = w.shared.locks.Names(w.lasting(ctx), w.Name, names); err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return unlock, nil
	}
	if err := w.settleNames(ctx, names); err != nil {
		unlock()
		return nil, err
	}
	return unlock, nil
}

// lasting returns the context in which an operation waits: what is half done is finished, whether anybody waits for it or not.
func (s *session) lasting(ctx context.Context) context.Context {
	if s.talk.Begun() {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

// namesOf returns the values that a resource is not to share with another one, whatever the attribute: an address may be
// somebody's userName.
func (k *kind) namesOf(res *doc.Node) (names []string) {
	add := func(value string) {
		if value = schema.Fold(strings.TrimSpace(value)); value != "" {
			names = append(names, value)
		}
	}
	for _, attribute := range k.unique {
		for _, text := range value.Texts(k.Type, res, attribute) {
			add(text)
		}
	}
	if k.Name == "user" {
		add(k.Email(res))
		for _, text := range value.Texts(k.Type, res, "emails.value") {
			add(text)
		}
	}
	return names
}

// namesIn returns the values among those of a PATCH or PUT that the resource may be given as a name. It is known before
// the resource is, because names are locked first.
func (k *kind) namesIn(op *scim.Operation) (names []string) {
	if op.Verb != scim.Patch {
		return k.namesOf(doc.Tree(op.Body.Value()))
	}
	for operation := range patch.Each(op.Body) {
		v := operation.Value
		switch {
		case v.Kind() == doc.Invalid:
			continue
		case operation.Path.Kind() == doc.Invalid:
			names = append(names, k.namesOf(doc.Tree(v))...)
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
		names = append(names, k.namesOf(res)...)
	}
	return names
}
