package provision

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-scim/gateway/module/cluster"
	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/ledger/storagetest"
	"github.com/caddy-scim/gateway/module/provision/resource"
	"github.com/caddy-scim/gateway/module/upstream"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/mapping"
	"github.com/caddy-scim/gateway/transforms/quirks"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// bitwardenMapping is Bitwarden's public API as a definition.
func bitwardenMapping() *mapping.Definition {
	already := func(pattern string) []mapping.RuleDef {
		return []mapping.RuleDef{{Status: "400", Path: "message", Pattern: pattern, OK: true}}
	}
	set := func(pairs ...string) (edits []mapping.EditDef) {
		for i := 0; i < len(pairs); i += 2 {
			edits = append(edits, mapping.EditDef{Path: pairs[i], Value: pairs[i+1]})
		}
		return edits
	}
	call := func(method, url string, edits ...mapping.EditDef) []mapping.CallDef {
		return []mapping.CallDef{{Method: method, URL: url, Edits: edits}}
	}
	rules := func(calls []mapping.CallDef, rules []mapping.RuleDef) []mapping.CallDef {
		calls[0].Errors = rules
		return calls
	}
	return &mapping.Definition{
		Base: "/public",
		Auths: map[string]mapping.AuthDef{"default": {Kind: "oauth2", URL: "/identity/connect/token", Params: []mapping.ParamDef{
			{Name: "client_id", Value: "organization.1"}, {Name: "client_secret", Value: "secret"}, {Name: "scope", Value: "api.organization"},
		}}},
		Errors: []mapping.RuleDef{{Status: "400", Path: "message", Pattern: "already been invited", Answer: 409, Type: "uniqueness"}},
		User: &mapping.ResourceDef{
			ID: "id",
			Map: []mapping.MapDef{
				{Attribute: "userName", Value: "email"}, {Attribute: `emails[type eq "work"].value`, Value: "email"},
				{Attribute: "displayName", Value: "name"}, {Attribute: "externalId", Value: "externalId"},
			},
			Active: []mapping.ConditionDef{{Path: "status", Not: []string{"-1"}}},
			State: []mapping.StateDef{{Path: "status", Values: map[string]string{
				"-1": "revoked", "0": "invited", "1": "accepted", "2": "confirmed", "3": "staged",
			}}},
			Protect: []mapping.ConditionDef{{Path: "type", Is: []string{"0"}}},
			List:    []mapping.CallDef{{Method: "GET", URL: "/members", Items: "data"}},
			Get:     call("GET", "/members/{id}"),
			Create: call("POST", "/members", set("email", "{scim.email|lower}", "externalId", "{scim.externalId}", "type", "2",
				"collections", "[]", "groups", "[]")...),
			Update:   call("PUT", "/members/{id}", set("type", "{cur.type}", "externalId", "{scim.externalId}", "collections", "{cur.collections}")...),
			Disable:  rules(call("POST", "/members/{id}/revoke"), already("already revoked")),
			Enable:   rules(call("POST", "/members/{id}/restore"), already("already active")),
			Delete:   call("DELETE", "/members/{id}"),
			Reinvite: call("POST", "/members/{id}/reinvite"),
		},
		Group: &mapping.ResourceDef{
			ID:         "id",
			Map:        []mapping.MapDef{{Attribute: "displayName", Value: "name"}, {Attribute: "externalId", Value: "externalId"}},
			List:       []mapping.CallDef{{Method: "GET", URL: "/groups", Items: "data"}},
			Get:        call("GET", "/groups/{id}"),
			Create:     call("POST", "/groups", set("name", "{scim.displayName}", "externalId", "{scim.externalId}", "collections", "[]")...),
			Update:     call("PUT", "/groups/{id}", set("name", "{scim.displayName}", "externalId", "{scim.externalId}")...),
			Delete:     call("DELETE", "/groups/{id}"),
			Members:    call("GET", "/groups/{id}/member-ids"),
			MembersSet: call("PUT", "/groups/{id}/member-ids", set("memberIds", "{members}")...),
		},
	}
}

// gateway is an engine over an organization, used as a provider uses it.
type gateway struct {
	*engine
	caller caller
	ctx    context.Context // of the requests
	set    *schema.Set
	clock  *clock // stands still unless a test moves it, so that a slow machine changes nothing

	hurried bool // does not wait for what is written in the background
}

const base = "https://gw.example/scim/v2"

func newGateway(t testing.TB, o *Organization, c caller, storage ledger.Storage) *gateway {
	t.Helper()
	return gatewayOf(t, o, c, sharedBy(cluster.Alone("org", storage), nil))
}

// gatewayOf is newGateway over what an organization has.
func gatewayOf(t testing.TB, o *Organization, c caller, sh *shared) *gateway {
	t.Helper()
	if err := o.defaults(); err != nil {
		t.Fatal(err)
	}
	set, err := schema.Standard().With(append([]schema.Custom{resource.StateAttribute}, o.CustomAttributes...)...)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := mapping.Compile(*o.Mapping, set)
	if err != nil {
		t.Fatal(err)
	}
	// The handler's types are others than the mapping's.
	if set, err = schema.Standard().With(append([]schema.Custom{resource.StateAttribute}, o.CustomAttributes...)...); err != nil {
		t.Fatal(err)
	}
	if err := o.possible(plan); err != nil {
		t.Fatal(err)
	}
	now := &clock{time.Now()}
	sn := o.newSeen(plan, nil, now.now)
	t.Cleanup(func() { sh.ledger.Rest(); sh.ledger.Close() })
	o.engine = o.newEngine(plan, sh, sn, zap.NewNop())
	o.engine.now = now.now
	rules, err := quirks.New(quirks.Config{Schemas: set})
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Prepare(upstream.Gateway{Quirks: rules}); err != nil {
		t.Fatal(err)
	}
	return &gateway{engine: o.engine, caller: c, ctx: t.Context(), set: set, clock: now}
}

