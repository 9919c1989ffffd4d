package mapping_test

import (
	"net/url"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// Whatever an operator writes is either refused or makes a request that is whole.
func FuzzTemplate(f *testing.F) {
	for _, seed := range []string{
		"", "abc", "{scim.userName}", "{scim.userName|lower|slug}", "a{scim.title??scim.userName ?? \"x\"}b", `["{scim.active}",1]`, "{", "{}", "}{",
		`\{`, `{scim.emails[type eq "work"].value}`, `{scim.emails[type eq "}"].value}`, "{env.A}", "{env.A|int}", "{random}", "{scim.}", "{scim.a.b.c}", "{.}",
		"{scim.userName|}", "{scim.userName||lower}", "{a??b}", "{true|int}", `{"a":{"b":"{scim.name}"}}`, "{changed.name.givenName}", "{scim.userName??1}",
		"{scim.urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value}", "{scim.email|sq}", "{value??(}", "\x00", "{scim.externalId|int}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		def := definition()
		def.User.Create[0].Edits = []mapping.EditDef{{Path: "v", Value: text}}
		def.User.Create[0].Query = []mapping.ParamDef{{Name: "q", Value: text}}
		def.User.Map = append(def.User.Map, mapping.MapDef{Attribute: "displayName", Value: text})
		def.User.Delete = []mapping.CallDef{{Method: "DELETE", URL: "/users/" + text}}
		if p, err := mapping.Compile(def, schema.Standard(), func(string) (string, bool) { return "x y", true }); err == nil {
			check(t, p)
		}
		def.User.Delete, def.User.Map = nil, def.User.Map[:1]
		if p, err := mapping.Compile(def, schema.Standard(), func(string) (string, bool) { return "7", true }); err == nil {
			check(t, p)
		}
	})
}

func check(t *testing.T, p *plan.Plan) {
	t.Helper()
	env := &plan.Env{SCIM: node(t, ada), ID: `../a b?"`, Cur: value(t, `{"id":1}`), Random: func() string { return "r" }}
	for _, c := range append(p.User.Create, p.User.Delete...) {
		req, err := c.Request(env)
		if err != nil {
			continue
		}
		if _, err := doc.Scan(req.Body); req.Body != nil && err != nil {
			t.Errorf("the body is no document: %s: %v", req.Body, err)
		}
		u, err := url.ParseRequestURI(req.Path)
		if err != nil || strings.ContainsAny(req.Path, " \r\n#\"") {
			t.Fatalf("%q is no URL: %v", req.Path, err)
		}
		if strings.Contains(u.Path+"/", "/../") {
			t.Errorf("%q climbs", req.Path)
		}
	}
	res := p.User.Resource(value(t, `{"id":1,"email":"a@x","scim":{"userName":7}}`))
	if _, err := doc.Scan(res.AppendTo(nil)); err != nil {
		t.Errorf("the resource is no document: %v", err)
	}
}

// Nothing that a client sends can be more than one value: neither in a path, nor in a query, nor in a body.
func TestValuesStayValues(t *testing.T) {
	def := definition()
	def.User.Map = append(def.User.Map, mapping.MapDef{Attribute: "displayName", Value: "name"})
	def.User.Find = map[string]mapping.CallDef{"userName": {Method: "POST", URL: "/u/{value}/x?q={value}", Edits: []mapping.EditDef{
		{Path: "a", Value: "<{value}>"}, {Path: "b", Value: `{"c":["{value}"]}`}, {Path: "d", Value: "{value}"},
	}, Query: []mapping.ParamDef{{Name: "p", Value: "'{value|sq}'"}}}}
	call := compile(t, def).User.Find["userName"]
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "value")
		req, err := call.Request(&plan.Env{Value: text})
		if err != nil {
			return // it cannot be part of a path
		}
		u, err := url.ParseRequestURI(req.Path)
		if err != nil {
			t.Fatal(err)
		}
		if got := u.Path; got != "/u/"+text+"/x" || strings.Count(u.EscapedPath(), "/") != 3 {
			t.Fatalf("the path is %q", got)
		}
		query, err := url.ParseQuery(u.RawQuery)
		if err != nil || len(query) != 2 || query.Get("q") != text {
			t.Fatalf("the query is %v, %v", query, err)
		}
		d, err := doc.Scan(req.Body)
		if err != nil {
			t.Fatal(err)
		}
		body := doc.Tree(d.Value())
		if got := body.Get("b").Get("c").Items()[0].Text() + body.Get("d").Text() + body.Get("a").Text(); got != text+text+"<"+text+">" {
			t.Fatalf("the body is %s", req.Body)
		}
	})
}

// A plan is shared by all requests.
func TestPlanIsShared(t *testing.T) {
	def := definition()
	def.User.Create[0].Edits = []mapping.EditDef{{Path: "v", Value: `{"a":[1,{"b":"{scim.userName}"}]}`}, {Path: "c", Value: `[{"x":1}]`}, {Path: "c.0.y", Value: "2"}}
	def.User.List[0].Overlay = []mapping.EditDef{{Path: "s.t", Value: `{"u":[1]}`}}
	p := compile(t, def)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				req, err := p.User.Create[0].Request(&plan.Env{SCIM: node(t, ada)})
				if want := `{"v":{"a":[1,{"b":"Ada.Lovelace@Example.com"}]},"c":[{"x":1,"y":2}]}`; err != nil || string(req.Body) != want {
					t.Errorf("%s %v", req.Body, err)
				}
				list, err := p.User.List[0].Items(&plan.Env{}, value(t, `[{"id":1},{"id":2}]`))
				if err != nil || len(list) != 2 {
					t.Error(err)
				}
				p.User.Resource(list[0])
				p.User.Create[0].Judge(409, nil)
			}
		})
	}
	all.Wait()
}
