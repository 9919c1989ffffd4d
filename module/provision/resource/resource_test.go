package resource_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/provision/resource"
	"github.com/caddy-scim/gateway/module/provision/view"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/mapping"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// users are those of an organization that shows userName, address and title, writes the address alone, and has a search for
// addresses.
func users(t *testing.T, memory *resource.Memory) *resource.Kind {
	t.Helper()
	plan, err := mapping.Compile(mapping.Definition{User: &mapping.ResourceDef{
		ID:        "id",
		Map:       []mapping.MapDef{{Attribute: "userName", Value: "mail"}, {Attribute: `emails[type eq "work"].value`, Value: "mail"}, {Attribute: "title", Value: "title"}},
		List:      []mapping.CallDef{{Method: "GET", URL: "/people"}},
		Find:      map[string]mapping.CallDef{"emails.value": {Method: "GET", URL: "/people?mail={value}"}},
		Create:    []mapping.CallDef{{Method: "POST", URL: "/people", Edits: []mapping.EditDef{{Path: "mail", Value: "{scim.email}"}}}},
		DisableAs: "refuse",
		Delete:    []mapping.CallDef{{Method: "DELETE", URL: "/people/{id}"}},
	}}, schema.Standard())
	if err != nil {
		t.Fatal(err)
	}
	return resource.New(plan.User, view.New(resource.Indexed(plan.User), time.Minute, time.Now), memory)
}

func tree(t *testing.T, text string) *doc.Node {
	t.Helper()
	d, err := doc.Scan([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return doc.Tree(d.Value())
}

// What is kept is what the organization shows or the gateway remembers, and nothing else is found by; a password is never remembered.
func TestWhatIsKept(t *testing.T) {
	for store, kept := range map[string]string{
		"":        "userName title emails externalId active",
		"name":    "userName title emails externalId active name name.givenName",
		"*":       "userName title emails externalId active name name.givenName displayName",
		"nothing": "userName title emails active",
	} {
		memory := &resource.Memory{Store: strings.Fields(store)}
		if store == "nothing" {
			memory = nil
		}
		k := users(t, memory)
		for _, path := range []string{"userName", "title", "emails", "externalId", "active", "name", "name.givenName", "displayName", "password"} {
			want := slices.Contains(strings.Fields(kept), path)
			if k.Shows(path) != want {
				t.Errorf("store %s: %s is shown: %v", store, path, !want)
			}
			f, _, err := filter.Parse(path+` eq "x"`, k.Type, filter.Options{})
			if err != nil {
				continue // no filter is about it
			}
			if err := k.Supports(f); (err == nil) != (want || path == "emails") {
				t.Errorf("store %s: found by %s: %v", store, path, err)
			}
		}
	}
}

// The provider reads what it wrote where the organization holds something else, until the organization changes it. The
// userName is what the provider knows the member by, whatever it becomes there.
func TestRememberAndOverlay(t *testing.T) {
	k := users(t, &resource.Memory{Store: []string{"title", "displayName"}})
	seen := tree(t, `{"userName":"jane@example.com","title":"CEO"}`)
	wanted := tree(t, `{"userName":"jane","title":"Chief","displayName":"Jane","nickName":"J","password":"secret"}`)
	record := &ledger.Record{ID: "1"}
	k.Remember(record, seen, wanted, []string{"userName", "title", "displayName", "nickName", "password"})
	for shown, want := range map[string]string{
		`{"userName":"jane@example.com","title":"CEO"}`:       `{"userName":"jane","title":"Chief","displayName":"Jane"}`,
		`{"userName":"janet@example.com","title":"CEO"}`:      `{"userName":"jane","title":"Chief","displayName":"Jane"}`,
		`{"userName":"jane@example.com","title":"President"}`: `{"userName":"jane","title":"President","displayName":"Jane"}`,
	} {
		res := tree(t, shown)
		k.Overlay(res, record)
		if got := string(res.AppendTo(nil)); got != want {
			t.Errorf("over %s: %s", shown, got)
		}
	}
	if got := k.ChangedThere(&view.Entry{SCIM: tree(t, `{"userName":"jane@example.com","title":"President"}`).Doc()}, record); !slices.Equal(got, []string{"title"}) {
		t.Errorf("changed there: %v", got)
	}
	// What the organization holds by now need not be remembered.
	k.Remember(record, tree(t, `{"title":"Chief"}`), wanted, []string{"title"})
	if _, ok := record.Kept["title"]; ok || len(record.Kept) != 2 {
		t.Errorf("%v", record.Kept)
	}
}

// Names are what no two resources may share, whatever the attribute and the letters.
func TestNames(t *testing.T) {
	k := users(t, nil)
	body := func(text string) *scim.Operation {
		d, err := doc.Scan([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return &scim.Operation{Verb: scim.Patch, Type: k.Type, Body: d}
	}
	sorted := func(names []string) string { slices.Sort(names); return strings.Join(slices.Compact(names), " ") }
	res := tree(t, `{"userName":" Jane ","externalId":"X","title":"CEO","emails":[{"value":"jane@Example.com","type":"work"},{"value":"j@home.example"}]}`)
	if got := sorted(k.NamesOf(res)); got != "j@home.example jane jane@example.com x" {
		t.Errorf("%s", got)
	}
	for op, want := range map[string]string{
		`{"op":"replace","path":"userName","value":"Bob"}`:                                         "bob",
		`{"op":"replace","path":"emails[type eq \"work\"].value","value":"Bob@example.com"}`:       "bob@example.com",
		`{"op":"replace","value":{"userName":"Bob","title":"CTO","externalId":"Y"}}`:               "bob y",
		`{"op":"remove","path":"externalId"}`:                                                      "",
		`{"op":"replace","path":"active","value":false},{"op":"add","path":"title","value":"CTO"}`: "",
	} {
		if got := sorted(k.NamesIn(body(`{"Operations":[` + op + `]}`))); got != want {
			t.Errorf("%s gives %q", op, got)
		}
	}
	// Where the organization can be searched, only what it would not refuse itself is looked up before there is need.
	for thorough, want := range map[bool]string{false: "externalId=X userName= Jane ", true: "emails.value=jane@Example.com externalId=X userName= Jane  userName=jane@Example.com"} {
		var looked []string
		for _, l := range k.Rivals(res, thorough) {
			if l.Attribute == "userName" && l.Value == "jane@Example.com" && !thorough {
				continue // no search of its own: the list is looked at
			}
			looked = append(looked, l.Attribute+"="+l.Value)
		}
		slices.Sort(looked)
		if got := strings.Join(looked, " "); got != want {
			t.Errorf("thorough %v: %s", thorough, got)
		}
	}
}
