// Package integration looks at the gateway from outside: real Caddy in this process, real upstreams, Entra's requests.
package integration

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/caddy-scim/gateway"
	"github.com/caddy-scim/gateway/integration/entra"
	"github.com/caddy-scim/gateway/integration/gitea"
	"github.com/caddy-scim/gateway/integration/vaultwarden"
)

// testKey is the SCIM API key of every configuration here.
const testKey = "an-api-key-for-tests-only-0123456789"

// server is one running Caddy. Caddy's configuration is global to the process, so tests that start one are not parallel.
type server struct {
	t     testing.TB
	addr  string
	admin string // of Caddy's admin API; empty where it is off
	dir   string
	http  *http.Client

	storage  string   // Caddy's, in the words of a Caddyfile; the usual one where it is empty
	snippets string   // before the site
	globals  string   // more of the global options
	names    bool     // the ids of the organization are names
	secrets  []string // besides the one of every configuration: what may be in no log and in no record
}

// watch, where there is one, comes between every test and the gateway.
var watch func(http.RoundTripper) http.RoundTripper

// start runs Caddy with the site's body given; {DIR} in it is the test's folder, {KEY} the API key. Whatever prevents it
// from serving fails the test: nothing here is ever skipped.
func start(t testing.TB, site string) *server {
	t.Helper()
	return startIn(t, t.TempDir(), site)
}

// startOperated is start with Caddy's admin API on, for "caddy scim".
func startOperated(t testing.TB, site string) *server {
	t.Helper()
	return startServer(&server{t: t, dir: t.TempDir(), admin: freeAddr(t)}, site)
}

// startSnippets is start with snippets that the site imports.
func startSnippets(t testing.TB, snippets, site string) *server {
	t.Helper()
	return startServer(&server{t: t, dir: t.TempDir(), snippets: snippets}, site)
}

func startIn(t testing.TB, dir, site string) *server {
	t.Helper()
	return startServer(&server{t: t, dir: dir}, site)
}

func startServer(s *server, site string) *server {
	s.t.Helper()
	s.addr = freeAddr(s.t)
	// A connection kept alive over a reload is answered by the old configuration.
	s.http = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 60 * time.Second}
	if watch != nil {
		s.http.Transport = watch(s.http.Transport)
	}
	s.load(site)
	s.t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			s.t.Errorf("stopping Caddy: %v", err)
		}
		s.keepsSecrets()
	})
	return s
}

// allSecrets are the credentials that sites of tests have towards their upstreams, and the provider's.
var allSecrets = []string{testKey, orgSecret, entraSecret, vaultwarden.UserSecret, vaultwarden.OrganizationSecret, vaultwarden.AdminToken, gitea.Token}

// personal finds addresses of people, who are all of domains that RFC 2606 reserves, and credentials of any kind.
var personal = regexp.MustCompile(`(?i)[\w.+%-]+(@|%40)[\w.-]*\bexample\b|\b(bearer|basic) +[\w./+=-]{8,}`)

// urls finds the URLs of a line of the log.
var urls = regexp.MustCompile(`"(ur[il]":|Location":\[)"(\\.|[^"\\])*"`)

// keepsSecrets looks for every key and token of the run, and for people, in everything that Caddy has logged, and for keys and
// tokens in what it has stored.
func (s *server) keepsSecrets() {
	s.t.Helper()
	logged := s.logs()
	for _, secret := range slices.Concat(allSecrets, s.secrets) {
		if strings.Contains(logged, secret) {
			s.t.Errorf("the log shows a secret that begins with %q", secret[:4])
		}
	}
	for line := range strings.Lines(logged) {
		if strings.Contains(line, `"logger":"http.handlers.scim_gateway.provisioning"`) {
			continue // the provisioning log, where a site asks for values
		}
		if s.names && strings.Contains(line, `"logger":"events"`) {
			continue // Caddy's own line about an event, which has the id
		}
		// Filters are a part of the URL, which Caddy logs: see "What is logged" in the docs.
		if found := personal.FindString(urls.ReplaceAllString(line, "")); found != "" {
			s.t.Errorf("the log shows %q: %s", found, line)
			break
		}
	}
	err := filepath.WalkDir(filepath.Join(s.dir, "storage"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return nil // no storage, or what was removed in the meantime
		}
		text, _ := os.ReadFile(path)
		for _, secret := range append([]string{testKey}, s.secrets...) {
			if bytes.Contains(text, []byte(secret)) {
				s.t.Errorf("%s shows a secret that begins with %q", path, secret[:4])
			}
		}
		return nil
	})
	if err != nil {
		s.t.Error(err)
	}
}

