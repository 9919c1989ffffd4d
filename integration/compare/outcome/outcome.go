// Package outcome tells what package quirks makes of a request, as one text that two states of the repository can be
// compared by.
package outcome

import (
	"bytes"
	"fmt"
	"iter"
	"strings"
	"sync"

	"github.com/caddy-scim/gateway/integration/compare/requests"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/quirks"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// Outcome is what became of a request.
type Outcome struct {
	Text    string // what came out, or the error
	Counts  string // how many times each rule was applied
	Records string // where each rule was applied
	Fault   string // what may be said of no request: a document that is no JSON, or is not settled; empty where there is none
}

// Rules walks over the ids of the rules that were applied.
func (o Outcome) Rules() iter.Seq[string] {
	return func(yield func(string) bool) {
		for count := range strings.SplitSeq(o.Counts, ", ") {
			if id, _, ok := strings.Cut(count, " "); ok && !yield(id) {
				return
			}
		}
	}
}

// schemas are those of the RFC and a few attributes of the types that it has none of, so that every rule has something to be
// about.
var schemas = sync.OnceValues(func() (*schema.Set, error) {
	const contoso = "urn:ietf:params:scim:schemas:extension:Contoso:2.0:User:"
	return schema.Standard().With(schema.Custom{Path: contoso + "level", Type: "integer"}, schema.Custom{Path: contoso + "contractor", Type: "boolean"},
		schema.Custom{Path: contoso + "tags", MultiValued: true}, schema.Custom{Path: contoso + "numbers", Type: "integer", MultiValued: true})
})

// Of returns what becomes of a request.
func Of(r *requests.Request) (o Outcome) {
	set, err := schemas()
	if err != nil {
		return Outcome{Text: err.Error()}
	}
	n, err := quirks.New(quirks.Config{Profile: r.Profile, Enable: r.Enable, Disable: r.Disable, Schemas: set})
	if err != nil {
		return Outcome{Text: "not configured: " + err.Error()}
	}
	records := quirks.Account{Limit: 50}
	o.Text, o.Fault = answer(n, r, &records)
	var counts quirks.Account
	if text, _ := answer(n, r, &counts); text != o.Text || tally(&counts) != tally(&records) {
		o.Fault = "without records it is another one: " + text + " " + tally(&counts)
	}
	o.Counts = tally(&records)
	var b strings.Builder
	for _, record := range records.Records() {
		fmt.Fprintf(&b, "%s at %q: %s → %s; ", record.Rule, record.Path, record.Before, record.After)
	}
	o.Records = b.String()
	return o
}

func tally(acc *quirks.Account) string {
	var b strings.Builder
	for id, n := range acc.Counts() {
		fmt.Fprintf(&b, "%s %d, ", id, n)
	}
	return strings.TrimSuffix(b.String(), ", ")
}

func answer(n *quirks.Normalizer, r *requests.Request, acc *quirks.Account) (text, fault string) {
	rt := n.Schemas().User
	if r.Group {
		rt = n.Schemas().Group
	}
	switch r.Verb {
	case "url":
		path, query, _ := strings.Cut(r.Text, "?")
		path, query = n.URL(path, query, acc)
		return path + "?" + query, ""
	case "list":
		q, err := n.Query(rt, scim.List, r.Text, acc)
		if err != nil {
			return err.Error(), ""
		}
		return fmt.Sprintf("%s start %d, count %d, attributes %q, excluded %q", q.Raw, q.StartIndex, q.Count, q.Attributes, q.Excluded), ""
	}
	verb := map[string]scim.Verb{"patch": scim.Patch, "create": scim.Create, "replace": scim.Replace}[r.Verb]
	d, err := n.Scan([]byte(r.Text), acc)
	if err != nil {
		return err.Error(), ""
	}
	out, err := n.Body(rt, verb, requests.ID, d, acc)
	if err != nil {
		return err.Error(), ""
	}
	return string(out.Raw()), faultIn(n, rt, verb, d, out, acc)
}

// faultIn returns what is wrong with a document that came out, whatever went in.
func faultIn(n *quirks.Normalizer, rt *schema.ResourceType, verb scim.Verb, in, out doc.Doc, acc *quirks.Account) string {
	if _, err := doc.Scan(out.Raw()); err != nil {
		return "no JSON: " + err.Error()
	}
	if acc.Applied() == 0 && &in.Raw()[0] != &out.Raw()[0] {
		return "changed, although no rule applied"
	}
	if verb == scim.Patch && !n.On("empty-operations") {
		return "" // a request of which nothing is left is refused then
	}
	var again quirks.Account
	switch twice, err := n.Body(rt, verb, requests.ID, out, &again); {
	case err != nil:
		return "refused when it comes again: " + err.Error()
	case !bytes.Equal(twice.Raw(), out.Raw()):
		return "not settled: " + string(twice.Raw())
	}
	return ""
}
