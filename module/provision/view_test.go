package provision

import (
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-scim/gateway/module/provision/view"
	"github.com/caddy-scim/gateway/module/upstream"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping"
)

func someone(id, name string) *view.Entry {
	d, err := doc.Scan([]byte(`{"id":"` + id + `","userName":"` + name + `@example.com","externalId":"` + name + `","active":true}`))
	if err != nil {
		panic(err)
	}
	return &view.Entry{ID: id, SCIM: d}
}

// Others change the organization too. What the view says wrongly does no harm and does not last.
func TestStaleView(t *testing.T) {
	g, b := onBitwarden(t, nil)
	ids := g.people(t, "a", "b")
	g.find(t, "Users", `userName eq "a@example.com"`)
	b.mu.Lock()
	b.members = slices.DeleteFunc(b.members, func(m map[string]any) bool { return m["id"] == ids[0] }) // removed by hand
	b.members = append(b.members, map[string]any{"id": "hand", "email": "c@example.com", "status": 2, "type": 2, "externalId": "c"})
	b.mu.Unlock()

	// Invited by hand: the organization refuses, and is believed.
	if a := g.do(t, "POST", "/Users", user("c@example.com", "c")); a.status != 409 {
		t.Errorf("got %d %v", a.status, a.err)
	}
	if got := g.find(t, "Users", `userName eq "c@example.com"`); !cmp.Equal(got, []string{"hand"}) {
		t.Errorf("found %v", got)
	}
	// Removed by hand: a new one is invited although the view knew the old one.
	at, done := g.seen.users.Ask()
	g.seen.users.Put(someone(ids[0], "a"), at)
	done()
	if a := g.must(t, 201, "POST", "/Users", user("a@example.com", "a")); a.id() == ids[0] {
		t.Error("the old id was answered")
	}
	g.must(t, 404, "GET", "/Users/"+ids[0], "")
	// Restored by hand: the provider's word counts although the view says that it is so already.
	g.must(t, 200, "PATCH", "/Users/"+ids[1], patchOp(disable))
	b.member(t, ids[1])["status"] = 2
	g.must(t, 200, "PATCH", "/Users/"+ids[1], patchOp(disable))
	if b.member(t, ids[1])["status"] != -1 {
		t.Error("a stale view kept a user from being revoked")
	}
	// A member created by another gateway can join a group at once.
	group := g.makeGroup(t, "Sales")
	b.mu.Lock()
	b.members = append(b.members, map[string]any{"id": "late", "email": "l@example.com", "status": 2, "type": 2})
	b.mu.Unlock()
	g.must(t, 200, "PATCH", "/Groups/"+group, memberOps("add", "late"))
	if got := b.membersOf(group); !slices.Equal(got, []string{"late"}) {
		t.Errorf("members %v", got)
	}
}

// A provider that asks for every user before it creates them: the number of lists does not grow with the number of users.
func TestProvisioningIsLinear(t *testing.T) {
	for _, n := range []int{50, 500} {
		g, b := onBitwarden(t, nil)
		for i := range n {
			name := fmt.Sprintf("u%05d", i)
			if ids := g.find(t, "Users", `userName eq "`+name+`@example.com"`); ids != nil {
				t.Fatalf("found %v", ids)
			}
			g.must(t, 201, "POST", "/Users", user(name+"@example.com", name))
		}
		calls := b.took()
		lists := 0
		for _, c := range calls {
			if c == "GET /public/members" {
				lists++
			}
		}
		if perWrite := float64(len(calls)) / float64(n); lists > 1 || perWrite > 1.2 {
			t.Errorf("%d users: %d lists, %.2f calls a write", n, lists, perWrite)
		}
		// Pages are whole, without overlap, in one order.
		var seen []string
		for start := 1; start <= n; start += 30 {
			a := g.must(t, 200, "GET", fmt.Sprintf("/Users?startIndex=%d&count=30", start), "")
			if a.body["totalResults"] != float64(n) {
				t.Fatalf("total %v", a.body["totalResults"])
			}
			for _, res := range a.body["Resources"].([]any) {
				seen = append(seen, res.(map[string]any)["userName"].(string))
			}
		}
		if len(seen) != n || !slices.IsSorted(seen) || len(slices.Compact(seen)) != n {
			t.Errorf("%d users in pages of %d", len(seen), n)
		}
	}
}

