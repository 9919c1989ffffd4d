package integration

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/certmagic"

	"github.com/caddy-scim/gateway/integration/entra"
)

// counter stands between the gateway and an organization and counts what passes, so that the figures are not the
// gateway's own.
type counter struct {
	*httptest.Server

	mu    sync.Mutex
	calls map[string]int // by method and path, ids replaced
	takes time.Duration  // what each takes beside what the organization does
	took  time.Duration  // all of them together
}

func newCounter(t testing.TB, addr string) *counter {
	t.Helper()
	target, err := url.Parse("http://" + addr)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.Transport = &http.Transport{MaxIdleConnsPerHost: 64}
	c := &counter{calls: map[string]int{}}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		segments := strings.Split(r.URL.Path, "/")
		for i, s := range segments {
			if len(s) == 36 && strings.Count(s, "-") == 4 {
				segments[i] = "{id}"
			}
		}
		c.mu.Lock()
		c.calls[r.Method+" "+strings.Join(segments, "/")]++
		c.mu.Unlock()
		began := time.Now()
		time.Sleep(c.takes)
		proxy.ServeHTTP(w, r)
		c.mu.Lock()
		c.took += time.Since(began)
		c.mu.Unlock()
	}))
	t.Cleanup(c.Close)
	return c
}

// take is what was counted since the last call.
func (c *counter) take() (calls map[string]int, total int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	calls, c.calls = c.calls, map[string]int{}
	for _, n := range calls {
		total += n
	}
	return calls, total
}

// counted is a gateway in front of the embedded organization with a counter in between.
func counted(t testing.TB) (*server, *counter) {
	t.Helper()
	org := freeAddr(t)
	c := newCounter(t, org)
	s := start(t, gateway(c.Listener.Addr().String(), bitwarden)+anotherSite(org, organization))
	s.http = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	t.Cleanup(s.http.CloseIdleConnections)
	return s, c
}

