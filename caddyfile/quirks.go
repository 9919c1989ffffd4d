package caddyfile

import (
	"slices"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-scim/gateway/transforms/quirks"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// types are the data types that an attribute can be declared with (RFC 7643 §2.3).
var types = []string{"string", "boolean", "decimal", "integer", "dateTime", "binary", "reference", "complex"}

// quirks reads
//
//	quirks <profile> {
//		enable         <quirk...>
//		disable        <quirk...>
//		max_operations <n>
//		boolean        <attribute...>   # and every other type of RFC 7643 §2.3
//	}
func (c *config) quirks(d *caddyfile.Dispenser) error {
	q := &c.handler.Quirks
	if err := word(d, &q.Profile); err != nil {
		return err
	}
	if err := checkQuirks(d, quirks.Config{Profile: q.Profile}); err != nil {
		return err
	}
	known := lines{"enable": into(words, &q.Enable), "disable": into(words, &q.Disable), "max_operations": into(number, &q.MaxOperations)}
	for _, name := range types {
		known[name] = func(d *caddyfile.Dispenser) error {
			var paths []string
			if err := words(d, &paths); err != nil {
				return err
			}
			for _, path := range paths {
				if err := c.declare(d, schema.Custom{Path: path, Type: name}); err != nil {
					return err
				}
			}
			return nil
		}
	}
	return block(d, " of quirks", known, func() error {
		_, err := quirks.New(quirks.Config{Profile: q.Profile, Enable: q.Enable, Disable: q.Disable})
		return err
	}, slices.Concat(types, []string{"enable", "disable"})...)
}

// attribute reads
//
//	attribute <path> [<type>] [multi_valued] [case_exact] [group]
func (c *config) attribute(d *caddyfile.Dispenser) error {
	var a schema.Custom
	if !d.Args(&a.Path) {
		return d.ArgErr()
	}
	for _, flag := range d.RemainingArgs() {
		switch {
		case slices.Contains(types, flag) && a.Type == "":
			a.Type = flag
		case flag == "multi_valued":
			a.MultiValued = true
		case flag == "case_exact":
			a.CaseExact = true
		case flag == "group":
			a.Resource = "Group"
		default:
			return d.Errf("an attribute has a type, multi_valued, case_exact or group, not %q", flag)
		}
	}
	if d.NextBlock(0) {
		return d.Err("an attribute has no block")
	}
	return c.declare(d, a)
}

// declare adds an attribute. A complex one can be checked only when all its sub-attributes are known.
func (c *config) declare(d *caddyfile.Dispenser, a schema.Custom) error {
	c.declared, c.handler.Attributes = d, append(c.handler.Attributes, a)
	isComplex := func(a schema.Custom) bool { return a.Type == "complex" }
	if slices.ContainsFunc(c.handler.Attributes, isComplex) {
		return nil
	}
	if _, err := schema.Standard().With(c.handler.Attributes...); err != nil {
		return d.WrapErr(err)
	}
	return nil
}
