package integration

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-scim/gateway/integration/entra"
)

// people creates users who are active, and returns their ids.
func people(t *testing.T, c *entra.Client, n int) []string {
	t.Helper()
	ids := make([]string, n)
	for i := range n {
		r, err := c.Create(entra.User{UserName: fmt.Sprintf("p%04d@example.com", i), ExternalID: fmt.Sprint("x", i)})
		if err != nil || r.Status != 201 {
			t.Fatalf("creating %d: %v %v", i, r, err)
		}
		ids[i] = r.ID()
	}
	return ids
}

// disableAll asks for the deactivation of all, as after a wrong scoping filter, and returns how many were.
func disableAll(t *testing.T, c *entra.Client, ids []string) (done int) {
	t.Helper()
	for _, id := range ids {
		r, err := c.SetActive(id, false)
		switch {
		case err != nil:
			t.Fatal(err)
		case r.Status == 200:
			done++
		case r.Status != 503 || r.Header.Get("Retry-After") == "" || !strings.Contains(r.String("detail"), "caddy scim guard release"):
			t.Fatalf("held with %d %s", r.Status, r.Raw)
		}
	}
	return done
}

func active(t *testing.T, c *entra.Client) int {
	t.Helper()
	r, err := c.Do("GET", "/Users?filter=active+eq+true&count=0", nil)
	if err != nil || r.Status != 200 {
		t.Fatalf("%v %v", r, err)
	}
	return r.Total()
}

// One wrong scoping filter takes everybody's access away: at most the limit lose it, everything else goes on, a real leaver
// is let go by name, and the rest when an operator says so; over a restart of the gateway.
func TestGuard(t *testing.T) {
	s := startOperated(t, gateway("", `organization acme
		guard {
			protect userName break-glass-*
		}
		`+bitwarden)+organization)
	c := s.entra("/scim")
	ids := people(t, c, 60)
	r, err := c.Create(entra.User{UserName: "break-glass-1@example.com", ExternalID: "bg"})
	if err != nil || r.Status != 201 {
		t.Fatalf("%v %v", r, err)
	}
	safe := r.ID()
	for what, answer := range map[string]func() (*entra.Response, error){
		"disabled": func() (*entra.Response, error) { return c.SetActive(safe, false) },
		"deleted":  func() (*entra.Response, error) { return c.Delete("/Users", safe) },
		"renamed": func() (*entra.Response, error) {
			return c.Replace("/Users", safe, map[string]any{"userName": "p@example.com"})
		},
	} {
		if r, err := answer(); err != nil || r.Status != 403 || !strings.Contains(r.String("detail"), "protect userName break-glass-*") {
			t.Errorf("who is protected was %s: %d %s, %v", what, r.Status, r.Raw, err)
		}
	}

	const limit = 13 // a fifth of the 62 members, with the owner, rounded up
	if n := disableAll(t, c, ids); n != limit {
		t.Fatalf("%d of 60 lost their access, the limit is %d", n, limit)
	}
	if n := active(t, c); n != 62-limit {
		t.Errorf("%d are active", n)
	}
	if r, err := c.Create(entra.User{UserName: "joiner@example.com", ExternalID: "j"}); err != nil || r.Status != 201 {
		t.Errorf("a joiner is held: %v %v", r, err)
	}
	s.move(gateway("", "organization acme\n"+bitwarden) + organization)
	c = s.entra("/scim")
	if n := disableAll(t, c, ids[limit:]); n != 0 {
		t.Errorf("%d more lost their access after a reload", n)
	}
	out := s.must("guard", "status")
	if !strings.Contains(out, "disables         13 of 13 within 1h, TRIPPED since") || strings.Count(out, "held since") != 47 || !strings.Contains(out, "p0059@example.com") {
		t.Errorf("status:\n%s", out)
	}
	if out := s.must("status"); !strings.Contains(out, "the guard holds 47 disables") {
		t.Errorf("status:\n%s", out)
	}
	s.must("guard", "release", "--subject", "p0059@example.com")
	if n := disableAll(t, c, ids[limit:]); n != 1 {
		t.Errorf("%d lost their access, of whom one was let go", n)
	}
	if out, err := s.scim("guard", "release", "--subject", "p0059@example.com", "--once", "1"); err == nil {
		t.Errorf("two ways at once: %s", out)
	}
	if _, err := s.scim("guard", "release", "--subject", "nobody@example.com"); err == nil || !strings.Contains(err.Error(), "nobody of that name is held") {
		t.Errorf("nobody was released: %v", err)
	}
	s.must("guard", "release")
	if n := disableAll(t, c, ids[limit:59]); n != 46 {
		t.Errorf("%d of the rest followed", n)
	}
	if strings.Contains(s.logs(), "p0059@example.com") || !strings.Contains(s.logs(), "the guard has tripped") {
		t.Error("the log names somebody, or does not say that the guard has tripped")
	}
}

// What was counted just before the gateway is stopped counts when it is started again.
func TestGuardOverAStop(t *testing.T) {
	site := gateway("", "organization acme\nguard {\n\tdisables 5 per 1h\n}\n"+bitwarden) + organization
	s := start(t, site)
	c := s.entra("/scim")
	ids := people(t, c, 10)
	if n := disableAll(t, c, ids[:5]); n != 5 {
		t.Fatalf("%d of 5 lost their access", n)
	}
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	s.load(site)
	if n := disableAll(t, s.entra("/scim"), ids[5:]); n != 0 {
		t.Errorf("%d more lost their access after the stop, the limit was reached before", n)
	}
}

// In front of a SCIM server the guard goes by what the requests say.
func TestGuardOfSCIMServer(t *testing.T) {
	rec := newRecorder(t)
	rec.take(func(w http.ResponseWriter, _ *http.Request, _ []byte) { w.WriteHeader(http.StatusNoContent) })
	s := start(t, gateway(rec.Listener.Addr().String(), `guard {
			disables 10 per 1h
			member_removals 10 per 1h
			on_trip refuse
		}`))
	c := s.entra("/scim")
	refused := 0
	for i := range 20 {
		for range 2 { // whoever is asked for twice counts once
			r, err := c.SetActive(fmt.Sprint("u", i), false)
			if err != nil {
				t.Fatal(err)
			}
			if r.Status == 403 {
				refused++
			}
		}
	}
	if refused != 20 {
		t.Errorf("%d of 40 were refused, want 20", refused)
	}
	all := make([]string, 11)
	for i := range all {
		all[i] = fmt.Sprint("u", i)
	}
	if r, err := c.RemoveMembers("g", all...); err != nil || r.Status != 403 {
		t.Errorf("eleven removals at once: %v %v", r, err)
	}
	if r, err := c.RemoveMembers("g", all[:3]...); err != nil || r.Status != 403 {
		t.Errorf("a guard that has tripped lets three go: %v %v", r, err)
	}
}
