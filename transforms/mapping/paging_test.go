package mapping_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-scim/gateway/transforms/mapping"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
)

// page is an answer of a made-up server.
type page struct{ body, header string }

func TestPaging(t *testing.T) {
	zero := 0
	tests := []struct {
		name     string
		paginate *mapping.PaginateDef
		pages    []page
		want     []string // requests
		bad      string   // part of the error
	}{
		{"none", nil, []page{{`{"d":[{"id":1}]}`, ""}}, []string{"/u?a=1"}, ""},
		{
			"page numbers", &mapping.PaginateDef{By: "page", Param: "p", SizeParam: "n", Size: 2},
			[]page{{items(1, 2), ""}, {items(3, 4), ""}, {items(5), ""}},
			[]string{"/u?a=1&p=1&n=2", "/u?a=1&p=2&n=2", "/u?a=1&p=3&n=2"}, "",
		},
		{
			"page numbers from 0", &mapping.PaginateDef{By: "page", Param: "p", SizeParam: "n", Size: 2, First: &zero},
			[]page{{items(1, 2), ""}, {items(), ""}}, []string{"/u?a=1&p=0&n=2", "/u?a=1&p=1&n=2"}, "",
		},
		{
			"a total, and pages that are shorter than asked for", &mapping.PaginateDef{By: "offset", Param: "o", SizeParam: "l", Size: 100, Total: "t"},
			[]page{{`{"t":3,"d":[{"id":1},{"id":2}]}`, ""}, {`{"t":3,"d":[{"id":3}]}`, ""}},
			[]string{"/u?a=1&o=0&l=100", "/u?a=1&o=2&l=100"}, "",
		},
		{
			"the total saves the last call", &mapping.PaginateDef{By: "offset", Param: "o", SizeParam: "l", Size: 2, TotalHeader: "X-Total"},
			[]page{{items(1, 2), "X-Total: 2"}}, []string{"/u?a=1&o=0&l=2"}, "",
		},
		{
			"half a list", &mapping.PaginateDef{By: "offset", Param: "o", SizeParam: "l", Size: 2, Total: "t"},
			[]page{{`{"t":3,"d":[{"id":1},{"id":2}]}`, ""}, {`{"t":3,"d":[]}`, ""}}, []string{"/u?a=1&o=0&l=2", "/u?a=1&o=2&l=2"}, "ended after 2 of 3",
		},
		{
			"no total", &mapping.PaginateDef{By: "page", Param: "p", SizeParam: "n", Size: 2, Total: "t"},
			[]page{{items(1, 2), ""}}, []string{"/u?a=1&p=1&n=2"}, "does not tell the number",
		},
		{
			"the same page for ever", &mapping.PaginateDef{By: "page", Param: "p", SizeParam: "n", Size: 2},
			[]page{{items(1, 2), ""}, {items(1, 2), ""}}, []string{"/u?a=1&p=1&n=2", "/u?a=1&p=2&n=2"}, "the same page twice",
		},
		{
			"cursor", &mapping.PaginateDef{By: "cursor", Param: "after", Path: "next", SizeParam: "n", Size: 2},
			[]page{{`{"d":[{"id":1}],"next":"x&y"}`, ""}, {`{"d":[],"next":7}`, ""}, {`{"d":[{"id":2}],"next":null}`, ""}},
			[]string{"/u?a=1&n=2", "/u?a=1&after=x%26y&n=2", "/u?a=1&after=7&n=2"}, "",
		},
		{
			"the same cursor", &mapping.PaginateDef{By: "cursor", Param: "after", Path: "next"},
			[]page{{`{"d":[{"id":1}],"next":"x"}`, ""}, {`{"d":[{"id":2}],"next":"y"}`, ""}, {`{"d":[{"id":1}],"next":"x"}`, ""}},
			[]string{"/u?a=1", "/u?a=1&after=x", "/u?a=1&after=y"}, "the same page twice",
		},
		{
			"link", &mapping.PaginateDef{By: "link", SizeParam: "n", Size: 2},
			[]page{
				{items(1, 2), `Link: <https://api.example.com/v1/u?cursor=a%2Fb,c>; rel="prev next"; title="x", <https://api.example.com/?last>; rel=last`},
				{items(3), `Link: <https://api.example.com/?first>; rel="first"`},
			},
			[]string{"/u?a=1&n=2", "/u?cursor=a%2Fb,c"}, "",
		},
		{
			"next URL", &mapping.PaginateDef{By: "next", Path: "links.next"},
			[]page{{`{"d":[],"links":{"next":"?page=2"}}`, ""}, {`{"d":[],"links":{"next":"http://169.254.169.254/secret?page=3#x"}}`, ""}, {`{"d":[],"links":{"next":""}}`, ""}},
			[]string{"/u?a=1", "/u?page=2", "/u?page=3"}, "",
		},
		{
			"next URL without a query", &mapping.PaginateDef{By: "next", Path: "next"},
			[]page{{`{"d":[],"next":"/v1/u/2"}`, ""}}, []string{"/u?a=1"}, "has no query",
		},
		{
			"next URL that splits the request", &mapping.PaginateDef{By: "next", Path: "next"},
			[]page{{`{"d":[],"next":"?a HTTP/1.1\r\nX: y"}`, ""}}, []string{"/u?a=1"}, "has no query",
		},
		{"null list", &mapping.PaginateDef{By: "page", Param: "p", SizeParam: "n", Size: 2}, []page{{`{"d":null}`, ""}}, []string{"/u?a=1&p=1&n=2"}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			def := definition()
			def.User.List[0] = mapping.CallDef{Method: "GET", URL: "/u?a=1", Items: "d", Paginate: test.paginate}
			pages := compile(t, def).User.List[0].Pages(&plan.Env{})
			var got []string
			var err error
			for pages.More() && err == nil {
				var req plan.Request
				if req, err = pages.Request(); err != nil {
					break
				}
				if len(got) == len(test.pages) {
					t.Fatalf("one request too many: %s", req.Path)
				}
				answer := test.pages[len(got)]
				got = append(got, req.Path)
				err = pages.Answered(value(t, answer.body), func(name string) []string {
					field, text, ok := strings.Cut(answer.header, ": ")
					if ok && strings.EqualFold(field, name) {
						return []string{text}
					}
					return nil
				})
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if (err != nil) != (test.bad != "") || err != nil && !strings.Contains(err.Error(), test.bad) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestPagingInTheBody(t *testing.T) {
	def := definition()
	def.User.List[0] = mapping.CallDef{
		Method: "POST", URL: "/users.list", Items: "d", Edits: []mapping.EditDef{{Path: "filter", Value: "all"}},
		Paginate: &mapping.PaginateDef{By: "offset", Param: "page.offset", SizeParam: "page.limit", Size: 2, InBody: true},
	}
	pages := compile(t, def).User.List[0].Pages(&plan.Env{})
	for i, want := range []string{`{"filter":"all","page":{"offset":0,"limit":2}}`, `{"filter":"all","page":{"offset":2,"limit":2}}`} {
		req, err := pages.Request()
		if err != nil || string(req.Body) != want || req.Path != "/users.list" {
			t.Fatalf("%s %s (%v)", req.Path, req.Body, err)
		}
		if err := pages.Answered(value(t, []string{items(1, 2), items(3)}[i]), nil); err != nil {
			t.Fatal(err)
		}
	}
	if pages.More() {
		t.Error("the list has no end")
	}
}

// Where the page is a part of a parameter, the call says itself where it goes.
func TestPagingInsideParameters(t *testing.T) {
	def := definition()
	def.User.List[0] = mapping.CallDef{
		Method: "GET", URL: "/users", Items: "d", Query: []mapping.ParamDef{{Name: "q", Value: "(page:{page},at:{offset},page_size:{size})"}},
		Paginate: &mapping.PaginateDef{By: "page", Size: 2, First: new(int)},
	}
	pages := compile(t, def).User.List[0].Pages(&plan.Env{})
	for i, want := range []string{"/users?q=%28page%3A0%2Cat%3A0%2Cpage_size%3A2%29", "/users?q=%28page%3A1%2Cat%3A2%2Cpage_size%3A2%29"} {
		req, err := pages.Request()
		if err != nil || req.Path != want {
			t.Fatalf("%s (%v)", req.Path, err)
		}
		if err := pages.Answered(value(t, []string{items(1, 2), items(3)}[i]), nil); err != nil {
			t.Fatal(err)
		}
	}
	if pages.More() {
		t.Error("the list has no end")
	}
}

// A list that goes on for ever is an error and not an afternoon.
func TestEndlessList(t *testing.T) {
	def := definition()
	def.User.List[0] = mapping.CallDef{Method: "GET", URL: "/u", Items: "d", Paginate: &mapping.PaginateDef{By: "cursor", Param: "c", Path: "next"}}
	pages := compile(t, def).User.List[0].Pages(&plan.Env{})
	for i := 0; pages.More(); i++ {
		if err := pages.Answered(value(t, fmt.Sprintf(`{"d":[],"next":%d}`, i)), nil); err != nil {
			return
		}
		if i > 100_000 {
			t.Fatal("it does not end")
		}
	}
}

func items(ids ...int) string {
	var list []string
	for _, id := range ids {
		list = append(list, fmt.Sprintf(`{"id":%d}`, id))
	}
	return `{"d":[` + strings.Join(list, ",") + `]}`
}
