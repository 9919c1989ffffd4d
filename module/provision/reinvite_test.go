package provision

import (
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-scim/gateway/module/upstream"
)

// Who does not accept is invited again, once for each age that is set, and only when the provider asks for the user.
func TestReinvite(t *testing.T) {
	g, b := onBitwarden(t, func(o *Organization) { o.ReinviteAfter = caddy.Duration(24 * time.Hour) })
	now := g.clock
	id := g.people(t, "jane")[0]
	again := func() int {
		return len(slices.DeleteFunc(b.took(), func(c string) bool { return c != "POST /public/members/"+id+"/reinvite" }))
	}
	ask := func() {
		g.must(t, 200, "GET", "/Users/"+id, "")
		g.find(t, "Users", `userName eq "jane@example.com"`)
		g.must(t, 200, "PATCH", "/Users/"+id, patchOp(enable))
	}
	ask()
	now.t = now.t.Add(23 * time.Hour)
	ask()
	if n := again(); n > 0 {
		t.Errorf("invited %d times too early", n)
	}
	now.t = now.t.Add(2 * time.Hour)
	ask()
	ask()
	if n := again(); n != 1 {
		t.Errorf("invited again %d times", n)
	}
	now.t = now.t.Add(25 * time.Hour)
	b.fault = func(r *http.Request) *upstream.Answer {
		if strings.HasSuffix(r.URL.Path, "/reinvite") {
			return &upstream.Answer{Status: 500, Header: http.Header{}}
		}
		return nil
	}
	ask() // what the provider asked for is answered all the same
	if n := again(); n != 1 {
		t.Errorf("invited again %d times", n)
	}
	b.fault = nil
	b.member(t, id)["status"] = 2
	g.must(t, 200, "GET", "/Users/"+id, "")
	now.t = now.t.Add(1000 * time.Hour)
	ask()
	if n := again(); n > 0 {
		t.Errorf("a confirmed member was invited %d times", n)
	}
}

// A request that looks at a user while another one changes the user must not make the one forget what the other did:
// nobody is invited twice because a record was written back as it had been read.
func TestReinviteBesideAChange(t *testing.T) {
	synctest.Test(t, reinviteBesideAChange)
}

func reinviteBesideAChange(t *testing.T) {
	g, b := onBitwarden(t, func(o *Organization) {
		o.ReinviteAfter, o.Ledger.Store = caddy.Duration(24*time.Hour), []string{"title"}
	})
	now := g.clock
	id := g.people(t, "jane")[0]
	now.t = now.t.Add(25 * time.Hour)
	b.took()
	looked := make(chan struct{})
	var began atomic.Bool
	b.fault = func(r *http.Request) *upstream.Answer {
		if began.CompareAndSwap(false, true) { // the change has read the record, and now reads the member
			go func() {
				defer close(looked)
				g.do(t, "GET", "/Users/"+id, "")
			}()
			synctest.Wait() // for the user's lock
		}
		return nil
	}
	g.must(t, 200, "PATCH", "/Users/"+id, patchOp(`{"op":"replace","path":"title","value":"Dr"}`))
	<-looked
	a := g.must(t, 200, "GET", "/Users/"+id, "")
	n := len(slices.DeleteFunc(b.took(), func(c string) bool { return c != "POST /public/members/"+id+"/reinvite" }))
	if n != 1 || a.body["title"] != "Dr" {
		t.Errorf("invited again %d times; title %v", n, a.body["title"])
	}
}
