package integration

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-scim/gateway/module/admin"
)

// scim runs "caddy scim" against the server, and returns what it prints.
func (s *server) scim(args ...string) (string, error) {
	s.t.Helper()
	root := &cobra.Command{Use: "scim", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(admin.Commands()...)
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(append(args, "--address", s.admin))
	err := root.Execute()
	return out.String(), err
}

func (s *server) must(args ...string) string {
	s.t.Helper()
	out, err := s.scim(args...)
	if err != nil {
		s.t.Fatalf("caddy scim %s: %v", strings.Join(args, " "), err)
	}
	return out
}

// newKey makes a key on the command line, which must be nowhere afterwards.
func (s *server) newKey(args ...string) string {
	s.t.Helper()
	key := strings.TrimSpace(s.must(append([]string{"key"}, append(args, "--raw")...)...))
	if len(key) != 43 {
		s.t.Fatalf("the key is %q", key)
	}
	s.secrets = append(s.secrets, key)
	return key
}

// try is the status of a request with a key at an address.
func (s *server) try(addr, method, path, key string) int {
	s.t.Helper()
	body := strings.NewReader("")
	if method == http.MethodPatch {
		body = strings.NewReader(patchOp + `[{"op":"Replace","path":"active","value":"False"}]}`)
	}
	r, err := http.NewRequest(method, "http://"+addr+path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Content-Type", "application/scim+json")
	res, err := s.http.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// becomes waits until a request with a key has a status, as it has to within seconds.
func (s *server) becomes(what, addr, key string, want int) {
	s.t.Helper()
	got := 0
	for range 300 {
		if got = s.try(addr, http.MethodGet, "/scim/Users/1", key); got == want {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	s.t.Errorf("%s: %d, want %d", what, got, want)
}

func (s *server) want(what, key string, want int) {
	s.t.Helper()
	if got := s.try(s.addr, http.MethodGet, "/scim/Users/1", key); got != want {
		s.t.Errorf("%s: %d, want %d", what, got, want)
	}
}

// acme is a gateway in front of the recorder, whose organization has a name.
func acme(rec *recorder, block string) string {
	return gateway(rec.Listener.Addr().String(), "organization acme\n"+block)
}

// TestKeysOfTheStorage: a key that is made on the command line is valid at once, at another gateway that shares the
// storage within seconds, and after a reload; revoked, it is valid nowhere. Keys of the Caddyfile go on, are listed with
// the others, and can be revoked.
func TestKeysOfTheStorage(t *testing.T) {
	rec := newRecorder(t)
	s := startOperated(t, acme(rec, ""))
	other := freeAddr(t)
	startProcess(t, filepath.Join(s.dir, "storage"), "http://"+other+" {"+acme(rec, "")+"\n}\n")

	key := s.newKey("new", "okta", "--expires", "90d")
	reader := s.newKey("new", "audit", "--scope", "read")
	s.want("a new key", key, 200)
	s.becomes("a new key at the other gateway", other, key, 200)
	if got := s.try(s.addr, http.MethodDelete, "/scim/Users/1", reader); got != 403 {
		t.Errorf("a key that can only read: %d", got)
	}
	if _, err := s.scim("key", "new", "okta"); err == nil || !strings.Contains(err.Error(), `there is a key "okta" already`) {
		t.Errorf("a name that is taken: %v", err)
	}
	if _, err := s.scim("key", "new", "test"); err == nil {
		t.Error("the name of a key of the Caddyfile is taken too")
	}
	if _, err := s.scim("key", "new", "x", "--from", "nowhere"); err == nil || !strings.Contains(err.Error(), "neither an address") {
		t.Errorf("a bad address: %v", err)
	}
	s.want("the Caddyfile's", testKey, 200)
	list := s.must("key", "list")
	for _, want := range []string{"test ", "okta ", "audit ", "configuration", "storage", "read"} {
		if !strings.Contains(list, want) {
			t.Errorf("no %q in\n%s", want, list)
		}
	}
	if strings.Count(list, time.Now().UTC().Format("2006-01-02")) < 2 {
		t.Errorf("no last use in\n%s", list)
	}

	s.move(acme(rec, ""))
	s.want("after a reload", key, 200)

	if out := s.must("key", "revoke", "okta"); !strings.Contains(out, "revoked") {
		t.Errorf("got %s", out)
	}
	s.want("revoked", key, 401)
	s.becomes("revoked, at the other gateway", other, key, 401)
	s.move(acme(rec, ""))
	s.want("revoked, after a reload", key, 401)
	s.want("another one", reader, 200)
	again := s.newKey("new", "okta")
	s.want("another key of that name", again, 200)

	s.must("key", "revoke", "test")
	s.want("the Caddyfile's, revoked", testKey, 401)
	if _, err := s.scim("key", "revoke", "nobody"); err == nil {
		t.Error("a key that is not there was revoked")
	}
}

// TestRotationUnderLoad: no request is refused while a key is exchanged.
func TestRotationUnderLoad(t *testing.T) {
	s := startOperated(t, acme(newRecorder(t), ""))
	var key atomic.Value
	key.Store(s.newKey("new", "entra"))
	stop := make(chan struct{})
	var asked, refused atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if s.try(s.addr, http.MethodGet, "/scim/Users/1", key.Load().(string)) != 200 {
					refused.Add(1)
				}
				asked.Add(1)
			}
		})
	}
	wait := func() {
		for n := asked.Load(); asked.Load() < n+50; {
			time.Sleep(time.Millisecond)
		}
	}
	wait()
	old := key.Load().(string)
	fresh := s.newKey("rotate", "entra")
	wait()
	key.Store(fresh)
	wait()
	if out := s.must("status"); !strings.Contains(out, "entra was replaced by entra-2 and is still used") {
		t.Errorf("nothing tells that the old key is used:\n%s", out)
	}
	s.must("key", "revoke", "entra")
	wait()
	close(stop)
	wg.Wait()
	if refused.Load() > 0 {
		t.Errorf("%d of %d requests were refused", refused.Load(), asked.Load())
	}
	s.want("the old key", old, 401)
	if next := s.newKey("rotate", "entra-2", "--keep", "7d"); next == "" {
		t.Error("no key")
	}
	list := s.must("key", "list")
	if !strings.Contains(list, "entra-3") {
		t.Errorf("got\n%s", list)
	}
}

// TestStorageGone: while the storage cannot be read, or has lost what it had, keys that are known stay valid and no other
// is called wrong; so it stays when Caddy loads a configuration then.
func TestStorageGone(t *testing.T) {
	rec := newRecorder(t)
	s := startOperated(t, acme(rec, "throttle off"))
	key := s.newKey("new", "okta")
	s.want("unknown", "nobodys-key", 401)
	root := filepath.Join(s.dir, "storage", "scim_gateway")
	if err := os.Rename(root, root+".away"); err != nil {
		t.Fatal(err)
	}
	s.becomes("unknown, and the records have gone", s.addr, "nobodys-key", 503)
	s.want("known, and the records have gone", key, 200)
	if err := os.WriteFile(root, nil, 0o600); err != nil { // a file where a folder should be can be read by nobody
		t.Fatal(err)
	}
	s.move(acme(rec, "throttle off"))
	s.want("known, and loaded anew without a storage", key, 200)
	s.want("the Caddyfile's, and loaded anew without a storage", testKey, 200)
	s.want("unknown, and loaded anew without a storage", "nobodys-key", 503)
	if _, err := s.scim("key", "new", "x"); err == nil {
		t.Error("a key was made that nobody keeps")
	}
	if err := os.Remove(root); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(root+".away", root); err != nil {
		t.Fatal(err)
	}
	s.becomes("known again", s.addr, key, 200)
	s.becomes("unknown again", s.addr, "nobodys-key", 401)
}

// TestDisableAndPause: an organization is turned off and on again, and paused, at every gateway, until an operator says
// otherwise.
func TestDisableAndPause(t *testing.T) {
	rec := newRecorder(t)
	s := startOperated(t, acme(rec, ""))
	check := func(what string, reads, writes int) {
		t.Helper()
		rec.take(nil)
		if got := s.try(s.addr, http.MethodGet, "/scim/Users/1", testKey); got != reads {
			t.Errorf("%s: reading is %d, want %d", what, got, reads)
		}
		if got := s.try(s.addr, http.MethodPatch, "/scim/Users/1", testKey); got != writes {
			t.Errorf("%s: writing is %d, want %d", what, got, writes)
		}
		for _, r := range rec.take(nil) {
			if r.Method != http.MethodGet && writes != 200 || reads != 200 {
				t.Errorf("%s: %s %s reached the upstream", what, r.Method, r.URI)
			}
		}
	}
	check("at first", 200, 200)
	s.must("pause", "acme")
	check("paused", 200, 503)
	if !strings.Contains(s.logs(), "the user is still active") {
		t.Error("nothing says that a leaver stays")
	}
	s.move(acme(rec, ""))
	check("paused, after a reload", 200, 503)
	s.must("disable", "acme")
	check("disabled", 401, 401)
	s.must("disable", "--status", "503")
	check("disabled with 503", 503, 503)
	if out := s.must("status"); !strings.Contains(out, "state: disabled (503)") {
		t.Errorf("got\n%s", out)
	}
	s.must("enable", "acme")
	check("enabled, and still paused", 200, 503)
	s.must("resume", "acme")
	check("resumed", 200, 200)
	if _, err := s.scim("pause", "globex"); err == nil || !strings.Contains(err.Error(), `no organization "globex"`) {
		t.Errorf("got %v", err)
	}
}

// TestOrganizationWithoutAName: what would be kept under a name is refused in words; its keys are listed.
func TestOrganizationWithoutAName(t *testing.T) {
	s := startOperated(t, gateway(newRecorder(t).Listener.Addr().String(), ""))
	for _, args := range [][]string{{"key", "new", "x"}, {"key", "revoke", "test"}, {"key", "rotate", "test"}, {"pause"}} {
		if _, err := s.scim(args...); err == nil || !strings.Contains(err.Error(), "organization <name>") {
			t.Errorf("%v: %v", args, err)
		}
	}
	if list := s.must("key", "list"); !strings.Contains(list, "test ") {
		t.Errorf("got\n%s", list)
	}
}
