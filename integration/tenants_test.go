package integration

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
)

// manyTenants is a site with n organizations, each with a path, a key and a name of its own, from one snippet.
func manyTenants(n int, upstream string) (snippet, site string) {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "\timport tenant t%d key-of-the-tenant-number-%d\n", i, i)
	}
	return `
(tenant) {
	scim_gateway /{args[0]}/* ` + upstream + ` {
		key {args[0]} {args[1]}
		quirks entra
		organization {args[0]}
		upstream bitwarden {
			client_id organization.{args[0]}
			client_secret ` + orgSecret + `
		}
	}
}
`, b.String()
}

// TestFiveHundredTenants: they adapt and load, each key opens its own organization and is as wrong as any other at the
// next one.
func TestFiveHundredTenants(t *testing.T) {
	rec := newRecorder(t)
	snippet, site := manyTenants(500, rec.Listener.Addr().String())
	s := startSnippets(t, snippet, site)
	ask := func(path, key string) (int, string) {
		status, _, body := s.raw("GET /" + path + "/ServiceProviderConfig HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer " + key + "\r\n\r\n")
		return status, body
	}
	_, wrong := ask("t0", "wrong")
	for i := 0; i < 500; i += 71 {
		path, key := fmt.Sprintf("t%d", i), fmt.Sprintf("key-of-the-tenant-number-%d", i)
		if status, body := ask(path, key); status != http.StatusOK || !strings.Contains(body, "/"+path+"/ServiceProviderConfig") {
			t.Errorf("%s: %d %s", path, status, body)
		}
		if status, body := ask(fmt.Sprintf("t%d", (i+1)%500), key); status != http.StatusUnauthorized || body != wrong {
			t.Errorf("the key of %s at the next: %d %s", path, status, body)
		}
		s.secrets = append(s.secrets, key)
	}
	if seen := rec.take(nil); len(seen) > 0 {
		t.Errorf("reached the upstream: %v", seen)
	}
}

// BenchmarkTenants measures the memory of an idle organization; 200 KiB is the goal.
func BenchmarkTenants(b *testing.B) {
	heap := func() uint64 {
		var m runtime.MemStats
		for range 3 {
			runtime.GC()
		}
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	rec := newRecorder(b)
	measure := func(n int) uint64 {
		snippet, site := manyTenants(n, rec.Listener.Addr().String())
		s := startSnippets(b, snippet, site)
		used := heap()
		s.load("\trespond 404\n")
		return used
	}
	for b.Loop() {
		few := measure(1)
		many := measure(501)
		b.ReportMetric((float64(many)-float64(few))/500/1024, "KiB/organization")
	}
	b.ReportMetric(0, "ns/op")
}
