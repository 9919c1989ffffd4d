package organization

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
)

// filled is an organization with n members, imported at once.
func filled(b *testing.B, n int) *api {
	b.Helper()
	a := start(b, Handler{})
	var body strings.Builder
	body.WriteString(`{"largeImport":true,"overwriteExisting":false,"groups":[],"members":[`)
	for i := range n {
		if i > 0 {
			body.WriteByte(',')
		}
		fmt.Fprintf(&body, `{"email":"m%d@example.com","externalId":"%d"}`, i, i)
	}
	body.WriteString(`]}`)
	if _, err := importDirectory(&request{org: a.handler.org.store, body: []byte(body.String())}); err != nil {
		b.Fatal(err)
	}
	return a
}

// discard is a response that only counts.
type discard struct {
	header http.Header
	bytes  int64
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(int)             {}
func (d *discard) Write(b []byte) (int, error) { d.bytes += int64(len(b)); return len(b), nil }

// BenchmarkList reads the whole list after every write, as a client must that finds a member by its address.
func BenchmarkList(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprintf("%d", n), func(b *testing.B) {
			a := filled(b, n)
			g := newMember("changes@example.com", statusConfirmed, roleUser)
			w := &discard{header: http.Header{}}
			for b.Loop() {
				a.handler.org.members.touch(g.ID, 1<<40) // as a write would, without its fsync
				w.bytes = 0
				if err := a.handler.ServeHTTP(w, a.request("GET", "members", ""), nil); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(w.bytes)
		})
	}
}

// BenchmarkInvite creates members, fsync included; parallel writers share it.
func BenchmarkInvite(b *testing.B) {
	for _, writers := range []int{2, 16} {
		b.Run(fmt.Sprintf("%d", writers), func(b *testing.B) {
			a := filled(b, 10_000)
			b.SetParallelism(max(writers/runtime.GOMAXPROCS(0), 1))
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					body := `{"email":"` + newGUID().String() + `@example.com","type":2}`
					w := httptest.NewRecorder()
					if err := a.handler.ServeHTTP(w, a.request("POST", "members", body), nil); err != nil || w.Code != 200 {
						b.Errorf("%d %v", w.Code, err)
					}
				}
			})
		})
	}
}
