package integration

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-scim/gateway/integration/entra"
	"github.com/caddy-scim/gateway/integration/storage"
)

// BenchmarkStorage reports how many operations of Caddy's storage, and how many calls of the organization, one request of
// each kind takes.
func BenchmarkStorage(b *testing.B) {
	dir, org := b.TempDir(), freeAddr(b)
	calls := newCounter(b, org)
	site := gateway(calls.Listener.Addr().String(), bitwarden) + anotherSite(org, organization)
	s := startServer(&server{t: b, dir: dir, storage: "faulty {DIR}/storage"}, site)
	ops := storage.Of(filepath.Join(dir, "storage"))
	c := s.entra("/scim")
	id := func(res *entra.Response, err error) string {
		if err != nil || res.Status >= 300 {
			b.Fatalf("%v %v", res, err)
		}
		return res.ID()
	}
	waiting := id(c.Create(somebody("ann", true)))
	group := id(c.CreateGroup("Crew", "g"))
	id(c.Find("/Users", "userName", "nobody@corp.example"))
	allOf(ops)
	for _, request := range []struct {
		name string
		do   func() (*entra.Response, error)
	}{
		{"create", func() (*entra.Response, error) { return c.Create(somebody("eve", false)) }},
		{"create who waits", func() (*entra.Response, error) { return c.Create(somebody("fay", true)) }},
		{"activate", func() (*entra.Response, error) { return c.SetActive(waiting, true) }},
		{"add a member", func() (*entra.Response, error) { return c.AddMembers(group, waiting) }},
		{"PATCH active", func() (*entra.Response, error) { return c.SetActive(waiting, false) }},
		{"filtered GET", func() (*entra.Response, error) { return c.Find("/Users", "userName", "eve@corp.example") }},
		{"delete", func() (*entra.Response, error) { return c.Delete("/Users", waiting) }},
	} {
		calls.take()
		id(request.do())
		kinds, total := allOf(ops)
		_, made := calls.take()
		b.Logf("%s: %d operations of the storage %v, %d calls", request.name, total, kinds, made)
		name := strings.ReplaceAll(request.name, " ", "-")
		b.ReportMetric(float64(total), name+"-storage-ops")
		b.ReportMetric(float64(made), name+"-calls")
	}
	for b.Loop() {
	}
}

// allOf returns the operations of the storage that a request has made and makes after its answer, until there are no more.
func allOf(ops *storage.Trouble) (kinds map[storage.Op]int, total int) {
	kinds = map[storage.Op]int{}
	for quiet := 0; quiet < 5; quiet++ {
		more, n := ops.Take()
		if total += n; n > 0 {
			quiet = 0
		}
		for kind, n := range more {
			kinds[kind] += n
		}
		time.Sleep(20 * time.Millisecond)
	}
	return kinds, total
}
