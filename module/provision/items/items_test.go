package items_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddy-scim/gateway/module/provision/api"
	"github.com/caddy-scim/gateway/module/provision/items"
	"github.com/caddy-scim/gateway/module/provision/view"
	"github.com/caddy-scim/gateway/module/upstream"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// organization is an API of people: POST, GET and DELETE of /people and what is below.
type organization struct {
	ids    []string
	people map[string]map[string]any
	calls  []string

	paged   bool             // lists come in pages of two
	leaves  string           // who is removed once the first page was answered
	hides   bool             // what is created does not show
	keeps   bool             // what is deleted goes on showing
	empty   bool             // a create is answered with nothing but a Location
	instead *upstream.Answer // what the next GET of one is answered with
}

func (o *organization) RoundTripper() http.RoundTripper { return nil }

func (o *organization) Do(_ context.Context, c upstream.Call) (*upstream.Answer, error) {
	o.calls = append(o.calls, c.Method+" "+c.Path)
	answer := func(status int, v any) (*upstream.Answer, error) {
		body, err := json.Marshal(v)
		return &upstream.Answer{Status: status, Header: http.Header{"Location": {"/people/1"}}, Body: body}, err
	}
	path, query, _ := strings.Cut(c.Path, "?")
	id := strings.TrimPrefix(strings.TrimPrefix(path, "/people"), "/")
	switch {
	case c.Method == http.MethodGet && id == "":
		all := []any{}
		for _, id := range o.ids {
			if p := o.people[id]; p != nil {
				all = append(all, p)
			}
		}
		if o.paged {
			delete(o.people, o.leaves) // after this page
			n, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(query, "page="), "&size=2"))
			all = all[min(2*(n-1), len(all)):min(2*n, len(all))]
		}
		return answer(200, all)
	case c.Method == http.MethodGet && o.instead != nil:
		a := o.instead
		o.instead = nil
		return a, nil
	case c.Method == http.MethodPost:
		p := map[string]any{}
		if err := json.Unmarshal(c.Body, &p); err != nil {
			return nil, err
		}
		id := strconv.Itoa(len(o.ids) + 1)
		p["id"] = id
		if o.ids = append(o.ids, id); !o.hides {
			o.people[id] = p
		}
		if o.empty {
			return answer(201, map[string]any{})
		}
		return answer(201, p)
	case o.people[id] == nil:
		return answer(404, map[string]any{"error": "no such person"})
	case c.Method == http.MethodDelete:
		if !o.keeps {
			delete(o.people, id)
		}
		return answer(200, map[string]any{})
	}
	return answer(200, o.people[id])
}

// open returns the users of an empty organization within one operation. Change the mapping with f.
func open(t *testing.T, f func(*mapping.ResourceDef)) (*items.Items, *organization) {
	t.Helper()
	user := &mapping.ResourceDef{
		ID:        "id",
		Map:       []mapping.MapDef{{Attribute: "userName", Value: "mail"}},
		List:      []mapping.CallDef{{Method: "GET", URL: "/people"}},
		Get:       []mapping.CallDef{{Method: "GET", URL: "/people/{id}"}},
		Create:    []mapping.CallDef{{Method: "POST", URL: "/people", Edits: []mapping.EditDef{{Path: "mail", Value: "{scim.userName}"}}}},
		Delete:    []mapping.CallDef{{Method: "DELETE", URL: "/people/{id}"}},
		DisableAs: "refuse",
	}
	if f != nil {
		f(user)
	}
	plan, err := mapping.Compile(mapping.Definition{User: user}, schema.Standard())
	if err != nil {
		t.Fatal(err)
	}
	o := &organization{people: map[string]map[string]any{}}
	return &items.Items{
		Kind: items.NewKind(plan.User, view.New([]string{"userName"}, time.Minute, time.Now)),
		Talk: &api.Talk{Access: api.NewAccess(nil, 0), Auths: plan.Auths, Caller: o, Now: time.Now},
	}, o
}

func jane() *doc.Node {
	res := doc.NewObject()
	res.Set("userName", doc.NewString("jane@example.com"))
	return res
}

// status returns what the provider is answered for an error; 0 without one.
func status(err error) int {
	if e, ok := errors.AsType[*scim.Error](err); ok {
		return e.Status
	}
	if err != nil {
		return -1
	}
	return 0
}

// However a mapping says what came of a create, the new item is returned, and found at once by whoever asks for it.
func TestCreate(t *testing.T) {
	for kind, want := range map[string]struct {
		result *mapping.ResultDef
		calls  string
	}{
		"body":     {nil, "POST /people"},
		"id":       {&mapping.ResultDef{Kind: "id", Path: "id"}, "POST /people,GET /people/1"},
		"location": {&mapping.ResultDef{Kind: "location"}, "POST /people,GET /people/1"},
		"refetch":  {&mapping.ResultDef{Kind: "refetch"}, "POST /people,GET /people,GET /people/1"},
	} {
		users, o := open(t, func(d *mapping.ResourceDef) { d.Create[0].Result = want.result })
		o.empty = kind == "location" || kind == "refetch"
		if err := users.Known(t.Context(), func(*view.Table) {}); err != nil {
			t.Fatal(err)
		}
		o.calls = nil
		made, err := users.Create(t.Context(), jane())
		if err != nil || made.ID != "1" || made.Resource().Get("userName").Text() != "jane@example.com" {
			t.Errorf("%s: %v %v", kind, made, err)
		}
		if got := strings.Join(o.calls, ","); got != want.calls {
			t.Errorf("%s took %s", kind, got)
		}
		if found, err := users.Candidates(t.Context(), "userName", "JANE@example.com"); err != nil || len(found) != 1 || found[0].ID != "1" {
			t.Errorf("%s: found %v %v", kind, found, err)
		}
	}
}