// provisioned returns how many people are to be provisioned: PROVISION_USERS, or 10,000.
func provisioned(b *testing.B) int {
	b.Helper()
	text := os.Getenv("PROVISION_USERS")
	if text == "" {
		return 10000
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// BenchmarkCycle goes through an initial cycle, a request after the other: PROVISION_USERS people (10,000 by default), each
// looked up and created, and a group for every hundred of them, looked up, created and filled by twenties. It reports how
// long that takes against the calls of the organization alone; 1.5 is the goal. The organization is on the same disk and
// takes hardly longer than the one file that the gateway has to write before each call that cannot be repeated; one that is
// reached over a network takes 2 ms or 10 ms more, where a tenth of the people are enough. That file has to be on disk before
// the call, and no gateway can do with less: cycle-×-calls-and-intents is how long the whole takes against the calls and what
// so many files take by themselves, in Caddy's storage on the same disk.
func BenchmarkCycle(b *testing.B) {
	n := provisioned(b)
	for _, takes := range []time.Duration{0, 2 * time.Millisecond, 10 * time.Millisecond} {
		if takes > 0 {
			n = max(100, provisioned(b)/10)
		}
		b.Run("upstream="+takes.String(), func(b *testing.B) { cycleOf(b, n, takes) })
	}
}

func cycleOf(b *testing.B, n int, takes time.Duration) {
	s, calls := counted(b)
	calls.takes = takes
	c := s.entra("/scim")
	one := func(res *entra.Response, err error) string {
		if err != nil || res.Status >= 300 {
			b.Fatalf("%v %s", err, res.Raw)
		}
		return res.ID()
	}
	for b.Loop() {
		_, _ = calls.take()
		calls.took = 0
		began, ids := time.Now(), make([]string, n)
		for i := range ids {
			mail := fmt.Sprintf("person%05d@example.com", i)
			one(c.Find("/Users", "userName", mail))
			ids[i] = one(c.Create(entra.User{UserName: mail, Mail: mail, ExternalID: fmt.Sprint("e", i), DisplayName: mail}))
		}
		people := time.Since(began)
		for g := range (n + 99) / 100 {
			name := fmt.Sprint("Group ", g)
			one(c.Find("/Groups", "displayName", name))
			group := one(c.CreateGroup(name, fmt.Sprint("g", g)))
			for chunk := range slices.Chunk(ids[100*g:min(n, 100*g+100)], 20) {
				one(c.AddMembers(group, chunk...))
			}
		}
		whole := time.Since(began)
		made, _ := calls.take()
		intents := made["POST /api/public/members"] + made["POST /api/public/groups"] + made["PUT /api/public/groups/{id}/member-ids"]
		if intents < n {
			b.Fatalf("people and groups were not made: %v", made)
		}
		stored := storing(b)
		b.ReportMetric(float64(whole)/float64(calls.took), "cycle-×-calls")
		b.ReportMetric(float64(whole)/float64(calls.took+time.Duration(intents)*stored), "cycle-×-calls-and-intents")
		b.ReportMetric(float64(stored.Microseconds()), "µs/intent")
		b.ReportMetric(float64(people.Microseconds())/float64(n), "µs/person")
		b.ReportMetric(float64((whole-people).Microseconds())/float64(n), "µs/membership")
	}
	b.ReportMetric(0, "ns/op")
}

// storing returns how long Caddy's file storage takes, in the middle of a hundred times, to write a file that is as long as
// the record of an intent.
func storing(b *testing.B) time.Duration {
	disk := &certmagic.FileStorage{Path: b.TempDir()}
	record := []byte(strings.Repeat("intent ", 100))
	took := make([]time.Duration, 100)
	for i := range took {
		began := time.Now()
		if err := disk.Store(b.Context(), fmt.Sprint("scim/intents/", i), record); err != nil {
			b.Fatal(err)
		}
		took[i] = time.Since(began)
	}
	slices.Sort(took)
	return took[len(took)/2]
}

// BenchmarkProvisioning provisions PROVISION_USERS people (10,000 by default) the way Entra does it, one look-up and one
// POST each, then puts them into a group one by one, and reports the calls that reached the organization per SCIM write.
// Then a tenth as many come who are not active yet, whom the ledger has to remember one beside the other: waiting-×-first
// is how long the last hundred of them took, against the first hundred.
func BenchmarkProvisioning(b *testing.B) {
	n := provisioned(b)
	s, calls := counted(b)
	c := s.entra("/scim")
	ids := make([]string, n)
	each := func(do func(i int)) {
		var group sync.WaitGroup
		for worker := range 4 {
			group.Go(func() {
				for i := worker; i < n; i += 4 {
					do(i)
				}
			})
		}
		group.Wait()
	}
	b.ResetTimer()
	for b.Loop() {
		each(func(i int) {
			mail := fmt.Sprintf("person%05d@example.com", i)
			res, err := c.Find("/Users", "userName", mail)
			if err != nil || res.Total() != 0 {
				b.Errorf("look-up: %v %v", res, err)
				return
			}
			res, err = c.Create(entra.User{UserName: mail, Mail: mail, ExternalID: fmt.Sprint("e", i), DisplayName: mail})
			if err != nil || res.Status != 201 {
				b.Errorf("create: %v %v", res, err)
				return
			}
			ids[i] = res.ID()
		})
		seen, total := calls.take()
		b.ReportMetric(float64(total)/float64(n), "calls/create")
		b.ReportMetric(float64(seen["GET /api/public/members"]), "list-calls")
		b.Logf("%d people: %v", n, seen)

		res, err := c.CreateGroup("Everybody", "all")
		if err != nil || res.Status != 201 {
			b.Fatalf("group: %v %v", res, err)
		}
		group := res.ID()
		calls.take()
		some := min(n, 300)
		for _, id := range ids[:some] {
			if res, err := c.AddMembers(group, id); err != nil || res.Status >= 300 {
				b.Fatalf("member: %v %v", res, err)
			}
		}
		seen, total = calls.take()
		b.ReportMetric(float64(total)/float64(some), "calls/membership")
		b.Logf("%d memberships: %v", some, seen)
		each(func(i int) {
			if res, err := c.SetActive(ids[i], false); err != nil || res.Status != 200 {
				b.Errorf("disable: %v %v", res, err)
			}
		})
		seen, total = calls.take()
		b.ReportMetric(float64(total)/float64(n), "calls/disable")
		b.Logf("%d disabled: %v", n, seen)

		var took []time.Duration
		for i := range max(200, n/10) {
			mail := fmt.Sprintf("waiting%05d@example.com", i)
			began := time.Now()
			if res, err := c.Find("/Users", "userName", mail); err != nil || res.Total() != 0 {
				b.Fatalf("look-up: %v %v", res, err)
			}
			res, err := c.Create(entra.User{UserName: mail, Mail: mail, ExternalID: fmt.Sprint("w", i), Inactive: true})
			if err != nil || res.Status != 201 {
				b.Fatalf("create: %v %v", res, err)
			}
			took = append(took, time.Since(began))
		}
		slices.Sort(took[:100])
		slices.Sort(took[len(took)-100:])
		b.ReportMetric(float64(took[len(took)-50])/float64(took[50]), "waiting-×-first")
		b.ReportMetric(float64(took[len(took)-50].Microseconds()), "µs/waiting")
	}
}
