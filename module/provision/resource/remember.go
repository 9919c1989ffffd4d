package resource

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/value"
)

// never is what is not remembered although the configuration says everything: what the upstream alone knows, and what
// must not be written down.
var never = []string{"id", "schemas", "meta", "active", "groups", "members", "password", "x509Certificates", StateSchema + ":state"}

// Never reports whether an attribute is not remembered, whatever the configuration says.
func Never(attribute string) bool {
	return slices.ContainsFunc(never, func(name string) bool { return doc.FoldEqual(name, attribute) })
}

// Remembers reports whether the ledger may hold an attribute, given by the path of the whole of it.
func (k *Kind) Remembers(attribute string) bool {
	if k.memory == nil || Never(attribute) {
		return false
	}
	is := func(name string) bool { return doc.FoldEqual(name, attribute) }
	return is(k.Identity) || is("externalId") || slices.Contains(k.memory.Store, "*") || slices.ContainsFunc(k.memory.Store, is)
}

// Overlay puts what is remembered into a resource: where the upstream shows what it showed then. What it shows otherwise
// by now was changed there, and the provider is to see that. A userName is no such value: it is what the provider knows
// the member by, whatever address the member has.
func (k *Kind) Overlay(res *doc.Node, record *ledger.Record) {
	if record == nil {
		return
	}
	if k.Dates {
		ShowDates(res, record)
	}
	for attribute, kept := range record.Kept {
		written, beside := Parsed(kept.Value), Parsed(kept.Beside)
		now := value.Get(k.Type, res, attribute)
		if !k.Remembers(attribute) || attribute != "userName" && !value.Equal(now, beside) {
			continue
		}
		if written.Kind() == doc.Null {
			written = nil
		}
		value.Set(k.Type, res, attribute, written)
	}
}

// Remember writes down what the provider wanted and the upstream does not hold, for the attributes that were changed.
// seen is the upstream's resource without anything remembered.
func (k *Kind) Remember(record *ledger.Record, seen, wanted *doc.Node, changed []string) {
	for _, path := range changed {
		attribute := value.Whole(k.Type, path)
		if !k.Remembers(attribute) {
			continue
		}
		has, wants := value.Get(k.Type, seen, attribute), value.Get(k.Type, wanted, attribute)
		if value.Equal(has, wants) {
			delete(record.Kept, attribute)
			continue
		}
		kept := ledger.Kept{Value: json.RawMessage("null")}
		if wants != nil {
			kept.Value = wants.AppendTo(nil)
		}
		if has != nil {
			kept.Beside = has.AppendTo(nil)
		}
		if record.Kept == nil {
			record.Kept = make(map[string]ledger.Kept)
		}
		record.Kept[attribute] = kept
	}
}

// Parsed returns a value of the ledger; nil where there is none.
func Parsed(text json.RawMessage) *doc.Node {
	if len(text) == 0 {
		return nil
	}
	d, err := doc.Scan(text)
	if err != nil {
		return nil
	}
	return doc.Tree(d.Value())
}

// KeepsDates reports whether a word of the configuration says so.
func KeepsDates(store string) bool { return store == "*" || doc.FoldEqual(store, "meta") }

// ShowDates puts what a record knows of it into a resource.
func ShowDates(res *doc.Node, r *ledger.Record) {
	meta := doc.NewObject()
	show := func(name string, t time.Time) {
		if !t.IsZero() {
			meta.Set(name, doc.NewString(t.UTC().Format("2006-01-02T15:04:05.000Z")))
		}
	}
	show("created", r.Created)
	show("lastModified", r.Modified)
	if meta.Len() > 0 {
		res.Set("meta", meta)
	}
}
