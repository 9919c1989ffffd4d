package provision

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddy-scim/gateway/module/dryrun"
	"github.com/caddy-scim/gateway/module/upstream"
)

// rehearsing is onBitwarden in a dry run, whose calls fail the test if one is made that changes something.
func rehearsing(t *testing.T) (*gateway, *bitwarden, *dryrun.Run) {
	t.Helper()
	run, b := dryrun.New(time.Now()), newBitwarden()
	return gatewayOf(t, &Organization{Mapping: bitwardenMapping()}, gated{b, run}, sharedBy(run.Seat("org"), run)), b, run
}

// gated is an organization of which a dry run keeps everything back that would change it.
type gated struct {
	*bitwarden
	run *dryrun.Run
}

func (g gated) Do(ctx context.Context, call upstream.Call) (*upstream.Answer, error) {
	if err := g.run.Gate(call); err != nil {
		return nil, err
	}
	return g.bitwarden.Do(ctx, call)
}

// What a dry run imagines is bounded, and it says so: what there is no room for is answered 503, as what takes access away, and
// never as if it was done.
func TestDryRunIsBounded(t *testing.T) {
	g, b, run := rehearsing(t)
	ada := g.must(t, 201, "POST", "/Users", user("ada@example.com", "a")).id()
	team := g.must(t, 201, "POST", "/Groups", `{"displayName":"Team"}`).id()
	room := 1
	for run.Imagine(1) == nil {
		room++
	}
	if f := run.Findings(); room < 1000 || !f.Full || !strings.Contains(f.Text(), dryrun.Filled) {
		t.Errorf("after %d: %+v", room, f)
	}
	for _, c := range []struct{ method, path, body string }{
		{"POST", "/Users", user("ben@example.com", "b")},
		{"POST", "/Groups", `{"displayName":"Other"}`},
		{"PATCH", "/Groups/" + team, memberOps("add", ada)},
		{"PATCH", "/Users/" + ada, patchOp(`{"op":"replace","path":"externalId","value":"x"}`)},
	} {
		if a := g.must(t, 503, c.method, c.path, c.body); a.err.RetryAfter == 0 || !strings.Contains(a.err.Detail, "as much as it can hold") {
			t.Errorf("%s %s: %v", c.method, c.path, a.err)
		}
	}
	if found := g.find(t, "Users", `userName eq "ada@example.com"`); len(found) != 1 || found[0] != ada {
		t.Errorf("what was imagined before is found as %v", found)
	}
	for _, call := range b.calls {
		if !strings.HasPrefix(call, http.MethodGet) && !strings.HasSuffix(call, "/token") {
			t.Errorf("the dry run has made %s", call)
		}
	}
}
