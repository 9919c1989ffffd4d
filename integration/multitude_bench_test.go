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

// before starts a gateway for a provider, in a process of its own, in front of the organization. What was listed is current
// for ttl.
func (c *multitude) before(b *testing.B, profile, ttl string) (client *entra.Client, pid int) {
	b.Helper()
	addr := freeAddr(b)
	site := gateway(c.Listener.Addr().String(), strings.TrimSuffix(bitwarden, "}")+"\tview_ttl "+ttl+"\n\t\t}")
	site = strings.Replace(site, "quirks entra", "quirks "+profile, 1)
	pid = startProcess(b, b.TempDir(), "http://"+addr+" {"+site+"\n}\n")
	h := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	b.Cleanup(h.CloseIdleConnections)
	return &entra.Client{TenantURL: "http://" + addr + "/scim", Secret: testKey, HTTP: h}, pid
}

// spent returns the least processor time per request that a process spends on blocks of n requests.
type spent struct {
	b    *testing.B
	pid  int
	best time.Duration
}

func (s *spent) block(n int, do func(i int)) {
	s.b.Helper()
	before := processorTime(s.b, s.pid)
	for i := range n {
		do(i)
	}
	if took := (processorTime(s.b, s.pid) - before) / time.Duration(n); s.best == 0 || took < s.best {
		s.best = took
	}
}

// than returns how many times as much it is.
func (s *spent) than(other *spent) float64 { return float64(s.best) / float64(other.best) }

// BenchmarkPage reports what a page of a list costs in an organization of 50,000 against one of 1,000: processor time of the
// gateway, while nothing changes (1.5 is the goal) and right after a change (2).
func BenchmarkPage(b *testing.B) {
	const count = 100
	type side struct {
		client         *entra.Client
		n, at, changes int
		still, changed spent
	}
	sides := [2]*side{{n: 1000}, {n: 50000}}
	page := func(s *side) {
		s.at = (s.at + count) % (s.n - count)
		res, err := s.client.Do("GET", fmt.Sprintf("/Users?startIndex=%d&count=%d", s.at+1, count), nil)
		if err != nil || res.Total() != s.n {
			b.Fatalf("%v %.200s", err, res.Raw)
		}
	}
	for b.Loop() {
		for _, s := range sides {
			client, pid := newMultitude(b, s.n).before(b, "entra", "1h")
			s.client, s.still, s.changed = client, spent{b: b, pid: pid}, spent{b: b, pid: pid}
			for range s.n/count + 10 { // every record of the ledger was looked for once
				page(s)
			}
		}
		for range 8 {
			for _, s := range sides {
				s.still.block(50, func(int) { page(s) })
			}
		}
		for range 60 {
			for _, s := range sides {
				res, err := s.client.SetActive(memberID(s.changes/2), s.changes%2 == 1)
				if s.changes++; err != nil || res.Status != 200 {
					b.Fatalf("%v %s", err, res.Raw)
				}
				s.changed.block(1, func(int) { page(s) })
			}
		}
		few, many := sides[0], sides[1]
		b.ReportMetric(many.still.than(&few.still), "50000-×-1000")
		b.ReportMetric(many.changed.than(&few.changed), "after-a-change-50000-×-1000")
		b.ReportMetric(float64(few.still.best.Microseconds()), "cpu-µs/page")
	}
	b.ReportMetric(0, "ns/op")
}

// BenchmarkRefresh reads pages of an organization of 10,000 and one of 50,000, four at once, while what was listed becomes
// out of date again and again. Each time one request has to wait for the list: waits-ms is how long the slowest did, others-ms
// is the slowest of those that had not to.
func BenchmarkRefresh(b *testing.B) {
	const ttl = 2 * time.Second
	for _, n := range []int{10000, 50000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c := newMultitude(b, n)
			client, _ := c.before(b, "entra", ttl.String())
			page := func(i int) time.Duration {
				began := time.Now()
				res, err := client.Do("GET", fmt.Sprintf("/Users?startIndex=%d&count=10", 1+i*10%(n-10)), nil)
				if err != nil || res.Total() != n {
					b.Errorf("%v %.200s", err, res.Raw)
				}
				return time.Since(began)
			}
			for b.Loop() {
				page(0)
				c.mu.Lock()
				lists := c.lists
				c.mu.Unlock()
				var mu sync.Mutex
				var took []time.Duration
				var workers sync.WaitGroup
				until := time.Now().Add(3 * ttl)
				for range 4 {
					workers.Go(func() {
						for i := 0; time.Now().Before(until); i++ {
							d := page(i)
							mu.Lock()
							took = append(took, d)
							mu.Unlock()
						}
					})
				}
				workers.Wait()
				lists = c.lists - lists
				slices.SortFunc(took, func(a, b time.Duration) int { return int(b - a) })
				b.ReportMetric(float64(took[0].Microseconds())/1e3, "waits-ms")
				b.ReportMetric(float64(took[lists].Microseconds())/1e3, "others-ms")
				b.ReportMetric(float64(took[lists])/float64(took[0]), "others-×-waits")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkMember reports what it costs to add one member to a group of 10,000 against a group of 100, in processor time of
// the gateway; 3 is the goal. Entra is answered 204, others are shown the group.
func BenchmarkMember(b *testing.B) {
	measure := func(profile string) float64 {
		c := newMultitude(b, 11000)
		client, pid := c.before(b, profile, "1h")
		few, many := spent{b: b, pid: pid}, spent{b: b, pid: pid}
		c.gather("few", 100)
		c.gather("many", 10000)
		add := func(group string, i int) {
			if res, err := client.AddMembers(group, memberID(i)); err != nil || res.Status >= 300 {
				b.Fatalf("%v %s", err, res.Raw)
			}
		}
		for round := range 10 { // the first ones warm up
			few.block(20, func(i int) { add("few", 100+20*round+i) })
			many.block(20, func(i int) { add("many", 10000+20*round+i) })
		}
		b.ReportMetric(float64(few.best.Microseconds()), profile+"-cpu-µs/100")
		return many.than(&few)
	}
	for b.Loop() {
		b.ReportMetric(measure("entra"), "10000-×-100")
		b.ReportMetric(measure("generic"), "answered-10000-×-100")
	}
	b.ReportMetric(0, "ns/op")
}
