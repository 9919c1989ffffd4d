package filter

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// holds compares one value, nil where the attribute is unassigned, with the literal.
func (c *Compare) holds(v *doc.Node, def *schema.Attribute) bool {
	switch {
	case c.Value.Kind == doc.Null:
		return c.Op == Eq && v == nil || c.Op == Ne && v != nil
	case v.Kind() != c.Value.Kind:
		return c.Op == Ne
	}
	text := v.Text()
	switch c.Value.Kind {
	case doc.Bool:
		return c.Op == Eq && text == c.Value.Text || c.Op == Ne && text != c.Value.Text
	case doc.Number:
		return c.Op.orders(compareNumbers(text, c.Value.Text))
	}
	if def != nil && def.Type == schema.DateTime && c.Op != Co && c.Op != Sw && c.Op != Ew {
		a, ok := schema.ParseDateTime(text)
		b, ok2 := schema.ParseDateTime(c.Value.Text)
		if !ok || !ok2 {
			return c.Op == Ne
		}
		return c.Op.orders(a.Compare(b))
	}
	if def != nil && def.CaseExact {
		return c.Op.relates(text, c.Value.Text)
	}
	return c.Op.relates(schema.Fold(text), schema.Fold(c.Value.Text))
}

// relates returns what the operator says of two strings.
func (op Operator) relates(a, b string) bool {
	switch op {
	case Co:
		return strings.Contains(a, b)
	case Sw:
		return strings.HasPrefix(a, b)
	case Ew:
		return strings.HasSuffix(a, b)
	}
	return op.orders(strings.Compare(a, b))
}

// orders returns what the operator says of two values that compare as order does: less than 0, 0 or greater.
func (op Operator) orders(order int) bool {
	switch op {
	case Eq:
		return order == 0
	case Ne:
		return order != 0
	case Gt:
		return order > 0
	case Ge:
		return order >= 0
	case Lt:
		return order < 0
	case Le:
		return order <= 0
	}
	return false
}

// decimal is a JSON number taken apart: 0.digits times ten to the exponent. Zero has no digits.
type decimal struct {
	negative bool
	digits   string // neither begins nor ends with a zero
	exponent int64
}

// compareNumbers compares two JSON numbers by value, without a float in between (T8) and without ever building the number
// that an exponent of a billion stands for.
func compareNumbers(a, b string) int {
	x, y := parseDecimal(a), parseDecimal(b)
	if c := cmp.Compare(x.sign(), y.sign()); c != 0 || x.digits == "" {
		return c
	}
	c := cmp.Or(cmp.Compare(x.exponent, y.exponent), strings.Compare(x.digits, y.digits))
	return c * x.sign()
}

func (d decimal) sign() int {
	switch {
	case d.digits == "":
		return 0
	case d.negative:
		return -1
	}
	return 1
}

func parseDecimal(s string) decimal {
	var d decimal
	s, d.negative = strings.CutPrefix(s, "-")
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		// Beyond 18 digits ParseInt saturates, which still orders right against anything that fits into a document.
		d.exponent, _ = strconv.ParseInt(s[i+1:], 10, 62)
		s = s[:i]
	}
	whole, fraction, _ := strings.Cut(s, ".")
	d.exponent += int64(len(whole))
	all := whole + fraction
	d.digits = strings.TrimLeft(all, "0")
	d.exponent -= int64(len(all) - len(d.digits))
	d.digits = strings.TrimRight(d.digits, "0")
	return d
}
