package provision

import (
	"encoding/json"
	"fmt"
	"iter"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-scim/gateway/module/provision/resource"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/quirks"
	"github.com/caddy-scim/gateway/transforms/scim"
	"github.com/caddy-scim/gateway/transforms/value"
)

// Whatever is kept can be found by every filter over it: what the indexes find is what the evaluation of the filter over all
// resources, as they are shown, finds. Else somebody would be invited a second time.
func TestKeptIsFound(t *testing.T) {
	g, _, storage := remembering(t, func(o *Organization) { o.Ledger.Store = []string{"*"} })
	generic, err := quirks.New(quirks.Config{Profile: "generic"})
	if err != nil {
		t.Fatal(err)
	}
	const extension = `"` + scim.EnterpriseSchema + `":{"department":"%s","employeeNumber":"7","manager":{"value":"m1","displayName":"%s"}}`
	for _, body := range []string{
		user("Ada@Example.com", "A-1", `"title":"Gräfin","emails":[{"value":"ada@example.com","type":"work","primary":true},{"value":"Home@Ada.example","type":"home"}]`, fmt.Sprintf(extension, "Research", "Bob")),
		user("bob@example.com", "b-2", `"title":"gräfin","name":{"givenName":"Bob","familyName":"B."},"emails":[{"value":"bob@example.com","type":"work"},{"value":"home@ada.example","type":"other"}]`, fmt.Sprintf(extension, "research", "")),
		user("cy@example.com", "c-3", `"emails":[{"value":"shared@example.com","type":"work"},{"value":"MÜLLER@example.com","type":"home"}],"phoneNumbers":[{"value":"7","type":"work","primary":false}]`),
		strings.Replace(user("dee@example.com", "D-4", `"nickName":"","profileUrl":"https://dee.example/","locale":"de","roles":[{"value":"admin","primary":true}]`), "true", "false", 1), // waits
	} {
		g.must(t, 201, "POST", "/Users", body)
		g.clock.t = g.clock.t.Add(time.Minute)
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
		asked, paths := 0, map[string]bool{}
		for path, text := range filtersOver(g, all) {
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
			q, err := generic.Query(g.set.User, scim.List, "filter="+url.QueryEscape(text), new(quirks.Account))
			if err != nil {
				t.Errorf("%s: %v", text, err)
				continue
			}
			got := g.listed(t, q)
			slices.Sort(want)
			if slices.Sort(got); !slices.Equal(got, want) {
				t.Errorf("%s: %s finds %v, not %v", state, text, got, want)
			}
			asked++
			paths[path] = true
		}
		for _, path := range []string{
			"id", "userName", "externalId", "active", "title", "name.givenName", "emails.value", "emails.type", "emails.primary", "phoneNumbers.value", "roles.value",
			"meta.created", "meta.lastModified", "meta.resourceType", "meta.location", "schemas", resource.StateSchema + ":state",
			scim.EnterpriseSchema + ":department", scim.EnterpriseSchema + ":manager.value", "profileUrl", "locale",
		} {
			if !paths[path] {
				t.Errorf("%s: nothing was asked about %s", state, path)
			}
		}
		if asked < 3000 {
			t.Errorf("%d filters", asked)
		}
	}
}

// listed returns the ids that a query finds.
func (g *gateway) listed(t *testing.T, q scim.Query) (ids []string) {
	t.Helper()
	a, err := g.carry(g.ctx, g.caller, &scim.Operation{Type: g.set.User, Base: base, Verb: scim.List, Query: q})
	if err != nil {
		t.Fatal(err)
	}
	d, err := doc.Scan(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, res := range doc.Tree(d.Value()).Get("Resources").Items() {
		ids = append(ids, res.Get("id").Text())
	}
	return ids
}

// filtersOver walks over filters with every operator, on every value that resources have and some that they almost have, each
// with the path that it is about.
func filtersOver(g *gateway, all []*doc.Node) iter.Seq2[string, string] {
	return func(yield func(path, filter string) bool) {
		literals := map[string][]string{}
		for _, res := range all {
			for _, whole := range value.Attributes(res) {
				uri, name, _ := g.set.User.SplitURN(whole)
				for _, element := range elements(value.Get(g.set.User, res, whole)) {
					if element.Kind() != doc.Object {
						literals[whole] = append(literals[whole], literalsOf(element)...)
						continue
					}
					literals[whole] = append(literals[whole], literalsOf(element.Get("value"))...)
					for _, sub := range g.set.User.Attribute(uri, name, "").Sub {
						path := whole + "." + sub.Name
						literals[path] = append(literals[path], literalsOf(element.Get(sub.Name))...)
					}
				}
			}
		}
		for path, found := range literals {
			if len(found) == 0 {
				continue // nobody has it
			}
			ask := []string{path + " pr"}
			for _, literal := range distinct(append(found, `"nobody"`)) {
				for _, op := range []string{"eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"} {
					ask = append(ask, path+" "+op+" "+literal)
					uri, rest, _ := g.set.User.SplitURN(path)
					whole, sub, ok := strings.Cut(rest, ".")
					if attr := g.set.User.Attribute(uri, whole, ""); ok && uri == "" && attr.MultiValued {
						ask = append(ask, whole+"["+sub+" "+op+" "+literal+"]", whole+`[type eq "home" and `+sub+" "+op+" "+literal+"]", whole+"["+sub+" "+op+" "+literal+` or value eq "nobody"]`)
					}
				}
			}
			for _, text := range ask {
				if !yield(path, text) || !yield(path, text+" and active eq true") || !yield(path, "not ("+text+")") {
					return
				}
			}
		}
	}
}

func elements(n *doc.Node) []*doc.Node {
	if n.Kind() == doc.Array {
		return n.Items()
	}
	return []*doc.Node{n}
}

// literalsOf returns a value as filters have it, and, of a text, some that are almost it.
func literalsOf(n *doc.Node) (literals []string) {
	switch n.Kind() {
	case doc.Bool:
		return []string{"true", "false"}
	case doc.String:
		text := n.Text()
		for _, like := range []string{text, strings.ToUpper(text), text[:len(text)/2]} {
			literals = append(literals, string(doc.AppendString(nil, like)))
		}
	}
	return literals
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
