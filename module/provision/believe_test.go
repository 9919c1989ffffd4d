package provision

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-scim/gateway/module/upstream"
)

// page is what a proxy shows in the place of the API.
func page(status int) *upstream.Answer {
	return &upstream.Answer{Status: status, Header: http.Header{"Content-Type": {"text/html"}}, Body: []byte("<html><body>404 Not Found</body></html>")}
}

// foreign answers the calls that a function names with a document that is not the API's own.
func foreign(which func(r *http.Request) bool, a *upstream.Answer) func(*http.Request) *upstream.Answer {
	return func(r *http.Request) *upstream.Answer {
		if which(r) {
			return a
		}
		return nil
	}
}

func endsWith(method, suffix string) func(*http.Request) bool {
	return func(r *http.Request) bool { return r.Method == method && strings.HasSuffix(r.URL.Path, suffix) }
}

// A 404 that somebody between the gateway and the organization made is no proof that anything is gone.
func TestForeignNotFound(t *testing.T) {
	json404 := &upstream.Answer{Status: 404, Header: http.Header{}, Body: []byte(`{"message":"no Route matched with those values"}`)}
	for _, c := range []struct {
		name         string
		which        func(id string) func(*http.Request) bool
		answer       *upstream.Answer
		method, body string
	}{
		{name: "DELETE, a page", method: "DELETE", which: func(id string) func(*http.Request) bool { return endsWith("DELETE", id) }, answer: page(404)},
		{name: "DELETE, a proxy's document", method: "DELETE", which: func(id string) func(*http.Request) bool { return endsWith("DELETE", id) }, answer: json404},
		{name: "revoke, a page", method: "PATCH", body: patchOp(disable), which: func(string) func(*http.Request) bool { return endsWith("POST", "/revoke") }, answer: page(404)},
		{name: "revoke, a proxy's document", method: "PATCH", body: patchOp(disable), which: func(string) func(*http.Request) bool { return endsWith("POST", "/revoke") }, answer: json404},
		{name: "the read before a deactivation", method: "PATCH", body: patchOp(disable), which: func(id string) func(*http.Request) bool { return endsWith("GET", id) }, answer: json404},
		{name: "the read before a deletion", method: "DELETE", which: func(id string) func(*http.Request) bool { return endsWith("GET", id) }, answer: json404},
		{name: "a read, a page", method: "GET", which: func(id string) func(*http.Request) bool { return endsWith("GET", id) }, answer: page(404)},
		{
			name: "a change, a page", method: "PATCH", body: patchOp(`{"op":"replace","path":"externalId","value":"new"}`),
			which: func(id string) func(*http.Request) bool { return endsWith("PUT", id) }, answer: page(404),
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, b := onBitwarden(t, nil)
			id := g.people(t, "jane")[0]
			b.fault = foreign(c.which(id), c.answer)
			if a := g.do(t, c.method, "/Users/"+id, c.body); a.status != 502 {
				t.Errorf("answered %d %v, want 502: jane is there", a.status, a.err)
			}
			b.fault = nil
			if got := g.find(t, "Users", `userName eq "jane@example.com"`); len(got) != 1 {
				t.Errorf("found %v", got)
			}
			// Once the organization can be reached, all is as the provider wants it.
			want := 200
			if c.method == "DELETE" {
				want = 204
			}
			g.must(t, want, c.method, "/Users/"+id, c.body)
		})
	}
}

// A read that found nobody is no second witness: whoever answered it falsely answers the next one so too.
func TestOneLiarIsNoProof(t *testing.T) {
	for _, listed := range []bool{true, false} {
		g, b := onBitwarden(t, nil)
		id := g.people(t, "jane")[0]
		if listed {
			g.find(t, "Users", `userName eq "jane@example.com"`)
		}
		b.fault = foreign(endsWith("GET", id), &upstream.Answer{Status: 404, Header: http.Header{}})
		g.do(t, "GET", "/Users/"+id, "")
		for _, req := range []struct{ method, body string }{{"PATCH", patchOp(disable)}, {"DELETE", ""}} {
			if a := g.do(t, req.method, "/Users/"+id, req.body); a.status != 502 {
				t.Errorf("listed before %t: %s answered %d %v, want 502: jane is there", listed, req.method, a.status, a.err)
			}
		}
	}
}

