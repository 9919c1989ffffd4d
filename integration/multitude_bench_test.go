package integration

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-scim/gateway/integration/entra"
)

// multitude is an organization of many members that answers at once, so that the processor time of the gateway is what is
// measured. It speaks as much of Bitwarden's public API as the benchmarks ask for.
type multitude struct {
	*httptest.Server

	mu     sync.Mutex
	active []bool
	groups map[string][]byte // lists of member ids, as JSON
	lists  int               // of all members
}

func newMultitude(b *testing.B, n int) *multitude {
	b.Helper()
	c := &multitude{active: slices.Repeat([]bool{true}, n), groups: map[string][]byte{}}
	api := http.NewServeMux()
	api.HandleFunc("POST /identity/connect/token", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"access_token":"t","expires_in":86400,"token_type":"Bearer"}`)
	})
	api.HandleFunc("GET /api/public/members", func(w http.ResponseWriter, _ *http.Request) {
		c.mu.Lock()
		c.lists++
		var text bytes.Buffer
		text.WriteString(`{"object":"list","data":[`)
		for i := range c.active {
			if i > 0 {
				text.WriteByte(',')
			}
			text.WriteString(c.member(i))
		}
		text.WriteString(`]}`)
		c.mu.Unlock()
		_, _ = w.Write(text.Bytes())
	})
	one := func(f func(i int)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			i := index(r.PathValue("id"))
			c.mu.Lock()
			f(i)
			text := c.member(i)
			c.mu.Unlock()
			_, _ = io.WriteString(w, text)
		}
	}
	api.HandleFunc("GET /api/public/members/{id}", one(func(int) {}))
	api.HandleFunc("POST /api/public/members/{id}/revoke", one(func(i int) { c.active[i] = false }))
	api.HandleFunc("POST /api/public/members/{id}/restore", one(func(i int) { c.active[i] = true }))
	api.HandleFunc("GET /api/public/groups", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"object":"list","data":[]}`)
	})
	api.HandleFunc("GET /api/public/groups/{id}", func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, `{"object":"group","id":%q,"name":%[1]q,"externalId":%[1]q}`, r.PathValue("id"))
	})
	api.HandleFunc("GET /api/public/groups/{id}/member-ids", func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, _ = w.Write(c.groups[r.PathValue("id")])
	})
	api.HandleFunc("PUT /api/public/groups/{id}/member-ids", func(_ http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		from, to := bytes.IndexByte(text, '['), bytes.LastIndexByte(text, ']')
		c.mu.Lock()
		defer c.mu.Unlock()
		c.groups[r.PathValue("id")] = text[from : to+1]
	})
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		api.ServeHTTP(w, r)
	}))
	b.Cleanup(c.Close)
	return c
}

func (c *multitude) member(i int) string {
	status := 2
	if !c.active[i] {
		status = -1
	}
	return fmt.Sprintf(`{"object":"member","id":%q,"userId":%[1]q,"name":"Person %d","email":"person%[2]d@example.com","twoFactorEnabled":true,`+
		`"status":%d,"collections":null,"type":2,"externalId":"e%[2]d","resetPasswordEnrolled":false}`, memberID(i), i, status)
}

func memberID(i int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", i) }

func index(id string) (i int) {
	_, _ = fmt.Sscanf(id[strings.LastIndexByte(id, '-')+1:], "%d", &i)
	return i
}

// gather makes a group of the first n people.
func (c *multitude) gather(group string, n int) {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = `"` + memberID(i) + `"`
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.groups[group] = []byte("[" + strings.Join(ids, ",") + "]")
}

// before starts a gateway for a provider, in a process of its own, in front of the organization.
func (c *multitude) before(b *testing.B, profile string) (client *entra.Client, pid int) {
	b.Helper()
	addr := freeAddr(b)
	site := gateway(c.Listener.Addr().String(), strings.TrimSuffix(bitwarden, "}")+"\tview_ttl 1h\n\t\t}")
	site = strings.Replace(site, "quirks entra", "quirks "+profile, 1)
	pid = startProcess(b, b.TempDir(), "http://"+addr+" {"+site+"\n}\n")
	h := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	b.Cleanup(h.CloseIdleConnections)
	return &entra.Client{TenantURL: "http://" + addr + "/scim", Secret: testKey, HTTP: h}, pid
}

// spent returns the processor time that a process spends on one of n requests.
func spent(b *testing.B, pid, n int, do func(i int)) time.Duration {
	b.Helper()
	before := processorTime(b, pid)
	for i := range n {
		do(i)
	}
	return (processorTime(b, pid) - before) / time.Duration(n)
}

// BenchmarkPage reports what a page of a list costs in an organization of 50,000 against one of 1,000: processor time of the
// gateway, while nothing changes (1.5 is the goal) and right after a change (2).
func BenchmarkPage(b *testing.B) {
	const count = 100
	type figures struct{ still, changed time.Duration }
	measure := func(n int) (f figures) {
		c := newMultitude(b, n)
		client, pid := c.before(b, "entra")
		page := func(i int) {
			res, err := client.Do("GET", fmt.Sprintf("/Users?startIndex=%d&count=%d", 1+i*count%(n-count), count), nil)
			if err != nil || res.Total() != n {
				b.Fatalf("%v %.200s", err, res.Raw)
			}
		}
		change := func(i int) {
			if res, err := client.SetActive(memberID(i/2), i%2 == 1); err != nil || res.Status != 200 {
				b.Fatalf("%v %s", err, res.Raw)
			}
		}
		spent(b, pid, n/count, page) // every record of the ledger was looked for once
		f.still = spent(b, pid, 200, page)
		alone := spent(b, pid, 100, change)
		f.changed = spent(b, pid, 100, func(i int) { change(i); page(i) }) - alone
		return f
	}
	for b.Loop() {
		few, many := measure(1000), measure(50000)
		b.ReportMetric(float64(many.still)/float64(few.still), "50000-×-1000")
		b.ReportMetric(float64(many.changed)/float64(few.changed), "after-a-change-50000-×-1000")
		b.ReportMetric(float64(few.still.Microseconds()), "cpu-µs/page")
	}
	b.ReportMetric(0, "ns/op")
}

// BenchmarkMember reports what it costs to add one member to a group of 10,000 against a group of 100, in processor time of
// the gateway; 3 is the goal. Entra is answered 204, others are shown the group.
func BenchmarkMember(b *testing.B) {
	const n = 10100
	measure := func(profile string) float64 {
		c := newMultitude(b, n)
		client, pid := c.before(b, profile)
		add := func(group string, size int) time.Duration {
			c.gather(group, size)
			do := func(i int) {
				if res, err := client.AddMembers(group, memberID(size+i)); err != nil || res.Status >= 300 {
					b.Fatalf("%v %s", err, res.Raw)
				}
			}
			for i := range 20 {
				do(i)
			}
			return spent(b, pid, 50, func(i int) { do(20 + i) })
		}
		few := add("few", 100)
		many := add("many", 10000)
		b.ReportMetric(float64(few.Microseconds()), profile+"-cpu-µs/100")
		return float64(many) / float64(few)
	}
	for b.Loop() {
		b.ReportMetric(measure("entra"), "10000-×-100")
		b.ReportMetric(measure("generic"), "answered-10000-×-100")
	}
	b.ReportMetric(0, "ns/op")
}
