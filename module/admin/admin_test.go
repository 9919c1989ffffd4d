package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/spf13/cobra"
)

// testApp registers parts as a gateway does.
type testApp struct{}

var (
	testParts      []Part
	errStartOfPart error
)

func init() { caddy.RegisterModule(testApp{}) }

func (testApp) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "admin_test", New: func() caddy.Module { return new(testApp) }}
}

func (testApp) Provision(ctx caddy.Context) error {
	for _, p := range testParts {
		if err := Register(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

func (testApp) Start() error { return errStartOfPart }
func (testApp) Stop() error  { return nil }

// load runs Caddy with the parts, and returns the address of its admin API.
func load(t *testing.T, parts ...Part) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	testParts = parts
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	if err := caddy.Load([]byte(configAt(address)), true); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = caddy.Stop() })
	return address
}

func configAt(address string) string {
	return fmt.Sprintf(`{"admin":{"listen":%q,"config":{"persist":false}},"apps":{"admin_test":{}}}`, address)
}

// caddyScim runs "caddy scim" with the arguments given.
func caddyScim(t *testing.T, args ...string) (string, error) {
	t.Helper()
	root := &cobra.Command{Use: "scim", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(Commands()...)
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(args)
	err := root.Execute()
	return out.String(), err
}

func part(name, organization string) Part {
	return Part{
		Name: name, Organization: organization,
		Status: func(context.Context) (any, error) {
			return map[string]any{"who": organization + "\x1b[2J", "problems": []string{"look at " + organization}}, nil
		},
		Actions: map[string]Action{
			"echo": func(_ context.Context, body json.RawMessage) (any, error) { return map[string]any{"said": body}, nil },
			"fail": func(context.Context, json.RawMessage) (any, error) {
				return nil, fmt.Errorf("outside: %w", Conflict("it is there already"))
			},
		},
	}
}

func TestStatusAndActions(t *testing.T) {
	broken := Part{Name: "lease", Organization: "acme", Status: func(context.Context) (any, error) { return nil, errors.New("no storage") }}
	address := load(t, part("keys", "globex"), part("keys", "acme"), part("keys", "acme"), broken, part("log", ""))

	out, err := caddyScim(t, "status", "--address", address)
	if err != nil {
		t.Fatal(err)
	}
	const want = `log:
  problems:
    - look at 
  who: "\x1b[2J"
organizations:
  - name: acme
    keys:
      problems:
        - look at acme
      who: "acme\x1b[2J"
    lease:
      problems:
        - no storage
  - name: globex
    keys:
      problems:
        - look at globex
      who: "globex\x1b[2J"
`
	if out != want {
		t.Errorf("got\n%s\nwant\n%s", out, want)
	}
	if out, err := caddyScim(t, "status", "--address", address, "-o", "nobody"); err == nil || !strings.Contains(err.Error(), `no organization "nobody"`) {
		t.Errorf("got %v, %s", err, out)
	}

	c := &Client{Organization: "acme", address: address}
	var answer struct{ Said map[string]int }
	if err := c.Do("keys", "echo", map[string]int{"n": 7}, &answer); err != nil || answer.Said["n"] != 7 {
		t.Errorf("got %v, %v", answer, err)
	}
	if err := c.Do("keys", "fail", nil, nil); err == nil || err.Error() != "it is there already" {
		t.Errorf("got %v", err)
	}
	if err := c.Do("keys", "fly", nil, nil); err == nil || err.Error() != `keys cannot "fly"` {
		t.Errorf("got %v", err)
	}
	c.Organization = ""
	if err := c.Do("keys", "echo", nil, nil); err == nil || err.Error() != "say for which organization; there are: acme, globex" {
		t.Errorf("got %v", err)
	}
	if err := c.Do("log", "echo", nil, nil); err != nil {
		t.Errorf("what belongs to the process: %v", err)
	}
	if err := c.Do("lease", "echo", nil, nil); err == nil || err.Error() != `lease cannot "echo"` {
		t.Errorf("the only one: %v", err)
	}
}

// TestRefused: what a page of another site could send, and what is no JSON.
func TestRefused(t *testing.T) {
	address := load(t, part("keys", "acme"))
	for name, tt := range map[string]struct {
		method, path, media, origin, body string
		status                            int
	}{
		"good":             {"POST", "keys/echo", "application/json", "", "{}", 200},
		"a form":           {"POST", "keys/echo", "text/plain", "", "{}", 415},
		"no type":          {"POST", "keys/echo", "", "", "{}", 415},
		"no JSON":          {"POST", "keys/echo", "application/json", "", "{", 400},
		"too large":        {"POST", "keys/echo", "application/json", "", `"` + strings.Repeat("x", maxBody) + `"`, 400},
		"action by GET":    {"GET", "keys/echo", "", "", "", 405},
		"status by POST":   {"POST", "status", "application/json", "", "{}", 405},
		"foreign origin":   {"POST", "keys/echo", "application/json", "https://evil.example", "{}", 403},
		"nothing there":    {"GET", "guard", "", "", "", 404},
		"no such":          {"GET", "keys?organization=globex", "", "", "", 404},
		"empty is no name": {"GET", "keys?organization=", "", "", "", 404},
	} {
		r, err := http.NewRequest(tt.method, "http://"+address+prefix+tt.path, strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		if tt.media != "" {
			r.Header.Set("Content-Type", tt.media)
		}
		if tt.origin != "" {
			r.Header.Set("Origin", tt.origin)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if res.StatusCode != tt.status {
			t.Errorf("%s: %d %s, want %d", name, res.StatusCode, text, tt.status)
		}
	}
}

func TestNear(t *testing.T) {
	for _, tt := range []struct {
		remote, origin string
		near           bool
	}{
		{"127.0.0.1:4000", "", true},
		{"[::1]:4000", "", true},
		{"[::ffff:127.0.0.1]:4000", "", true},
		{"192.0.2.1:4000", "", false},
		{"192.0.2.1:4000", "http://scim.example:2019", true}, // origins names it
		{"192.0.2.1:4000", "http://:2019", false},            // what Caddy allows on ":2019" by itself
		{"192.0.2.1:4000", "http://0.0.0.0:2019", false},
		{"192.0.2.1:4000", "http://[::]:2019", false},
		{"nonsense", "", false},
	} {
		r := httptest.NewRequest(http.MethodGet, prefix+"status", nil)
		r.RemoteAddr = tt.remote
		w := httptest.NewRecorder()
		w.Header().Set("Access-Control-Allow-Origin", tt.origin) // Caddy has checked it
		if got := near(w, r); got != tt.near {
			t.Errorf("%s %s: %v", tt.remote, tt.origin, got)
		}
		if tt.near {
			continue
		}
		if e, ok := errors.AsType[caddy.APIError](serve(w, r)); !ok || e.HTTPStatus != http.StatusForbidden {
			t.Errorf("%s: %v", tt.remote, e)
		}
	}
}

// TestOnlyTheRunningConfiguration: parts are started and stopped with the configuration that serves, and one that fails to
// load is never asked.
func TestOnlyTheRunningConfiguration(t *testing.T) {
	var events []string
	watched := func(name string) Part {
		return Part{
			Name: "lease", Organization: name,
			Start: func() error { events = append(events, "start "+name); return nil },
			Stop:  func() { events = append(events, "stop "+name) },
		}
	}
	address := load(t, watched("first"))
	errStartOfPart = errors.New("no")
	testParts = []Part{watched("second")}
	err := caddy.Load([]byte(configAt(address)), true)
	errStartOfPart = nil
	if err == nil {
		t.Fatal("it was loaded")
	}
	out, err := caddyScim(t, "status", "--address", address)
	for range 200 { // Caddy hands its admin API back in the background
		if err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
		out, err = caddyScim(t, "status", "--address", address)
	}
	if err != nil || !strings.Contains(out, "first") || strings.Contains(out, "second") {
		t.Errorf("got %v, %s", err, out)
	}
	var still []string
	for _, e := range events {
		if strings.HasSuffix(e, "first") {
			still = append(still, e)
		}
	}
	if fmt.Sprint(still) != "[start first]" {
		t.Errorf("got %v", events)
	}
	if n := len(events); n == 3 && events[2] != "stop second" || n == 2 {
		t.Errorf("what was started is not stopped: %v", events)
	}
	if err := caddy.Stop(); err != nil || events[len(events)-1] != "stop first" {
		t.Errorf("got %v, %v", err, events)
	}
}
