package integration

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// liar stands between a gateway and an organization and answers lists of people in its place.
type liar struct {
	org http.Handler
	lie func(w http.ResponseWriter, page string) // nil for the truth
}

func (l *liar) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	list := strings.HasSuffix(r.URL.Path, "/public/members") || r.URL.Path == "/people"
	if l.lie == nil || r.Method != http.MethodGet || !list {
		l.org.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	l.lie(w, r.URL.Query().Get("page"))
}

func says(status int, body string) func(http.ResponseWriter, string) {
	return func(w http.ResponseWriter, _ string) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// pages answers page by page, and with nothing behind the last one.
func pages(total string, bodies ...string) func(http.ResponseWriter, string) {
	return func(w http.ResponseWriter, page string) {
		var n int
		_, _ = fmt.Sscan(page, &n)
		items := ""
		if n >= 1 && n <= len(bodies) {
			items = bodies[n-1]
		}
		_, _ = fmt.Fprintf(w, `{"page":%d,"total":%s,"items":[%s]}`, n, total, items)
	}
}

func deskPerson(id, name string) string {
	return fmt.Sprintf(`{"id":%s,"mail":"%s@example.com","name":"%s","ext":"","on":true,"boss":false}`, id, name, name)
}

func bwMember(id, name string) string {
	return fmt.Sprintf(`{"object":"member","id":%s,"email":"%s@example.com","name":null,"status":2,"type":2,"externalId":null,"collections":[]}`, id, name)
}

// lies are lists that no list should be like. Those that are said to be none of it are what an API may well answer: then
// they tell who is found.
type lie struct {
	name   string
	answer func(w http.ResponseWriter, page string)
	total  int // of the list that SCIM shows then; 0 where it must be refused
}

var lies = []lie{
	{name: "HTML", answer: says(200, "<html>log in</html>")},
	{name: "nothing", answer: says(200, "")},
	{name: "half a document", answer: says(200, `{"data":[{"id":"1"`)},
	{name: "another shape", answer: says(200, `{"data":{"a":1},"items":{"a":1},"total":1}`)},
	{name: "no list", answer: says(200, `{"object":"list","total":0}`)},
	{name: "a text for a list", answer: says(200, `{"data":"none","items":"none","total":0}`)},
	{name: "numbers for items", answer: says(200, `{"data":[1,2],"items":[1,2],"total":2}`)},
	{name: "items without ids", answer: says(200, `{"data":[{"email":"user1@example.com"}],"items":[{"mail":"user1@example.com"}],"total":1}`)},
	{name: "an id that is a list", answer: says(200, `{"data":[{"id":["1"],"email":"a@example.com","status":2}],"items":[{"id":["1"],"mail":"a@example.com"}],"total":1}`)},
	{name: "a name twice", answer: says(200, `{"data":[],"data":[{"id":"1"}],"items":[],"items":[{"id":1}],"total":0}`)},
	{name: "500", answer: says(500, `{"message":"db01.internal failed"}`)},
	{name: "401", answer: says(401, `{}`)},
	{name: "403", answer: says(403, `{}`)},
	{name: "404", answer: says(404, `{}`)},
	{name: "a redirection", answer: says(302, ``)},
	{name: "no content", answer: says(204, ``)},
}

var bitwardenLies = []lie{
	{name: "somebody twice", total: 2, answer: says(200, `{"object":"list","data":[`+bwMember(`"a"`, "ann")+`,`+bwMember(`"b"`, "ben")+`,`+bwMember(`"a"`, "ann")+`]}`)},
	{name: "numbers for ids", total: 2, answer: says(200, `{"object":"list","data":[`+bwMember(`17`, "ann")+`,`+bwMember(`12345678901234567890`, "ben")+`]}`)},
}

var deskLies = []lie{
	{name: "an error that is called success", answer: says(200, `{"error":{"code":"busy","text":"db01.internal"}}`)},
	{name: "a person is missing under an address that exists", answer: says(200, `{"error":{"code":"missing"}}`)},
	{name: "half of the pages", answer: pages("5", deskPerson("1", "ann")+","+deskPerson("2", "ben"))},
	{name: "the same page for ever", answer: func(w http.ResponseWriter, _ string) {
		_, _ = fmt.Fprintf(w, `{"page":1,"total":100,"items":[%s,%s]}`, deskPerson("1", "ann"), deskPerson("2", "ben"))
	}},
	{name: "no total", answer: pages("null", deskPerson("1", "ann"))},
	{name: "a total below zero", answer: pages("-1", deskPerson("1", "ann"))},
	{name: "a total in words", answer: pages(`"many"`, deskPerson("1", "ann"))},
	{name: "a second page that fails", answer: func(w http.ResponseWriter, page string) {
		if page == "2" {
			says(500, `{}`)(w, page)
			return
		}
		pages("4", deskPerson("1", "ann")+","+deskPerson("2", "ben"))(w, page)
	}},
	{name: "a second page of HTML", answer: func(w http.ResponseWriter, page string) {
		if page == "2" {
			says(200, `<html>`)(w, page)
			return
		}
		pages("4", deskPerson("1", "ann")+","+deskPerson("2", "ben"))(w, page)
	}},
	{name: "somebody on two pages", total: 3, answer: pages("3", deskPerson("1", "ann")+","+deskPerson("2", "ben"), deskPerson("2", "ben")+","+deskPerson("3", "cyd"))},
	{name: "a total that is a text", total: 1, answer: pages(`"1"`, deskPerson("1", "ann"))},
}

// TestFaultyLists: nobody is told that somebody does not exist because of a list that is none, and nobody is created on
// the word of one. As soon as the organization tells the truth again, so does the gateway.
func TestFaultyLists(t *testing.T) {
	for _, p := range []*platform{onEmbedded, onDesk} {
		t.Run(p.name, func(t *testing.T) {
			rows := slices.Concat(lies, bitwardenLies)
			if p == onDesk {
				rows = slices.Concat(lies, deskLies)
			}
			liars := make([]*liar, len(rows))
			open := p.open(t, len(rows), func(i int, org http.Handler) http.Handler { liars[i] = &liar{org: org}; return liars[i] })
			for i, row := range rows {
				t.Run(row.name, func(t *testing.T) {
					w := open(t, i)
					before := w.org.people(t)
					liars[i].lie = row.answer
					if row.total > 0 {
						res, err := w.c.Do("GET", "/Users?count=100", "")
						if err != nil || res.Status != 200 || res.Total() != row.total {
							t.Errorf("the list: %v %s", err, res.Raw)
						}
						if found := w.lookUp(t, "/Users", `userName eq "ann@example.com"`); found == nil {
							t.Error("Ann is not found")
						} else if _, ok := found["id"].(string); !ok {
							t.Errorf("the id is %#v, which is no text (RFC 7643 §3.1)", found["id"])
						}
						return
					}
					for _, request := range []struct{ method, path, body string }{
						{"GET", "/Users?filter=userName+eq+%22user1@example.com%22", ""},
						{"GET", "/Users?filter=externalId+eq+%22nobody%22", ""},
						{"GET", "/Users", ""},
						{"POST", "/Users", newUser},
					} {
						res, err := w.c.Do(request.method, request.path, request.body)
						if err != nil {
							t.Fatal(err)
						}
						mustBeError(t, res, 502)
						if strings.Contains(string(res.Raw), "db01") {
							t.Errorf("the answer shows what is inside: %s", res.Raw)
						}
					}
					if now := w.org.people(t); len(now) != len(before) {
						t.Errorf("somebody was created: %v", now)
					}
					liars[i].lie = nil
					if found := w.lookUp(t, "/Users", `userName eq "user1@example.com"`); found == nil || found["id"] != w.ids["U1"] {
						t.Errorf("afterwards, user 1 is found as %v", found)
					}
				})
			}
		})
	}
}

// TestPatience: whoever is asked for patience is told for how long.
func TestPatience(t *testing.T) {
	rows := []struct{ says, want string }{{"7", "7"}, {"", "1"}, {"soon", "1"}, {"-3", "1"}, {"99999", "3600"}, {"Mon, 02 Jan 2006 15:04:05 GMT", "1"}}
	watch := make([]*saboteur, len(rows))
	open := onDesk.open(t, len(rows), func(i int, org http.Handler) http.Handler { watch[i] = &saboteur{org: org}; return watch[i] })
	for i, row := range rows {
		t.Run("Retry-After "+row.says, func(t *testing.T) {
			w := open(t, i)
			for _, c := range changes {
				if c.prepare != nil {
					continue
				}
				watch[i].spoil(1, sabotage{do: func(w http.ResponseWriter, _ func() *httptest.ResponseRecorder) {
					if row.says != "" {
						w.Header().Set("Retry-After", row.says)
					}
					w.WriteHeader(http.StatusTooManyRequests)
				}})
				res, err := c.cycle(w)
				if err != nil {
					t.Fatal(err)
				}
				if res.Status != 429 || res.Header.Get("Retry-After") != row.want {
					t.Errorf("%s: status %d, Retry-After %q, want %q", c.name, res.Status, res.Header.Get("Retry-After"), row.want)
				}
			}
		})
	}
}

// TestBurst: an organization that fails for a while costs cycles and nothing else.
func TestBurst(t *testing.T) {
	for _, p := range []*platform{onEmbedded, onDesk} {
		t.Run(p.name, func(t *testing.T) {
			watch := make([]*saboteur, len(changes))
			open := p.open(t, len(changes), func(i int, org http.Handler) http.Handler { watch[i] = &saboteur{org: org}; return watch[i] })
			for i, c := range changes {
				t.Run(c.name, func(t *testing.T) {
					w := c.begin(t, open, i)
					watch[i].burst(3, sabotages[3])
					for attempt := 1; ; attempt++ {
						res, err := c.cycle(w)
						if err != nil {
							t.Fatal(err)
						}
						if res.Status < 300 {
							if attempt < 4 {
								t.Errorf("%d cycles for a burst of three failures", attempt)
							}
							return
						}
						if res.Status != 502 || attempt > 4 {
							t.Fatalf("cycle %d: %s", attempt, res.Raw)
						}
					}
				})
			}
		})
	}
}

// TestCutMembership: of three members one is in when the connection breaks. The provider is told so, and the next cycle
// adds the other two.
func TestCutMembership(t *testing.T) {
	var watch *saboteur
	open := onDesk.open(t, 1, func(_ int, org http.Handler) http.Handler { watch = &saboteur{org: org}; return watch })
	w := open(t, 0)
	add := patchGroup("G2", `[{"op":"Add","path":"members","value":[{"value":"{U1}"},{"value":"{U2}"},{"value":"{U4}"}]}]`)
	watch.only = "PUT /teams/"
	watch.spoil(2, sabotages[0])
	res, err := add(w)
	if err != nil {
		t.Fatal(err)
	}
	mustBeError(t, res, 502)
	if !strings.Contains(res.String("detail"), "1 of 3 changes of members were carried out") {
		t.Errorf("detail %q", res.String("detail"))
	}
	members("G2", "U1")(t, w, nil)
	if res, err = add(w); err != nil || res.Status != 204 {
		t.Fatalf("%v %s", err, res.Raw)
	}
	members("G2", "U1,U2,U4")(t, w, nil)
}