// Who is really gone is gone, in whatever words the organization says it.
func TestReallyGone(t *testing.T) {
	for _, broken := range []*upstream.Answer{nil, page(404)} {
		g, b := onBitwarden(t, nil)
		ids := g.people(t, "jane", "john")
		b.mu.Lock()
		b.members = nil // by hand
		b.mu.Unlock()
		if broken != nil {
			b.fault = foreign(func(r *http.Request) bool { return strings.Contains(r.URL.Path, "/members/") }, broken)
		}
		g.must(t, 404, "GET", "/Users/"+ids[0], "")
		g.must(t, 404, "PATCH", "/Users/"+ids[0], patchOp(disable))
		g.must(t, 404, "DELETE", "/Users/"+ids[1], "")
	}
}

// A success that nothing shows is none: the provider must not believe that somebody has no access who has it.
func TestSuccessWithoutEffect(t *testing.T) {
	done := &upstream.Answer{Status: 200, Header: http.Header{}}
	for _, c := range []struct {
		name, method, body string
		which              func(*http.Request) bool
	}{
		{"revoke", "PATCH", patchOp(disable), endsWith("POST", "/revoke")},
		{"delete", "DELETE", "", func(r *http.Request) bool { return r.Method == http.MethodDelete }},
	} {
		g, b := onBitwarden(t, nil)
		id := g.people(t, "jane")[0]
		b.fault = foreign(c.which, done)
		if a := g.do(t, c.method, "/Users/"+id, c.body); a.status != 502 || strings.Contains(a.err.Detail, "jane") {
			t.Errorf("%s: answered %d %v, want 502", c.name, a.status, a.err)
		}
		b.fault = nil
		if a := g.must(t, 200, "GET", "/Users/"+id, ""); a.body["active"] != true {
			t.Errorf("%s: shown as %v", c.name, a.body)
		}
	}
	g, b := onBitwarden(t, nil)
	id := g.people(t, "jane")[0]
	g.must(t, 200, "PATCH", "/Users/"+id, patchOp(disable))
	b.fault = foreign(endsWith("POST", "/restore"), done)
	if a := g.do(t, "PATCH", "/Users/"+id, patchOp(`{"op":"replace","path":"active","value":true}`)); a.status != 502 {
		t.Errorf("restore: answered %d %v, want 502", a.status, a.err)
	}
	// A group that is still there gives whoever is in it what it gives.
	group := g.makeGroup(t, "Sales")
	b.fault = foreign(func(r *http.Request) bool { return r.Method == http.MethodDelete }, done)
	if a := g.do(t, "DELETE", "/Groups/"+group, ""); a.status != 502 {
		t.Errorf("delete of a group: answered %d %v, want 502", a.status, a.err)
	}
}

// To see that somebody is gone takes one read, however many there are.
func TestBeliefIsCheap(t *testing.T) {
	g, b := onBitwarden(t, nil)
	ids := g.people(t, "jane", "john")
	g.find(t, "Users", `userName eq "jane@example.com"`)
	b.took()
	g.must(t, 204, "DELETE", "/Users/"+ids[0], "")
	if calls := b.took(); len(calls) != 3 {
		t.Errorf("a deletion took %v", calls)
	}
	g.must(t, 200, "PATCH", "/Users/"+ids[1], patchOp(disable))
	if calls := b.took(); len(calls) != 3 {
		t.Errorf("a deactivation took %v", calls)
	}
}

// A list of members that was read before a change does not bring back who was removed since.
func TestLateAnswerUndoesNothing(t *testing.T) {
	g, b := onBitwarden(t, nil)
	id := g.people(t, "jane")[0]
	g.find(t, "Users", `userName eq "jane@example.com"`) // the view knows her
	read, goOn, late := make(chan struct{}), make(chan struct{}), make(chan answer)
	once := true
	b.after = func(r *http.Request) *upstream.Answer {
		if once && r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, id) {
			once = false
			close(read)
			<-goOn
		}
		return nil
	}
	go func() { late <- g.do(t, "GET", "/Users/"+id, "") }()
	<-read
	g.must(t, 204, "DELETE", "/Users/"+id, "")
	close(goOn)
	<-late
	if got := g.find(t, "Users", `userName eq "jane@example.com"`); len(got) != 0 {
		t.Errorf("found %v after the deletion", got)
	}
}