// onBitwarden is a gateway over an empty organization. Change the configuration with f.
func onBitwarden(t testing.TB, f func(*Organization)) (*gateway, *bitwarden) {
	t.Helper()
	o := &Organization{Mapping: bitwardenMapping()}
	if f != nil {
		f(o)
	}
	b := newBitwarden()
	return newGateway(t, o, b, storagetest.New()), b
}

// answer is what a provider gets to see.
type answer struct {
	status   int
	scimType string
	location string
	body     map[string]any
	err      *scim.Error
}

func (a answer) id() string { s, _ := a.body["id"].(string); return s }

// do makes a SCIM request: "GET /Users?filter=…". Headers, keys and quirks are not this package's.
func (g *gateway) do(t testing.TB, method, target, body string) answer {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	op := &scim.Operation{Type: g.set.User, Base: base, Query: scim.Query{StartIndex: 1, Count: -1}}
	if parts[0] == "Groups" {
		op.Type = g.set.Group
	}
	if len(parts) > 1 {
		op.ID = parts[1]
	}
	op.Verb = map[string]scim.Verb{"GET": scim.Read, "POST": scim.Create, "PUT": scim.Replace, "PATCH": scim.Patch, "DELETE": scim.Delete}[method]
	if method == "GET" && op.ID == "" {
		op.Verb = scim.List
	}
	q := u.Query()
	if text := q.Get("filter"); text != "" {
		if op.Query.Filter, _, err = filter.Parse(text, op.Type, filter.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	for name, list := range map[string]*[]string{"attributes": &op.Query.Attributes, "excludedAttributes": &op.Query.Excluded} {
		if text := q.Get(name); text != "" {
			*list = strings.Split(text, ",")
		}
	}
	for name, n := range map[string]*int{"startIndex": &op.Query.StartIndex, "count": &op.Query.Count} {
		if text := q.Get(name); text != "" {
			if err := json.Unmarshal([]byte(text), n); err != nil {
				t.Fatal(err)
			}
		}
	}
	if body != "" {
		if op.Body, err = doc.Scan([]byte(body)); err != nil {
			t.Fatal(err)
		}
		op.Deactivates = op.Type == g.set.User && quirks.Deactivates(op.Body)
	}
	got, err := g.carry(g.ctx, g.caller, op)
	if !g.hurried {
		g.shared.ledger.Rest()
	}
	if err != nil {
		e, ok := errors.AsType[*scim.Error](err)
		if !ok {
			t.Fatalf("%s %s: not an answer: %v", method, target, err)
		}
		return answer{status: e.Status, scimType: e.Type, err: e}
	}
	a := answer{status: got.Status, location: got.Location}
	if got.Body != nil {
		if err := json.Unmarshal(got.Body, &a.body); err != nil {
			t.Fatalf("%s %s answered %q", method, target, got.Body)
		}
	}
	return a
}

// must is do for a request that has to be answered with a status.
func (g *gateway) must(t testing.TB, status int, method, target, body string) answer {
	t.Helper()
	a := g.do(t, method, target, body)
	if a.status != status {
		t.Fatalf("%s %s %s: got %d %v, want %d", method, target, body, a.status, a.err, status)
	}
	return a
}

// find is the ids that a filter finds.
func (g *gateway) find(t testing.TB, kind, f string) []string {
	t.Helper()
	a := g.must(t, 200, "GET", "/"+kind+"?filter="+url.QueryEscape(f), "")
	var ids []string
	for _, res := range a.body["Resources"].([]any) {
		ids = append(ids, res.(map[string]any)["id"].(string))
	}
	return ids
}

func user(userName, externalId string, more ...string) string {
	s := `{"schemas":["` + scim.UserSchema + `"],"userName":"` + userName + `","externalId":"` + externalId + `","active":true`
	for _, m := range more {
		s += "," + m
	}
	return s + "}"
}

func patchOp(ops ...string) string {
	return `{"schemas":["` + scim.PatchSchema + `"],"Operations":[` + strings.Join(ops, ",") + `]}`
}

func memberOps(op string, ids ...string) string {
	list := make([]string, len(ids))
	for i, id := range ids {
		list[i] = `{"value":"` + id + `"}`
	}
	if op == "remove" {
		for i, id := range ids {
			list[i] = `{"op":"remove","path":"members[value eq \"` + id + `\"]"}`
		}
		return patchOp(list...)
	}
	return patchOp(`{"op":"` + op + `","path":"members","value":[` + strings.Join(list, ",") + `]}`)
}

// clock is a time that tests move.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

// remembering is onBitwarden with the storage that the ledger is in.
func remembering(t testing.TB, f func(*Organization)) (*gateway, *bitwarden, *storagetest.Storage) {
	t.Helper()
	o := &Organization{Mapping: bitwardenMapping()}
	if f != nil {
		f(o)
	}
	b, s := newBitwarden(), storagetest.New()
	return newGateway(t, o, b, s), b, s
}

// restarted is the gateway in a process that has just started, over what a storage holds.
func (g *gateway) restarted(t testing.TB, s *storagetest.Storage) *gateway {
	t.Helper()
	o := *g.config
	return newGateway(t, &o, g.caller, s)
}

// impatient makes the ledger wait for its storage for a moment only.
func (g *gateway) impatient() {
	s := g.memory()
	s.Patience = time.Millisecond
	g.shared.ledger.Use(s)
}
