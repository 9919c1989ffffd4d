package patch

import (
	"encoding/base64"
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
	"github.com/caddy-scim/gateway/transforms/value"
)

// target is what an operation works on.
type target struct{ value.Target }

// resolve checks a path against the schema (RFC 7644 §3.5.2: invalidPath, mutability).
func resolve(p filter.Path, rt *schema.ResourceType) (*target, error) {
	t := &target{value.Resolve(p, rt)}
	switch {
	case t.Def == nil:
		return t, nil
	case t.Def.Mutability == schema.ReadOnly:
		return nil, readOnly(t)
	case t.Sub != "" && t.SubDef == nil:
		return nil, scim.Errorf(400, scim.InvalidPath, "%s has no such sub-attribute", t.Attr)
	case t.Sub != "" && t.SubDef.Mutability == schema.ReadOnly:
		return nil, readOnly(t)
	case t.Filter == nil:
	case !t.Def.MultiValued:
		return nil, scim.Errorf(400, scim.InvalidPath, "%s has one value only, so that a value filter has nothing to select", t.Attr)
	case t.Def.Type == schema.Complex && !known(t.Filter, t.Def):
		return nil, scim.Errorf(400, scim.InvalidPath, "the filter names a sub-attribute that %s does not have", t.Attr)
	}
	return t, nil
}

func readOnly(t *target) error { return scim.Errorf(400, scim.Mutability, "%s is read-only", t) }

// known reports whether a value filter names sub-attributes of attr only.
func known(f filter.Filter, attr *schema.Attribute) bool {
	for a := range filter.Attributes(f) {
		if a.Sub != "" || attr.SubAttribute(a.Name) == nil {
			return false
		}
	}
	return true
}

// check returns an error where a value cannot be the attribute's (RFC 7643 §2.3); null always can. name is for the message.
func check(attr *schema.Attribute, name string, v doc.Value) error {
	if attr == nil || v.Kind() == doc.Null {
		return nil
	}
	if !attr.MultiValued {
		return checkOne(attr, name, v)
	}
	if v.Kind() != doc.Array {
		return checkElement(attr, name, v)
	}
	for item := range v.Items() {
		if err := checkElement(attr, name, item); err != nil {
			return err
		}
	}
	return nil
}

// checkElement checks one value of a multi-valued attribute.
func checkElement(attr *schema.Attribute, name string, v doc.Value) error {
	if err := checkOne(attr, name, v); err != nil {
		return err
	}
	if identified(attr) {
		if id, ok := v.Lookup("value"); !ok || id.Kind() != doc.String || id.Text() == "" {
			return scim.Errorf(400, scim.InvalidValue, "every element of %s needs a value (RFC 7643 §2.4)", name)
		}
	}
	return nil
}

func checkOne(attr *schema.Attribute, name string, v doc.Value) error {
	ok, want := true, "a string"
	switch attr.Type {
	case schema.String, schema.Reference:
		ok = v.Kind() == doc.String
	case schema.DateTime:
		ok, want = v.Kind() == doc.String && isDateTime(v.Text()), "a date and time (RFC 7643 §2.3.5)"
	case schema.Binary:
		ok, want = v.Kind() == doc.String && isBase64(v.Text()), "Base64 (RFC 7643 §2.3.6)"
	case schema.Boolean:
		ok, want = v.Kind() == doc.Bool, "true or false"
	case schema.Decimal:
		ok, want = v.Kind() == doc.Number, "a number"
	case schema.Integer:
		ok, want = v.Kind() == doc.Number && !strings.ContainsAny(v.Text(), ".eE"), "a number without fraction"
	case schema.Complex:
		return checkComplex(attr, name, v)
	}
	if !ok {
		return scim.Errorf(400, scim.InvalidValue, "%s must be %s", name, want)
	}
	return nil
}

func checkComplex(attr *schema.Attribute, name string, v doc.Value) error {
	if v.Kind() != doc.Object {
		return scim.Errorf(400, scim.InvalidValue, "%s must be an object of sub-attributes", name)
	}
	some := false
	for key, val := range v.Fields() {
		some = true
		sub := subNamed(attr, key)
		if sub == nil {
			if !schema.IsName(key.Text()) {
				return scim.Errorf(400, scim.InvalidPath, "%s: a key is not an attribute name (RFC 7643 §2.1)", name)
			}
			continue
		}
		if val.Kind() == doc.String && sub.Type == schema.String && !sub.MultiValued { // nearly always, and without a name to build
			continue
		}
		if err := check(sub, name+"."+sub.Name, val); err != nil {
			return err
		}
	}
	if !some && attr.MultiValued {
		return scim.Errorf(400, scim.InvalidValue, "an element of %s is empty", name)
	}
	return nil
}

// subNamed returns the sub-attribute that a key names; nil for none.
func subNamed(attr *schema.Attribute, key doc.Value) *schema.Attribute {
	for _, sub := range attr.Sub {
		if key.Is(sub.Name) {
			return sub
		}
	}
	return nil
}

// checkNull refuses null where clearing does harm that nobody can have meant: an account without active is neither
// disabled nor enabled (T4), and a group that loses all its members does so on an explicit remove (Q62).
func checkNull(t *target) error {
	if a := t.Innermost(); a != nil && t.Attr.URI == "" && t.Sub == "" && (a.Type == schema.Boolean && !a.MultiValued || identified(a)) {
		return scim.Errorf(400, scim.InvalidValue, "%s cannot be null", t)
	}
	return nil
}

// identified reports whether an attribute's elements are references that their value alone identifies, as members are:
// their value is immutable, so that another value is another element.
func identified(attr *schema.Attribute) bool {
	value := attr.SubAttribute("value")
	return attr != nil && attr.MultiValued && value != nil && value.Mutability == schema.Immutable
}

// checkPrimary refuses a resource that calls more than one value of an attribute primary (RFC 7643 §2.4). That is for
// POST and PUT; in a PATCH the last one wins (RFC 7644 §3.5.2).
func checkPrimary(res *doc.Node, rt *schema.ResourceType) error {
	for uri, a := range rt.Attributes() {
		if !a.MultiValued || a.SubAttribute("primary") == nil {
			continue
		}
		n := 0
		for _, item := range rt.Value(res, uri, a.Name).Items() {
			if item.Get("primary").True() {
				n++
			}
		}
		if n > 1 {
			return scim.Errorf(400, scim.InvalidValue, "%s has %d primary values, there can be one (RFC 7643 §2.4)", a.Name, n)
		}
	}
	return nil
}

func isDateTime(s string) bool {
	_, ok := schema.ParseDateTime(s)
	return ok
}

// isBase64 accepts both alphabets of RFC 4648 (RFC 7643 §2.3.6), padded or not.
func isBase64(s string) bool {
	s = strings.TrimRight(s, "=")
	_, std := base64.RawStdEncoding.DecodeString(s)
	if std == nil {
		return true
	}
	_, url := base64.RawURLEncoding.DecodeString(s)
	return url == nil
}
