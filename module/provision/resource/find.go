package resource

import (
	"net/http"
	"slices"

	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/patch"
	"github.com/caddy-scim/gateway/transforms/scim"
	"github.com/caddy-scim/gateway/transforms/value"
)

// Supports reports whether a filter can be kept to: an answer without the resources that the filter means would make the
// provider create them once more. An attribute that nobody has is another thing: no resource can match it, and Entra
// probes a server with one.
func (k *Kind) Supports(f filter.Filter) error {
	if f == nil {
		return nil
	}
	for a := range filter.Attributes(f) {
		if k.Type.Attribute(a.URI, a.Name, a.Sub) != nil && !k.finds(a) {
			return unfindable(scim.InvalidFilter, a.String())
		}
	}
	return nil
}

// Selects reports whether the elements that paths name can be told apart by what is kept of them: nobody is found by anything
// else, so that a remove would leave everybody where they are, and be called a success.
func (k *Kind) Selects(ops []patch.Operation) error {
	for i := range ops {
		at := ops[i].Path.Attr
		for a := range filter.Attributes(ops[i].Path.Filter) {
			if k.Type.Attribute(at.URI, at.Name, a.Name) != nil && !k.Keeps(at.URI, at.Name, a.Name) {
				return unfindable(scim.InvalidPath, at.String()+"."+a.Name)
			}
		}
	}
	return nil
}

func unfindable(scimType, attribute string) error {
	return scim.Errorf(http.StatusBadRequest, scimType, "the organization does not keep %s, so that nothing can be found by it", attribute)
}

// finds reports whether resources can be found by an attribute: it is kept, or what it is in answers is known.
func (k *Kind) finds(a filter.Attr) bool {
	switch {
	case a.URI == "" && doc.FoldEqual(a.Name, "meta") && a.Sub != "":
		dated := doc.FoldEqual(a.Sub, "created") || doc.FoldEqual(a.Sub, "lastModified")
		return dated && k.Dates || doc.FoldEqual(a.Sub, "resourceType") || doc.FoldEqual(a.Sub, "location")
	case a.Sub == "":
		return k.Shows(a.String())
	}
	return k.Keeps(a.URI, a.Name, a.Sub)
}

// AsksLedger reports whether a filter is about something that the ledger may hold.
func (k *Kind) AsksLedger(f filter.Filter) bool {
	if f == nil {
		return false
	}
	for a := range filter.Attributes(f) {
		if k.Remembers(value.Whole(k.Type, a.String())) || slices.ContainsFunc([]string{"members", "meta", "schemas"}, func(name string) bool { return doc.FoldEqual(a.Name, name) }) {
			return true
		}
	}
	return false
}

// Asks reports whether a filter is about an attribute, or a part of it.
func Asks(f filter.Filter, name string) bool {
	for a := range filter.Attributes(f) {
		if a.URI == "" && doc.FoldEqual(a.Name, name) {
			return true
		}
	}
	return false
}

// lookup is a value that the resources in question must have in an attribute.
type lookup = value.Lookup

// Lookups returns lookups that find every resource for which a filter can hold; false where there are none such. What the
// ledger remembers is found that way only where no two resources share it: a pointer leads to one.
func (k *Kind) Lookups(f filter.Filter) ([]lookup, bool) {
	return value.Lookups(f, k.Type, func(attribute string) bool {
		shared := k.Remembers(value.Whole(k.Type, attribute)) && !slices.Contains(k.Exclusive, attribute)
		return attribute == "id" || slices.Contains(k.Indexed, attribute) && !shared
	})
}

// WaitingKeys returns what a user who waits is found by.
func (k *Kind) WaitingKeys(r *ledger.Record) (keys []string) {
	res := Parsed(r.Deferred)
	if res == nil {
		return nil // a damaged record is a lost record
	}
	for _, attribute := range k.Indexed {
		for _, text := range value.Texts(k.Type, res, attribute) {
			if key := (value.Lookup{Attribute: attribute, Value: text}).Key(); !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
	}
	return keys
}
