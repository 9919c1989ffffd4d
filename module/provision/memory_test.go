package provision

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// However many users wait, one more costs the same, and so does a look at anybody.
func TestWaitingUsersCostNothingMore(t *testing.T) {
	g, _, s := remembering(t, nil)
	n := 0
	someone := func() {
		n++
		name := fmt.Sprintf("p%d@example.com", n)
		if ids := g.find(t, "Users", `userName eq "`+name+`"`); len(ids) > 0 {
			t.Fatalf("found %v", ids)
		}
		id := g.must(t, 201, "POST", "/Users", inactive(name, name)).id()
		if ids := g.find(t, "Users", `userName eq "`+name+`"`); !cmp.Equal(ids, []string{id}) {
			t.Fatalf("found %v", ids)
		}
	}
	cost := func() int {
		s.Took()
		someone()
		return len(s.Took())
	}
	someone()
	first := cost()
	for range 100 {
		someone()
	}
	if last := cost(); last > first {
		t.Errorf("%d calls of the storage for the second one, %d for one more after a hundred", first, last)
	}
}

// troubles are what may be wrong with the storage, seen by a gateway that has not read anything yet.
func troubles(t *testing.T, f func(t *testing.T, g *gateway, b *bitwarden, ids []string, name string)) {
	for _, name := range []string{"unreachable", "silent"} {
		t.Run(name, func(t *testing.T) {
			before, b, s := remembering(t, nil)
			ids := before.people(t, "jane", "bob")
			g := before.restarted(t, s)
			g.impatient()
			if name == "silent" {
				t.Cleanup(s.Hang())
			} else {
				s.Fail()
			}
			b.took()
			f(t, g, b, ids, name)
		})
	}
}

// Who is to lose access loses it while the ledger cannot be read. Nobody is told that somebody is gone of whom only the
// ledger could know, nobody is invited twice, and everything else comes later.
func TestLedgerUnreadable(t *testing.T) {
	troubles(t, func(t *testing.T, g *gateway, b *bitwarden, ids []string, _ string) {
		for _, req := range []struct{ method, target, body string }{
			{"GET", "/Users/" + ids[0], ""},
			{"GET", "/Users", ""},
			{"POST", "/Users", user("x@corp.example", "x")},
			{"PATCH", "/Users/" + ids[0], patchOp(`{"op":"replace","path":"externalId","value":"y"}`)},
			{"PATCH", "/Users/" + ids[0], patchOp(enable)},
			{"PATCH", "/Users/nobody", patchOp(disable)},
			{"DELETE", "/Users/nobody", ""},
			{"POST", "/Groups", `{"displayName":"Sales"}`},
		} {
			a := g.do(t, req.method, req.target, req.body)
			if a.status != 503 || a.err.RetryAfter == 0 || !strings.Contains(a.err.Detail, "memory") || a.err.NoAccess {
				t.Errorf("%s %s: %d %+v", req.method, req.target, a.status, a.err)
			}
		}
		if len(b.members) != 2 || b.member(t, ids[0])["status"] != 0 {
			t.Fatalf("members %v", b.members)
		}
		if a := g.must(t, 200, "PATCH", "/Users/"+ids[0], patchOp(disable)); a.body["active"] != false || b.member(t, ids[0])["status"] != -1 {
			t.Errorf("got %v, member %v", a.body, b.member(t, ids[0]))
		}
		if g.must(t, 204, "DELETE", "/Users/"+ids[1], ""); b.member(t, ids[1]) != nil {
			t.Errorf("members %v", b.members)
		}
	})
}

// Of a change that does more than deactivate, the deactivation is carried out, and the rest is refused; that is no alarm.
func TestLedgerUnreadableAndMore(t *testing.T) {
	troubles(t, func(t *testing.T, g *gateway, b *bitwarden, ids []string, _ string) {
		a := g.must(t, 503, "PATCH", "/Users/"+ids[0], patchOp(disable, `{"op":"replace","path":"externalId","value":"y"}`))
		if m := b.member(t, ids[0]); m["status"] != -1 || m["externalId"] != "jane" || !a.err.NoAccess {
			t.Errorf("member %v, answer %+v", m, a.err)
		}
	})
}