// load replaces the running configuration, at the same address.
func (s *server) load(site string) {
	s.t.Helper()
	words := strings.NewReplacer("{DIR}", s.dir, "{KEY}", testKey)
	storage := words.Replace(cmp.Or(s.storage, "file_system {DIR}/storage"))
	text := fmt.Sprintf(`{
	admin %[4]s
	auto_https off
	persist_config off
	skip_install_trust
	storage %[6]s
	%[7]s
	log {
		output file %[1]s/caddy.log
		level DEBUG
		format json
	}
}
%[5]s
http://%[2]s {
	log {
		output file %[1]s/access.log
		format json
	}
%[3]s
}
`, s.dir, s.addr, words.Replace(site), cmp.Or(s.admin, "off"), s.snippets, storage, s.globals)
	adapted, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		s.t.Fatalf("adapting: %v\n%s", err, text)
	}
	for _, w := range warnings {
		if !strings.Contains(w.Message, "not formatted") {
			s.t.Logf("adapt warning: %s", w)
		}
	}
	if err := caddy.Load(adapted, true); err != nil {
		s.t.Fatalf("loading: %v\n%s", err, adapted)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.addr)
		if err == nil {
			_ = conn.Close()
		}
		if err == nil && listening(s.addr) <= 1 {
			return
		}
		if ctx.Err() != nil {
			s.t.Fatalf("Caddy does not listen, or the replaced configuration does still: %v", err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// listening returns how many sockets listen at a port. While a configuration is replaced they are two: a connection to the
// one of the replaced configuration gets its answer, or none. It is 0 where the system does not tell.
func listening(addr string) (n int) {
	_, port, _ := net.SplitHostPort(addr)
	number, _ := strconv.Atoi(port)
	local := fmt.Sprintf(":%04X", number)
	for _, file := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, _ := os.ReadFile(file)
		for line := range strings.Lines(string(text)) {
			if f := strings.Fields(line); len(f) > 3 && strings.HasSuffix(f[1], local) && f[3] == "0A" {
				n++
			}
		}
	}
	return n
}

// move replaces the running configuration at a new address, so that no connection can meet the old one.
func (s *server) move(site string) {
	s.t.Helper()
	s.addr = freeAddr(s.t)
	s.load(site)
}

// entra is a provisioning job whose Tenant URL is the given path on this server.
func (s *server) entra(root string) *entra.Client {
	return &entra.Client{TenantURL: "http://" + s.addr + root, Secret: testKey, HTTP: s.http}
}

// logs is everything Caddy has logged so far, access log included.
func (s *server) logs() string {
	s.t.Helper()
	var all strings.Builder
	for _, name := range []string{"caddy.log", "access.log"} {
		text, err := os.ReadFile(filepath.Join(s.dir, name))
		if err != nil && !os.IsNotExist(err) {
			s.t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}

// accessLog is the lines of the access log once there are n of them. Caddy writes one after the answer, and those of two
// requests in any order.
func (s *server) accessLog(n int) (lines []map[string]any) {
	s.t.Helper()
	for range 1000 {
		text, _ := os.ReadFile(filepath.Join(s.dir, "access.log"))
		lines = nil
		for line := range bytes.Lines(text) {
			var fields map[string]any
			if json.Unmarshal(line, &fields) == nil {
				lines = append(lines, fields)
			}
		}
		if len(lines) >= n {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if len(lines) != n {
		s.t.Fatalf("the access log has %d lines, want %d", len(lines), n)
	}
	return lines
}

// freeAddr is an address at which nobody listens. Its port is below those that systems give to outgoing connections, of
// which tests make many: one of them could take it before Caddy does.
func freeAddr(t testing.TB) string {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(20_000)))
		if err != nil {
			continue
		}
		defer l.Close()
		return l.Addr().String()
	}
	t.Fatal("no port is free")
	return ""
}