// The view of 100,000 members stays under 64 MiB.
func TestViewMemory(t *testing.T) {
	m := bitwardenMapping() // with all that the preset shows of a member
	m.User.Map = append(m.User.Map, mapping.MapDef{Attribute: `emails[type eq "work"].primary`, Value: "{true}"}, mapping.MapDef{Attribute: "name.formatted", Value: "name"})
	g, _ := onBitwarden(t, func(o *Organization) { o.Mapping = m })
	s := g.begin(g.caller, nil, false)
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	v := view.New(g.user.Indexed, time.Minute, time.Now)
	at, done := v.Ask()
	defer done()
	for i := range 100_000 {
		d, err := doc.Scan(fmt.Appendf(nil, `{"object":"member","id":"%08x-0000-4000-8000-%012x","name":"Firstname Lastname","email":"firstname.lastname%d@subsidiary.example.com",`+
			`"status":2,"type":2,"externalId":"%08x-aaaa-4000-8000-%012x","collections":[]}`, i, i, i, i, i))
		if err != nil {
			t.Fatal(err)
		}
		it, err := s.users.items.Read(d.Value())
		if err != nil {
			t.Fatal(err)
		}
		v.Put(it.Entry, at)
	}
	used := heap() - before
	t.Logf("%d bytes a member, %d MiB in all", used/100_000, used>>20)
	if used > 64<<20 {
		t.Errorf("%d MiB", used>>20)
	}
	runtime.KeepAlive(v)
}

// A list that is wrong in any way is an answer of 502, never "there is no such user".
func TestBrokenLists(t *testing.T) {
	for name, body := range map[string]string{
		"HTML": "<html>", "half": `{"data":[{"id":"1"`, "another shape": `{"items":[]}`, "a string": `"x"`, "an item without id": `{"data":[{"email":"x"}]}`,
		"an element that is no item": `{"data":[1]}`, "an error": `{"data":"x"}`, "nothing": ``, "two": `{"data":[]}{"data":[]}`,
	} {
		g, b := onBitwarden(t, nil)
		b.fault = func(r *http.Request) *upstream.Answer {
			return &upstream.Answer{Status: 200, Header: http.Header{}, Body: []byte(body)}
		}
		for _, req := range []struct{ method, target, body string }{
			{"GET", "/Users", ""}, {"GET", "/Users?filter=userName+eq+%22x%22", ""}, {"POST", "/Users", user("x@example.com", "x")},
		} {
			if a := g.do(t, req.method, req.target, req.body); a.status != 502 {
				t.Errorf("%s: %s %s answered %d", name, req.method, req.target, a.status)
			}
		}
	}
	g, b := onBitwarden(t, nil)
	for status, want := range map[int]int{401: 502, 403: 502, 404: 502, 500: 502, 503: 502, 302: 502, 429: 429} {
		b.fault = func(*http.Request) *upstream.Answer {
			return &upstream.Answer{Status: status, Header: http.Header{"Retry-After": {"7"}}, Body: []byte("no")}
		}
		a := g.do(t, "GET", "/Users", "")
		if a.status != want || status == 429 && a.err.RetryAfter != 7*time.Second {
			t.Errorf("%d became %d, retry after %v", status, a.status, a.err.RetryAfter)
		}
	}
}

// Duplicates and numbers for ids.
func TestOddItems(t *testing.T) {
	g, b := onBitwarden(t, nil)
	b.fault = func(*http.Request) *upstream.Answer {
		return &upstream.Answer{Status: 200, Header: http.Header{}, Body: []byte(`{"data":[{"id":7,"email":"a@x.example","status":1},{"id":8,"email":"b@x.example"},{"id":7,"email":"a@x.example","status":1}]}`)}
	}
	if a := g.must(t, 200, "GET", "/Users", ""); a.body["totalResults"] != float64(2) {
		t.Errorf("got %v", a.body)
	}
	if ids := g.find(t, "Users", `id eq "7"`); !cmp.Equal(ids, []string{"7"}) {
		t.Errorf("found %v", ids)
	}
}
