package provision

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddy-scim/gateway/module/guard"
	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/module/upstream"
)

// told makes a request and returns its answer, and what was decided and changed: "linked 7 userName, existing link".
func (g *gateway) told(t *testing.T, method, target, body string) (answer, string) {
	t.Helper()
	tr, before := new(trace.Trace), g.ctx
	g.ctx = trace.With(before, tr)
	defer func() { g.ctx = before }()
	a := g.do(t, method, target, body)
	return a, words(tr)
}

func words(tr *trace.Trace) string {
	var all []string
	for _, n := range tr.Notes() {
		text := string(n.Kind) + " " + n.ID
		for _, more := range []string{n.Group, n.Because, n.Value} {
			if more != "" {
				text += " " + more
			}
		}
		all = append(all, text)
	}
	return strings.Join(all, "; ")
}

// byHand puts a member into the organization whom no provider has made.
func (b *bitwarden) byHand(email string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	id := b.memberID(email)
	b.members = append(b.members, map[string]any{"id": id, "email": email, "name": "", "externalId": nil, "status": 2, "type": 2})
	return id
}

// What is decided and what is changed is said where it happens, of whom, and why.
func TestDecided(t *testing.T) {
	g, b := onBitwarden(t, func(o *Organization) { o.Existing = ExistingLink })
	core, logs := observer.New(zapcore.InfoLevel)
	g.log = zap.New(core)
	is := func(want, method, target, body string) answer {
		t.Helper()
		a, got := g.told(t, method, target, body)
		want = strings.NewReplacer("ID", a.id()).Replace(want)
		if got != want {
			t.Errorf("%s %s %s: %d %v\n got %s\nwant %s", method, target, body, a.status, a.err, got, want)
		}
		return a
	}
	bob := b.byHand("bob@example.com")
	cy := b.byHand("cy@example.com")

	jane := is("invited ID", "POST", "/Users", user("jane@example.com", "jane")).id()
	is("revoked "+jane, "PATCH", "/Users/"+jane, patchOp(disable))
	is("unchanged "+jane, "PATCH", "/Users/"+jane, patchOp(disable))
	is("restored "+jane, "PATCH", "/Users/"+jane, patchOp(enable))
	is("linked "+bob+" userName, existing link bob@example.com", "POST", "/Users", user("bob@example.com", "bob"))
	is("linked "+cy+" the provider's first change", "PATCH", "/Users/"+cy, patchOp(`{"op":"replace","path":"externalId","value":"cy"}`))
	is("", "PATCH", "/Users/"+cy, patchOp(`{"op":"replace","path":"externalId","value":"cy2"}`))

	later := is("waiting ID", "POST", "/Users", inactive("later@example.com", "later")).id()
	group := is("group_created ID; member_added "+jane+" ID; waiting "+later+" ID", "POST", "/Groups",
		`{"displayName":"Sales","externalId":"s","members":[{"value":"`+jane+`"},{"value":"`+later+`"}]}`).id()
	is("unchanged "+group, "PATCH", "/Groups/"+group, memberOps("add", jane))
	is("invited "+later+"; member_added "+later+" "+group, "PATCH", "/Users/"+later, patchOp(enable))
	is("group_renamed "+group+"; member_removed "+jane+" "+group, "PATCH", "/Groups/"+group,
		patchOp(`{"op":"replace","path":"displayName","value":"Sellers"}`, `{"op":"remove","path":"members[value eq \"`+jane+`\"]"}`))
	is("group_changed "+group, "PATCH", "/Groups/"+group, patchOp(`{"op":"replace","path":"externalId","value":"s2"}`))
	is("linked "+group+" displayName, existing link Sellers; member_added "+bob+" "+group, "POST", "/Groups",
		`{"displayName":"Sellers","externalId":"s3","members":[{"value":"`+bob+`"}]}`)
	is("group_removed "+group, "DELETE", "/Groups/"+group, "")
	is("removed "+jane, "DELETE", "/Users/"+jane, "")

	b.member(t, cy)["type"] = 0
	g.seen.users.Expire()
	is("protected "+cy+" mapping", "DELETE", "/Users/"+cy, "")
	is("protected "+cy+" mapping", "POST", "/Users", user("cy@example.com", "cy3"))

	// The log says the same of a link, and shows nobody's address.
	lines := logs.FilterMessage("a member who was there is linked to the provider's user").All()
	if len(lines) != 2 {
		t.Fatalf("%d lines about links", len(lines))
	}
	fields := lines[0].ContextMap()
	if fields["id"] != bob || fields["matched"] != "userName" || fields["policy"] != "existing link" || len(fields["value_hash"].(string)) < 8 {
		t.Errorf("the line about a link: %v", fields)
	}
	for _, e := range logs.All() {
		if text, _ := json.Marshal(e.ContextMap()); strings.Contains(string(text)+e.Message, "@example.com") {
			t.Errorf("the log shows an address: %s %s", e.Message, text)
		}
	}
}

