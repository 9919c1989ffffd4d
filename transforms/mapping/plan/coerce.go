package plan

import (
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping/template"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// coerce makes a value of an item what the schema says the attribute is; nil where it is nothing of the kind, for then
// the attribute has no value. An empty text is no value either (RFC 7643 §2.5).
func coerce(v *doc.Node, a *schema.Attribute) *doc.Node {
	switch v.Kind() {
	case doc.Invalid, doc.Null:
		return nil
	case doc.Array:
		items := make([]*doc.Node, 0, len(v.Items()))
		for _, item := range v.Items() {
			if one := coerce(item, a); one != nil {
				items = append(items, one)
			}
		}
		if len(items) == 0 {
			return nil
		}
		return doc.NewArray(items...)
	case doc.Object:
		if a.Type == schema.Complex {
			return v
		}
		return nil
	}
	switch a.Type {
	case schema.Boolean:
		b, err := template.ToBool(v)
		if err != nil {
			return nil
		}
		return b
	case schema.Integer:
		n, err := template.ToInt(v)
		if err != nil {
			return nil
		}
		return n
	case schema.Decimal:
		if v.Kind() != doc.Number {
			return nil
		}
		return v
	case schema.Complex:
		return nil
	}
	if strings.TrimSpace(v.Text()) == "" {
		return nil
	}
	if v.Kind() == doc.String {
		return v
	}
	return doc.NewString(v.Text())
}
