package provision

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/value"
)

// Whatever is kept can be found by every filter over it: what the indexes find is what the evaluation of the filter over all
// resources finds. Else somebody would be invited a second time.
func TestKeptIsFound(t *testing.T) {
	g, _, storage := remembering(t, func(o *Organization) { o.Ledger.Store = []string{"*"} })
	for _, body := range []string{
		user("Ada@Example.com", "A-1", `"title":"Gräfin","emails":[{"value":"ada@example.com","type":"work","primary":true},{"value":"Home@Ada.example","type":"home"}]`),
		user("bob@example.com", "b-2", `"title":"gräfin","name":{"givenName":"Bob","familyName":"B."},"emails":[{"value":"bob@example.com","type":"work"},{"value":"home@ada.example","type":"other"}]`),
		user("cy@example.com", "c-3", `"emails":[{"value":"shared@example.com","type":"work"},{"value":"MÜLLER@example.com","type":"home"}],"phoneNumbers":[{"value":"7","type":"work"}]`),
		user("dee@example.com", "D-4", `"nickName":"","roles":[{"value":"admin","primary":true}]`),
	} {
		g.must(t, 201, "POST", "/Users", body)
	}
	for _, state := range []string{"known", "restarted"} {
		if state == "restarted" {
			g = g.restarted(t, storage)
		}
		var all []*doc.Node
		for _, res := range g.must(t, 200, "GET", "/Users", "").body["Resources"].([]any) {
			all = append(all, tree(t, res))
		}
		if len(all) != 4 {
			t.Fatalf("%d users", len(all))
		}
		asked := 0
		for text := range filtersOver(g, all) {
			f, _, err := filter.Parse(text, g.set.User, filter.Options{})
			if err != nil {
				continue // no filter for this type of attribute
			}
			var want []string
			for _, res := range all {
				if filter.Match(f, res, g.set.User) {
					want = append(want, res.Get("id").Text())
				}
			}
			got := g.find(t, "Users", text)
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("%s: %s finds %v, not %v", state, text, got, want)
			}
			asked++
		}
		if asked < 500 {
			t.Errorf("%d filters", asked)
		}
	}
}

// filtersOver walks over filters with every operator, on every text that resources have and some that they almost have.
func filtersOver(g *gateway, all []*doc.Node) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		texts := map[string][]string{}
		for _, res := range all {
			for _, whole := range value.Attributes(res) {
				if whole == "schemas" || whole == "meta" || strings.Contains(whole, ":") {
					continue
				}
				attr := g.set.User.Attribute("", whole, "")
				paths := []string{whole}
				for _, sub := range attr.Sub {
					paths = append(paths, whole+"."+sub.Name)
				}
				for _, path := range paths {
					texts[path] = append(texts[path], value.Texts(g.set.User, res, path)...)
				}
			}
		}
		for path, found := range texts {
			slices.Sort(found)
			var literals []string
			for _, text := range slices.Compact(found) {
				literals = append(literals, text, strings.ToUpper(text), text[:len(text)/2])
			}
			for _, text := range append(literals, "nobody") {
				literal := string(doc.AppendString(nil, text))
				for _, op := range []string{"eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"} {
					ask := []string{path + " " + op + " " + literal}
					if whole, sub, ok := strings.Cut(path, "."); ok && g.set.User.Attribute("", whole, "").MultiValued {
						ask = append(ask, whole+"["+sub+" "+op+" "+literal+"]", whole+`[type eq "home" and `+sub+" "+op+" "+literal+"]", whole+"["+sub+" "+op+" "+literal+` or value eq "nobody"]`)
					}
					for _, text := range ask {
						if !yield(text) || !yield(text+" and active eq true") || !yield("not ("+text+")") {
							return
						}
					}
				}
			}
		}
	}
}

func tree(t *testing.T, v any) *doc.Node {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	d, err := doc.Scan(text)
	if err != nil {
		t.Fatal(err)
	}
	return doc.Tree(d.Value())
}

// Who has an address that is only remembered is not invited a second time under it.
func TestRememberedAddressIsTaken(t *testing.T) {
	g, b := onBitwarden(t, func(o *Organization) { o.Ledger.Store = []string{"emails"} })
	g.must(t, 201, "POST", "/Users", user("ada@example.com", "a", `"emails":[{"value":"ada@example.com","type":"work"},{"value":"ada@home.example","type":"home"}]`))
	a := g.do(t, "POST", "/Users", user("ada@home.example", "other", `"emails":[{"value":"ada@home.example","type":"work"}]`))
	if a.status != 409 || len(b.members) != 1 {
		t.Errorf("answered %d, %d members", a.status, len(b.members))
	}
}
