package quirks

import (
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/patch"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// Deactivates reports whether a document switches a user off, or may be meant to, in any form that the rules know and by every
// word that is not one for true, whatever else is wrong with it. Of one that was refused somebody has to look at it soon: the
// user stays active until the provider's request is accepted (Q53).
func Deactivates(d doc.Doc) bool { return setsActive(d, isOff) }

// SpeaksOfActive reports whether a document says of a user to be active or not, in any form that the rules know.
func SpeaksOfActive(d doc.Doc) bool { return setsActive(d, func(doc.Value) bool { return true }) }

// Unclear reports whether a document that [Deactivates] may have been meant otherwise: what it says of active is no word for
// false. Somebody has to look at it all the same.
func Unclear(d doc.Doc) bool {
	return !setsActive(d, func(v doc.Value) bool {
		v = unwrapped(v)
		return v.Kind() == doc.Bool && !v.True() || v.Kind() == doc.Number && v.Text() == "0" || v.Kind() == doc.String && isFalse(v.Text())
	})
}

// setsActive reports whether a document gives active a value like that, in any form that the rules know.
func setsActive(d doc.Doc, like func(doc.Value) bool) bool {
	if hasActive(d.Value(), like) {
		return true
	}
	for op := range patch.Each(d) {
		if isActive(op.Path) && like(op.Value) || hasActive(op.Value, like) {
			return true
		}
		if op.Path.Kind() == doc.String {
			continue
		}
		for item := range op.Value.Items() {
			if hasActive(item, like) {
				return true
			}
		}
	}
	return false
}

// Activates reports whether a canonical PATCH sets active to true, and nothing in it takes that back.
func Activates(d doc.Doc) bool {
	on := false
	for op := range patch.Each(d) {
		if isActive(op.Path) {
			on = op.Value.True()
			continue
		}
		for key, v := range op.Value.Fields() {
			if isActive(key) {
				on = v.True()
			}
		}
	}
	return on
}

// hasActive reports whether active is like that among an object's members, or those of the core schema in it.
func hasActive(v doc.Value, like func(doc.Value) bool) bool {
	for key, v := range v.Fields() {
		if isActive(key) && like(v) || isCore(key) && hasActive(v, like) {
			return true
		}
	}
	return false
}

func isActive(name doc.Value) bool {
	if name.Is("active") || name.Is(scim.UserSchema+":active") || name.Is(scim.UserSchema+".active") {
		return true
	}
	rest, ok := cutOldUser(name)
	return ok && doc.FoldEqual(rest, ":active")
}

func isCore(name doc.Value) bool {
	rest, ok := cutOldUser(name)
	return name.Is(scim.UserSchema) || ok && rest == ""
}

// cutOldUser returns what follows the URN of a user of SCIM 1.0 in a name. Nearly no name has one, and of such a name no text
// is made.
func cutOldUser(name doc.Value) (rest string, ok bool) {
	if !name.HasPrefix(scimCore) {
		return "", false
	}
	return cutOld(name.Text(), scimCore, "User")
}

// isOff reports whether a value, which may be wrapped, is anything that cannot be meant for true.
func isOff(v doc.Value) bool {
	v = unwrapped(v)
	switch v.Kind() {
	case doc.Bool:
		return !v.True()
	case doc.Number:
		return v.Text() != "1"
	case doc.String:
		return !v.Is("true") && localized(v.Text()) != "true"
	}
	return false
}

// unwrapped takes a value out of an array, and out of an object with a value.
func unwrapped(v doc.Value) doc.Value {
	if v.Kind() == doc.Array {
		for item := range v.Items() {
			v = item
		}
	}
	if v.Kind() == doc.Object {
		v, _ = v.Lookup("value")
	}
	return v
}
