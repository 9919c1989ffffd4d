package link

import (
	"strings"
	"testing"

	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/provision/view"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/schema"
)

func users() *plan.Resource { return &plan.Resource{Type: schema.Standard().User} }

func tree(t *testing.T, text string) *doc.Node {
	t.Helper()
	d, err := doc.Scan([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return doc.Tree(d.Value())
}

// person returns a user with a userName, an address and an externalId, those that are given.
func person(name, address, external string) string {
	fields := []string{`"active":true`}
	if name != "" {
		fields = append(fields, `"userName":"`+name+`"`)
	}
	if address != "" {
		fields = append(fields, `"emails":[{"value":"`+address+`","type":"work","primary":true}]`)
	}
	if external != "" {
		fields = append(fields, `"externalId":"`+external+`"`)
	}
	return "{" + strings.Join(fields, ",") + "}"
}

// listed returns a member whom the organization shows, and of whom the ledger knows a record.
func listed(t *testing.T, text string, record *ledger.Record) Member {
	res := tree(t, text)
	return Member{Entry: &view.Entry{ID: "1", SCIM: res.Doc()}, Record: record, User: res}
}

var (
	linked  = &ledger.Record{Linked: true}
	deleted = &ledger.Record{Linked: true, Deleted: true}
	noted   = &ledger.Record{} // something is remembered, and not that the member is the provider's
)

func TestJudge(t *testing.T) {
	jane := person("jane@example.com", "jane@example.com", "x-jane")
	bob := person("bob@elsewhere.example", "bob@elsewhere.example", "x-bob")
	for name, c := range map[string]struct {
		by, domains string
		member      string
		record      *ledger.Record
		wanted      string
		want        Verdict
	}{
		"a stranger, by the userName":                 {member: jane, wanted: person("JANE@example.com", "", ""), want: Same},
		"a stranger, by the address":                  {member: jane, wanted: person("janet", "jane@example.com", ""), want: Same},
		"a stranger, by the externalId alone":         {member: jane, wanted: person("janet", "", "x-jane"), want: Another},
		"nothing in common":                           {member: jane, wanted: person("joe", "joe@example.com", "x-joe"), want: Another},
		"an empty externalId is none":                 {member: person("a", "", ""), wanted: person("b", "", ""), want: Another},
		"link_by externalId":                          {by: "externalId", member: jane, wanted: person("janet", "", "x-jane"), want: Same},
		"link_by externalId, by the userName":         {by: "externalId", member: jane, wanted: person("jane@example.com", "", ""), want: NotLinked},
		"link_by userName, by the address":            {by: "userName", member: person("jane", "jane@example.com", ""), wanted: person("janet", "jane@example.com", ""), want: NotLinked},
		"link_by has no say in whom the provider has": {by: "externalId", member: jane, record: linked, wanted: person("jane@example.com", "", ""), want: Same},
		"nor in whom it has deleted":                  {by: "externalId", member: jane, record: deleted, wanted: person("jane@example.com", "", ""), want: Same},
		"a record alone makes nobody the provider's":  {by: "externalId", member: jane, record: noted, wanted: person("jane@example.com", "", ""), want: NotLinked},
		"outside, by the address":                     {domains: "example.com", member: bob, wanted: person("bob@elsewhere.example", "", ""), want: Outside},
		"outside, by the address and the externalId":  {domains: "example.com", member: bob, wanted: person("bob@elsewhere.example", "", "x-bob"), want: Same},
		"outside, by the externalId alone":            {domains: "example.com", member: bob, wanted: person("robert", "", "x-bob"), want: Outside},
		"outside, by a userName that is no address":   {domains: "example.com", member: person("bob", "bob@elsewhere.example", ""), wanted: person("bob", "", ""), want: Same},
		"in a domain, whatever the letters":           {domains: "Example.com", member: person("", "jane@EXAMPLE.com", ""), wanted: person("janet", "jane@example.com", ""), want: Same},
		"a domain below is another":                   {domains: "example.com", member: person("", "jane@eu.example.com", ""), wanted: person("janet", "jane@eu.example.com", ""), want: Outside},
		"outside, and the provider's already":         {domains: "example.com", member: bob, record: linked, wanted: person("bob@elsewhere.example", "", ""), want: Same},
	} {
		rules := &Rules{Resource: users(), By: strings.Fields(c.by), Domains: strings.Fields(c.domains)}
		if got := rules.Judge(listed(t, c.member, c.record), tree(t, c.wanted)); got != c.want {
			t.Errorf("%s: %v, not %v", name, got, c.want)
		}
	}
}

// Who waits to be created is judged by what the provider wrote, and is known to it.
func TestJudgeWhoWaits(t *testing.T) {
	rules := &Rules{Resource: users(), By: []string{"externalId"}, Domains: []string{"example.com"}}
	m := Member{User: tree(t, person("bob@elsewhere.example", "", ""))}
	if m.Stranger() || rules.Judge(m, m.User) != Same || rules.Renamed(m, m.User) {
		t.Error("who waits is not found to be the one who is created again")
	}
}

// Whom the provider knows under one name is nobody else, whatever else they share.
func TestRenamed(t *testing.T) {
	rules, wanted := &Rules{Resource: users()}, tree(t, person("janet", "jane@example.com", "x-jane"))
	for record, want := range map[*ledger.Record]bool{nil: false, noted: false, deleted: false, linked: true} {
		if got := rules.Renamed(listed(t, person("jane", "jane@example.com", "x-jane"), record), wanted); got != want {
			t.Errorf("%+v: %v", record, got)
		}
	}
}

func TestOffers(t *testing.T) {
	const byName, byAddress, byExternal, any = `userName eq "jane@example.com"`, `emails.value eq "jane@example.com"`, `externalId eq "x"`, `active eq true`
	inside, outside := person("jane@example.com", "jane@example.com", "x"), person("jane@elsewhere.example", "jane@elsewhere.example", "x")
	for name, c := range map[string]struct {
		by, domains, member string
		offered, not        []string
	}{
		"without rules":               {member: inside, offered: []string{byName, byAddress, byExternal, any}},
		"inside":                      {domains: "example.com", member: inside, offered: []string{byName, any}},
		"outside":                     {domains: "example.com", member: outside, offered: []string{byExternal, `id eq "1"`}, not: []string{byName, byAddress, any, `externalId eq "x" or active eq true`}},
		"outside, with a plain name":  {domains: "example.com", member: person("jane", "jane@elsewhere.example", ""), offered: []string{`userName eq "jane"`}, not: []string{byAddress}},
		"link_by userName":            {by: "userName", member: inside, offered: []string{byName, `id eq "1"`, `active eq true and userName eq "jane@example.com"`}, not: []string{byAddress, byExternal, any}},
		"link_by email, and a domain": {by: "email", domains: "example.com", member: outside, not: []string{byName, byAddress, byExternal, any}},
	} {
		rules := &Rules{Resource: users(), By: strings.Fields(c.by), Domains: strings.Fields(c.domains)}
		for want, filters := range map[bool][]string{true: c.offered, false: c.not} {
			for _, text := range filters {
				f, _, err := filter.Parse(text, rules.Type, filter.Options{})
				if err != nil {
					t.Fatal(err)
				}
				if got := rules.Offers(listed(t, c.member, nil), f); got != want {
					t.Errorf("%s: %s: %v", name, text, got)
				}
			}
		}
	}
}