// A storage that takes nothing keeps nobody in, and what it should have taken is not forgotten.
func TestLedgerFull(t *testing.T) {
	g, b, s := remembering(t, func(o *Organization) { o.Delete = DeleteRevoke })
	ids := g.people(t, "jane", "bob", "eve")
	waits := g.must(t, 201, "POST", "/Users", inactive("late@example.com", "late")).id()
	s.Fail("store", "delete")
	g.must(t, 200, "PATCH", "/Users/"+ids[0], patchOp(disable))
	g.must(t, 204, "DELETE", "/Users/"+ids[1], "")
	g.must(t, 204, "DELETE", "/Users/"+waits, "")
	if b.member(t, ids[0])["status"] != -1 || b.member(t, ids[1])["status"] != -1 {
		t.Errorf("members %v", b.members)
	}
	// Who has not been written down does not exist.
	g.must(t, 503, "POST", "/Users", inactive("new@example.com", "new"))
	for _, id := range []string{ids[1], waits} {
		g.must(t, 404, "GET", "/Users/"+id, "")
	}
	s.Heal()
	if err := g.shared.ledger.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, g := range []*gateway{g, g.restarted(t, s)} {
		for _, id := range []string{ids[1], waits} {
			g.must(t, 404, "GET", "/Users/"+id, "")
		}
		if got := g.find(t, "Users", `userName sw ""`); !cmp.Equal(len(got), 2) {
			t.Errorf("found %v", got)
		}
	}
}

// A record that is damaged is lost for everybody who asks: nobody is found who cannot be read, or refused because of them.
func TestDamagedRecord(t *testing.T) {
	before, b, s := remembering(t, nil)
	id := before.must(t, 201, "POST", "/Users", inactive("jane@example.com", "jane")).id()
	for name, g := range map[string]*gateway{"after a restart": before.restarted(t, s), "after another took over": before} {
		s.Damage("/records/")
		g.shared.forget()
		if ids := g.find(t, "Users", `userName eq "jane@example.com"`); len(ids) > 0 {
			t.Errorf("%s: found %v", name, ids)
		}
		g.must(t, 404, "GET", "/Users/"+id, "")
		g.must(t, 404, "PATCH", "/Users/"+id, patchOp(enable))
		if a := g.do(t, "GET", "/Users", ""); a.body["totalResults"] != float64(0) {
			t.Errorf("%s: %v", name, a.body)
		}
		id = g.must(t, 201, "POST", "/Users", inactive("jane@example.com", "jane")).id()
	}
	if len(b.members) > 0 {
		t.Errorf("members %v", b.members)
	}
}

// Who takes over knows what the one before has done.
func TestTakeOver(t *testing.T) {
	g, b, s := remembering(t, nil)
	other := g.restarted(t, s)
	for _, gw := range []*gateway{g, other} {
		gw.must(t, 200, "GET", "/Users", "")
		gw.must(t, 200, "GET", "/Groups", "")
	}
	id := g.must(t, 201, "POST", "/Users", inactive("jane@example.com", "jane")).id()
	other.shared.forget()
	if a := other.do(t, "POST", "/Users", user("jane@example.com", "jane")); a.status != 409 {
		t.Errorf("got %d", a.status)
	}
	group := other.makeGroup(t, "Sales", id)
	g.shared.forget()
	if a := g.do(t, "POST", "/Groups", `{"displayName":"Sales"}`); a.status != 409 {
		t.Errorf("got %d", a.status)
	}
	g.must(t, 200, "PATCH", "/Users/"+id, patchOp(enable))
	if got := b.membersOf(group); len(got) != 1 {
		t.Errorf("members %v", got)
	}
	other.shared.forget()
	other.must(t, 200, "PATCH", "/Groups/"+group, memberOps("remove", id))
	if got := b.membersOf(group); len(got) > 0 {
		t.Errorf("members %v", got)
	}
}

// A request whose client has gone asks nothing of the organization; who is to lose access loses it all the same.
func TestClientGone(t *testing.T) {
	g, b, _ := remembering(t, nil)
	ids := g.people(t, "jane", "bob")
	b.took()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	g.ctx = ctx
	if a := g.do(t, "POST", "/Users", user("new@example.com", "new")); a.status < 400 || len(b.took()) > 0 {
		t.Errorf("got %d", a.status)
	}
	g.must(t, 200, "PATCH", "/Users/"+ids[0], patchOp(disable))
	g.must(t, 204, "DELETE", "/Users/"+ids[1], "")
	if len(b.members) != 1 || b.member(t, ids[0])["status"] != -1 {
		t.Errorf("members %v", b.members)
	}
}

// A client that goes away in the middle of a change leaves no half of it.
func TestClientGoesInTheMiddle(t *testing.T) {
	g, b, _ := remembering(t, nil)
	u := g.people(t, "jane")
	ctx, cancel := context.WithCancel(t.Context())
	b.onCall = func(call string) {
		if strings.HasPrefix(call, "POST /public/members") {
			cancel()
		}
	}
	g.ctx = ctx
	a := g.do(t, "POST", "/Users", user("New@example.com", "new"))
	g.ctx = t.Context()
	if ids := g.find(t, "Users", `userName eq "New@example.com"`); len(ids) != 1 || len(b.members) != 1+len(u) {
		t.Errorf("answered %d, found %v, members %v", a.status, ids, b.members)
	}
	if a := g.must(t, 200, "GET", "/Users", ""); a.body["totalResults"] != float64(2) {
		t.Errorf("got %v", a.body)
	}
}
