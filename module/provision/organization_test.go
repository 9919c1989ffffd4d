package provision

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	_ "github.com/caddyserver/caddy/v2/modules/filestorage"
	"github.com/google/go-cmp/cmp"

	"github.com/caddy-scim/gateway/module/provision/api"
	"github.com/caddy-scim/gateway/module/provision/resource"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// load is what Caddy does with a configuration.
func load(t *testing.T, ctx caddy.Context, config *Organization) (*Organization, error) {
	t.Helper()
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	info, err := caddy.GetModule("http.handlers.scim_gateway.upstreams.organization")
	if err != nil {
		t.Fatal(err)
	}
	o := info.New().(*Organization)
	if err := caddy.StrictUnmarshalJSON(text, o); err != nil {
		t.Fatal(err)
	}
	return o, o.Provision(ctx)
}

// newContext is the context of a newly loaded configuration.
func newContext(t *testing.T) caddy.Context {
	t.Helper()
	ctx, err := caddy.ProvisionContext(&caddy.Config{
		Admin:      &caddy.AdminConfig{Disabled: true},
		StorageRaw: json.RawMessage(`{"module":"file_system","root":"` + t.TempDir() + `"}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	return ctx
}

// A reload keeps tokens, view and locks; the last one to go takes them along.
func TestReload(t *testing.T) {
	config := &Organization{ID: "acme", Mapping: bitwardenMapping()}
	first, err := load(t, newContext(t), config)
	if err != nil {
		t.Fatal(err)
	}
	b := newBitwarden()
	g := &gateway{engine: first.engine, caller: b, ctx: t.Context()}
	g.set = &schema.Set{User: first.engine.user.Type, Group: first.engine.group.Type}
	g.must(t, 200, "GET", "/Users", "")
	second, err := load(t, newContext(t), config)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Cleanup(); err != nil {
		t.Fatal(err)
	}
	b.took()
	g.engine = second.engine
	g.must(t, 200, "GET", "/Users", "")
	if calls := b.took(); len(calls) > 0 || b.tokens != 1 {
		t.Errorf("after a reload: %v, %d tokens", calls, b.tokens)
	}
	if err := second.Cleanup(); err != nil {
		t.Fatal(err)
	}
	third, err := load(t, newContext(t), config)
	if err != nil {
		t.Fatal(err)
	}
	if third.engine.seen == second.engine.seen {
		t.Error("what nobody used any more was kept")
	}
	_ = third.Cleanup()
}

// Two organizations must not share a memory because their mappings happen to be the same.
func TestSameMapping(t *testing.T) {
	ctx := newContext(t)
	one, err := load(t, ctx, &Organization{Mapping: bitwardenMapping()})
	if err != nil {
		t.Fatal(err)
	}
	two, err := load(t, ctx, &Organization{Mapping: bitwardenMapping()})
	if err == nil || !strings.Contains(err.Error(), "id") {
		t.Errorf("got %v", err)
	}
	for _, id := range []string{"a", "b", "b"} {
		o, err := load(t, ctx, &Organization{ID: id, Mapping: bitwardenMapping()})
		if err != nil {
			t.Errorf("%s: %v", id, err)
		}
		defer o.Cleanup()
	}
	for _, o := range []*Organization{one, two} {
		if err := o.Cleanup(); err != nil {
			t.Error(err)
		}
	}
}

// The discovery documents promise what is kept, and no more.
func TestFeatures(t *testing.T) {
	o, err := load(t, newContext(t), &Organization{ID: "f", Mapping: bitwardenMapping(), Ledger: LedgerConfig{Store: []string{"title", "name"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Cleanup()
	set, err := schema.Standard().With(o.Attributes()...)
	if err != nil {
		t.Fatal(err)
	}
	f := o.Features()
	kept := func(rt *schema.ResourceType) (all []string) {
		got := f.ResourceType(rt)
		for _, s := range append([]*schema.Schema{got.Core}, got.Extensions...) {
			for _, a := range s.Attributes {
				word := a.Name
				if len(a.Sub) > 0 {
					for i, sub := range a.Sub {
						word += [...]string{".", ","}[min(i, 1)] + sub.Name
					}
				}
				switch a.Mutability {
				case schema.ReadOnly:
					word += " ro"
				case schema.Immutable:
					word += " immutable"
				}
				if a.Uniqueness == schema.Server {
					word += " unique"
				}
				all = append(all, word)
			}
		}
		return all
	}
	want := []string{
		"userName unique", "name.formatted,familyName,givenName,middleName,honorificPrefix,honorificSuffix", "displayName ro", "title", "active",
		"emails.value,type immutable", "state ro",
	}
	if diff := cmp.Diff(want, kept(set.User)); diff != "" {
		t.Error(diff)
	}
	members := f.ResourceType(set.Group).Attribute("", "members", "")
	if diff := cmp.Diff([]string{"User"}, members.SubAttribute("type").Canonical); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"User"}, members.SubAttribute("$ref").ReferenceTypes); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"work"}, f.ResourceType(set.User).Attribute("", "emails", "type").Canonical); diff != "" {
		t.Errorf("e-mail addresses of types that nobody keeps: %s", diff)
	}
	if diff := cmp.Diff([]string{"displayName unique", "members.value,$ref,type"}, kept(set.Group)); diff != "" {
		t.Error(diff)
	}
}

// The state of a membership is the organization's word, even where everything else is remembered.
func TestStateIsNotRemembered(t *testing.T) {
	o, err := load(t, newContext(t), &Organization{ID: "s", Mapping: bitwardenMapping(), Ledger: LedgerConfig{Store: []string{"*"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Cleanup()
	set, err := schema.Standard().With(o.Attributes()...)
	if err != nil {
		t.Fatal(err)
	}
	f := o.Features()
	if state := f.ResourceType(set.User).Attribute(resource.StateSchema, "state", ""); state == nil || state.Mutability != schema.ReadOnly {
		t.Errorf("state is advertised as %+v", state)
	}
	if title := f.ResourceType(set.User).Attribute("", "title", ""); title == nil || title.Mutability != schema.ReadWrite {
		t.Errorf("title is advertised as %+v", title)
	}
}

// Two directives of one organization share its ledger and its view: one of them cannot have another one.
func TestDirectivesThatContradictEachOther(t *testing.T) {
	for option, change := range map[string]func(o *Organization){
		"":            func(*Organization) {},
		"delete":      func(o *Organization) { o.Delete = DeleteRefuse }, // a policy of its own shares nothing
		"mapping":     func(o *Organization) { o.Mapping.Base = "/elsewhere" },
		"store":       func(o *Organization) { o.Ledger.Store = []string{"title"} },
		"soft_delete": func(o *Organization) { o.Ledger.SoftDelete = true },
		"view_ttl":    func(o *Organization) { o.ViewTTL = caddy.Duration(time.Second) },
		"pace":        func(o *Organization) { o.Pace = []api.Pace{{Calls: 1, Per: caddy.Duration(time.Second)}} },
	} {
		ctx := newContext(t)
		one, err := load(t, ctx, &Organization{ID: "one", Mapping: bitwardenMapping()})
		if err != nil {
			t.Fatal(err)
		}
		other := &Organization{ID: "one", Mapping: bitwardenMapping()}
		change(other)
		two, err := load(t, ctx, other)
		if shares := option != "" && option != "delete"; shares != (err != nil) || shares && !strings.Contains(err.Error(), option) {
			t.Errorf("another %q: %v", option, err)
		}
		for _, o := range []*Organization{one, two} {
			if err := o.Cleanup(); err != nil {
				t.Fatal(err)
			}
		}
	}
}