// What was accepted and does not show is no 404: the provider would believe that nothing was made.
func TestCreateThatDoesNotShow(t *testing.T) {
	for kind, result := range map[string]*mapping.ResultDef{"id": {Kind: "id", Path: "id"}, "refetch": {Kind: "refetch"}} {
		users, o := open(t, func(d *mapping.ResourceDef) { d.Create[0].Result = result })
		o.hides = true
		if made, err := users.Create(t.Context(), jane()); status(err) != 502 {
			t.Errorf("%s: %v %v", kind, made, err)
		}
	}
}

// A 404 is believed where it is the organization's own and nothing that is known speaks against it.
func TestFetch(t *testing.T) {
	page := &upstream.Answer{Status: 404, Header: http.Header{}, Body: []byte("<html>")}
	own := &upstream.Answer{Status: 404, Header: http.Header{}, Body: []byte(`{}`)}
	other := &upstream.Answer{Status: 200, Header: http.Header{}, Body: []byte(`{"id":"2","mail":"bob@example.com"}`)}
	for name, c := range map[string]struct {
		gone    bool
		instead *upstream.Answer
		listed  bool
		doubts  bool
		want    int
	}{
		"there":                               {want: 0},
		"gone":                                {gone: true, want: 404},
		"somebody else":                       {instead: other, want: 404},
		"a page says that it is gone":         {instead: page, want: 502},
		"and it is":                           {instead: page, gone: true, want: 404},
		"the list has shown it":               {instead: own, listed: true, want: 502},
		"the list has shown it, and it went":  {gone: true, listed: true, want: 404},
		"whoever asks wants to know":          {instead: own, doubts: true, want: 502},
		"whoever asks wants to know, and why": {gone: true, doubts: true, want: 404},
	} {
		users, o := open(t, nil)
		if _, err := users.Create(t.Context(), jane()); err != nil {
			t.Fatal(err)
		}
		users.Talk = &api.Talk{Access: api.NewAccess(nil, 0), Caller: o, Now: time.Now} // another operation
		if c.listed {
			if err := users.Known(t.Context(), func(*view.Table) {}); err != nil {
				t.Fatal(err)
			}
		}
		if o.instead, users.Doubts = c.instead, c.doubts; c.gone {
			delete(o.people, "1")
		}
		if it, err := users.Fetch(t.Context(), "1", ""); status(err) != c.want || err == nil && it.ID != "1" {
			t.Errorf("%s: %v %v", name, it, err)
		}
	}
}

// A 2xx to a delete is a claim: what goes on showing is not gone.
func TestMustBeGone(t *testing.T) {
	for name, c := range map[string]struct {
		keeps, soft, searched bool
		want                  int
	}{
		"gone":                       {},
		"still there":                {keeps: true, want: 502},
		"still there, by the list":   {keeps: true, searched: true, want: 502},
		"an API that deletes softly": {keeps: true, soft: true},
	} {
		users, o := open(t, func(d *mapping.ResourceDef) {
			if c.searched {
				d.Get = nil
			}
		})
		made, err := users.Create(t.Context(), jane())
		if err != nil {
			t.Fatal(err)
		}
		o.keeps, users.SoftDelete = c.keeps, c.soft
		if _, err := users.Run(t.Context(), users.Delete, items.Env(made.ID, made.Name(), made.Value)); err != nil {
			t.Fatal(err)
		}
		if err := users.MustBeGone(t.Context(), made.ID, made.Name()); status(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
		if !slices.Contains(o.calls, "DELETE /people/1") {
			t.Errorf("%s: %v", name, o.calls)
		}
	}
}

// Pages that are counted shift when somebody before them is removed meanwhile. Who falls between two of them is not gone: a
// provider that were told so would leave them as they are.
func TestWhoFallsBetweenTwoPages(t *testing.T) {
	users, o := open(t, func(d *mapping.ResourceDef) {
		d.Get = nil
		d.List[0].Paginate = &mapping.PaginateDef{By: "page", Param: "page", SizeParam: "size", Size: 2}
	})
	o.paged = true
	for range 5 {
		if _, err := users.Create(t.Context(), jane()); err != nil {
			t.Fatal(err)
		}
	}
	o.leaves = "1"
	if it, err := users.Fetch(t.Context(), "3", ""); err != nil || it.ID != "3" {
		t.Errorf("%v %v; %v", it, err, o.calls)
	}
	if _, err := users.Fetch(t.Context(), "1", ""); !api.Gone(err) {
		t.Errorf("who is gone: %v", err)
	}
}
