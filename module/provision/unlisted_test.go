package provision

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-scim/gateway/module/guard"
	"github.com/caddy-scim/gateway/module/upstream"
)

// The guard wants to know how many users there are, of whom it may take a part. A leaver does not wait for the end of a
// list that takes long: neither of one of their own, nor of one that somebody else's request began.
func TestLeaverWaitsForNoList(t *testing.T) {
	for _, beside := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			g, b, s := remembering(t, nil)
			id := g.must(t, 201, "POST", "/Users", user("jane@example.com", "jane")).id()
			g = g.restarted(t, s.Copy())
			g.guard = &guard.Open{Guard: guard.New(guard.Config{}, time.Now)}
			hangs := make(chan struct{})
			b.fault = func(r *http.Request) *upstream.Answer {
				if r.Method == http.MethodGet && r.URL.Path == "/public/members" {
					select {
					case <-hangs:
					case <-r.Context().Done():
					}
				}
				return nil
			}
			listed := make(chan answer, 1)
			if beside {
				go func() { listed <- g.do(t, "GET", "/Users?filter=displayName+co+%22x%22", "") }()
				synctest.Wait()
			}
			began := time.Now()
			g.must(t, 200, "PATCH", "/Users/"+id, patchOp(disable))
			if took := time.Since(began); b.member(t, id)["status"] != -1 || took > countPatience {
				t.Errorf("beside another request %v: after %v the member is %v", beside, took, b.member(t, id))
			}
			close(hangs)
			if beside {
				if a := <-listed; a.status != 200 {
					t.Errorf("the other request: %d %v", a.status, a.err)
				}
			}
		})
	}
}