// An organization that says yes and does nothing has changed nothing.
func TestDecidedIsShown(t *testing.T) {
	g, b := onBitwarden(t, nil)
	u := g.people(t, "a", "b")
	yes := func(method, suffix string) func(*http.Request) *upstream.Answer {
		return func(r *http.Request) *upstream.Answer {
			if r.Method != method || !strings.HasSuffix(r.URL.Path, suffix) {
				return nil
			}
			return &upstream.Answer{Status: 200, Header: http.Header{}}
		}
	}
	b.fault = yes("POST", "/revoke")
	if a, got := g.told(t, "PATCH", "/Users/"+u[0], patchOp(disable)); got != "" || a.status != 502 {
		t.Errorf("%d: %s", a.status, got)
	}
	b.fault = yes("DELETE", "")
	if a, got := g.told(t, "DELETE", "/Users/"+u[0], ""); got != "" || a.status != 502 {
		t.Errorf("%d: %s", a.status, got)
	}
	b.fault = nil
	m := bitwardenMapping()
	styles["one by one"](m.Group)
	g, b = onBitwarden(t, func(o *Organization) { o.Mapping = m })
	u = g.people(t, "a", "b", "c")
	group := g.makeGroup(t, "Sales", u...)
	calls := 0
	b.fault = func(r *http.Request) *upstream.Answer {
		if r.Method != http.MethodDelete {
			return nil
		}
		if calls++; calls == 1 {
			return nil
		}
		return page(502)
	}
	if a, got := g.told(t, "PATCH", "/Groups/"+group, memberOps("remove", u...)); got != "member_removed "+u[0]+" "+group || a.status != 502 {
		t.Errorf("%d: %s", a.status, got)
	}
}

// Whom the guard holds is said of each of them.
func TestDecidedByGuard(t *testing.T) {
	g, _ := onBitwarden(t, nil)
	u := g.people(t, "a", "b", "c")
	open := &guard.Open{Guard: guard.New(guard.Config{Floor: 1, Disables: &guard.Limit{Max: 1, Per: caddy.Duration(time.Hour)}}, time.Now)}
	g.guard = open
	g.must(t, 200, "PATCH", "/Users/"+u[0], patchOp(disable))
	if a, got := g.told(t, "PATCH", "/Users/"+u[1], patchOp(disable)); got != "guarded "+u[1]+" disables" || a.status != 503 {
		t.Errorf("%d: %s", a.status, got)
	}
}

// What is found out beside all requests is told too.
func TestDecidedBesideRequests(t *testing.T) {
	g, b := onBitwarden(t, nil)
	losing(b)
	if a := g.do(t, "POST", "/Users", user("jane@example.com", "jane")); a.status < 500 {
		t.Fatalf("got %d", a.status)
	}
	b.after = nil
	var got []string
	g.settled = func(resource string, told *trace.Trace) { got = append(got, resource+": "+words(told)) }
	g.clock.t = g.clock.t.Add(2 * g.settleAfter())
	g.settleAll(context.Background(), g.caller)
	id := b.members[0]["id"].(string)
	if want := []string{"User: invited " + id + "; adopted " + id + " a call whose answer was lost"}; !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}
