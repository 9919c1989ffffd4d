//go:build real

package integration

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/caddy-scim/gateway/integration/entra"
)

// TestJudges has every answer of the gateway judged by what other people have written about SCIM: scim2-models, which forbids what
// RFC 7643 does not define, and pydantic-scim. The answers are those of the acceptance scenarios, of Entra's cycle in front of a
// SCIM server, and of discovery.
func TestJudges(t *testing.T) {
	script, dir, _ := installReal(t, "judges")
	answers := &heard{seen: map[string]bool{}}
	watch = answers.through
	defer func() { watch = nil }()
	for _, p := range []*platform{onEmbedded, onVaultwarden, onGitea, onDesk} {
		t.Run(p.name, func(t *testing.T) {
			acceptance(t, p)
			discover(t, p.open(t, 1, nil)(t, 0).c.Read)
		})
	}
	t.Run("SCIM server", func(t *testing.T) {
		handler, users, groups := scimServer(t)
		upstream := httptest.NewServer(handler)
		defer upstream.Close()
		c := start(t, gateway(upstream.Listener.Addr().String(), "upstream scim /v2")).entra("/scim")
		cycle(t, c, scimBackend{users, groups})
		discover(t, c.Read)
	})
	judge := exec.Command(script, "judge", dir)
	judge.Stdin = &answers.lines
	var stderr strings.Builder
	judge.Stderr = &stderr
	complaints, err := judge.Output()
	if err != nil {
		t.Fatalf("the judges cannot judge: %v\n%s", err, tail(stderr.String()))
	}
	t.Log(stderr.String())
	if len(answers.seen) < 200 {
		t.Errorf("only %d different answers were heard", len(answers.seen))
	}
	if len(complaints) > 0 {
		t.Errorf("%s", complaints)
	}
}

// discover reads every discovery document.
func discover(t *testing.T, read func(endpoint, id string) (*entra.Response, error)) {
	t.Helper()
	get := func(endpoint, id string) *entra.Response {
		res, err := read(endpoint, id)
		if err != nil || res.Status != 200 {
			t.Fatalf("%s/%s: %v %s", endpoint, id, err, res.Raw)
		}
		return res
	}
	get("/ServiceProviderConfig", "")
	for _, endpoint := range []string{"/ResourceTypes", "/Schemas"} {
		list, _ := get(endpoint, "").Body["Resources"].([]any)
		for _, one := range list {
			get(endpoint, one.(map[string]any)["id"].(string))
		}
	}
}

// heard are the answers that came through a transport, one JSON object a line. Those that say the same are heard once.
type heard struct {
	mu    sync.Mutex
	seen  map[string]bool
	lines bytes.Buffer
}

func (h *heard) through(next http.RoundTripper) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		res, err := next.RoundTrip(r)
		if err != nil || res.Header.Get("Content-Type") != "application/scim+json" {
			return res, err
		}
		body, err := io.ReadAll(res.Body)
		if err != nil {
			return nil, err
		}
		_ = res.Body.Close()
		res.Body = io.NopCloser(bytes.NewReader(body))
		line, err := json.Marshal(map[string]any{"method": r.Method, "path": r.URL.RequestURI(), "status": res.StatusCode, "body": json.RawMessage(body)})
		if err != nil {
			return nil, err
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		if !h.seen[string(line)] {
			h.seen[string(line)] = true
			h.lines.Write(append(line, '\n'))
		}
		return res, nil
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// explained says of every check of scim2-tester that fails why it does, by the resource type, the check, and a part of what the
// tester says. What is not in the list must not fail, and what is must.
type explained []struct{ resource, check, says, why string }

var organizationExplained = explained{
	{"User", "check_add_attribute", "value for 'emails'", "the address is written by the invitation alone; it belongs to the person's account"},
	{"User", "check_add_attribute", "membership:2.0:User", "state is read only (RFC 7643 §2.2): the tester adds an extension of which nothing can be written"},
	{"User", "check_replace_attribute", "membership:2.0:User", "the same"},
	{"User", "check_remove_attribute", "membership:2.0:User", "the same"},
	{"User", "check_remove_attribute", "attribute 'active'", "a user without active would be neither in nor out: it is refused by decision"},
}

const noPathOfAURN = "the server's own parser knows no path that is the URN of an extension alone (RFC 7644 §3.10)"

var serverExplained = explained{
	{"User", "check_add_attribute", "extension:enterprise:2.0:User'", noPathOfAURN},
	{"User", "check_replace_attribute", "extension:enterprise:2.0:User'", noPathOfAURN},
	{"User", "check_remove_attribute", "extension:enterprise:2.0:User'", noPathOfAURN},
}

// TestTester runs scim2-tester in full.
func TestTester(t *testing.T) {
	script, dir, _ := installReal(t, "judges")
	t.Run("embedded organization", func(t *testing.T) {
		s := start(t, gateway("", bitwarden+"\nguard off")+organization) // it deletes whom it has made, one after the other
		organizationExplained.check(t, exec.Command(script, "test", dir, "http://"+s.addr+"/scim", testKey))
	})
	t.Run("SCIM server", func(t *testing.T) {
		handler, _, _ := scimServer(t)
		upstream := httptest.NewServer(handler)
		defer upstream.Close()
		s := start(t, gateway(upstream.Listener.Addr().String(), "guard off\nupstream scim /v2"))
		serverExplained.check(t, exec.Command(script, "test", dir, "http://"+s.addr+"/scim", testKey))
	})
}

func (e explained) check(t *testing.T, tester *exec.Cmd) {
	t.Helper()
	tester.Stderr = os.Stderr
	out, err := tester.Output()
	if err != nil {
		t.Fatalf("the tester cannot test: %v", err)
	}
	counts, failed := map[string]int{}, make([]bool, len(e))
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		var result struct{ Status, Title, Type, Reason, Data string }
		if err := json.Unmarshal(lines.Bytes(), &result); err != nil {
			t.Fatal(err)
		}
		counts[result.Status]++
		switch result.Status {
		case "SUCCESS", "COMPLIANT", "ACCEPTABLE", "SKIPPED":
			continue
		}
		known := false
		for i, x := range e {
			if x.resource == result.Type && x.check == result.Title && strings.Contains(result.Reason, x.says) {
				failed[i], known = true, true
			}
		}
		if !known {
			t.Errorf("%s %s %s: %s %s", result.Status, result.Type, result.Title, result.Reason, result.Data)
		}
	}
	t.Log(counts)
	if counts["SUCCESS"] < 20 {
		t.Error("hardly anything was checked")
	}
	for i, x := range e {
		if !failed[i] {
			t.Errorf("%s %s %q does not fail any more", x.resource, x.check, x.says)
		}
	}
}
