package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
)

var fence = regexp.MustCompile("(?ms)^```caddyfile\n(.*?)^```$")

// TestDocumentedCaddyfiles adapts and runs every Caddyfile a reader meets: the fenced ones in README and docs, and the
// examples. A run is real but for three things that a test cannot have: the listening address, a public certificate and
// the upstream at the other end.
func TestDocumentedCaddyfiles(t *testing.T) {
	files, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, file := range append(files, "../README.md") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, m := range fence.FindAllSubmatch(text, -1) {
			texts[fmt.Sprintf("%s#%d", filepath.Base(file), i+1)] = string(m[1])
		}
	}
	examples, err := filepath.Glob("../examples/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range examples {
		if name := filepath.Base(file); strings.HasPrefix(name, "Caddyfile") || strings.HasSuffix(name, ".caddyfile") {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			texts[name] = string(text)
		}
	}
	if len(texts) < 5 {
		t.Fatalf("only %d Caddyfiles found: the search is broken", len(texts))
	}
	for name, text := range texts {
		t.Run(name, func(t *testing.T) { runDocumented(t, text) })
	}
}

var variable = regexp.MustCompile(`\{(?:\$|env\.)([A-Z0-9_]+)\}`)

func runDocumented(t *testing.T, text string) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, m := range variable.FindAllStringSubmatch(text, -1) {
		value := "a-value-long-enough-for-a-key-0123456789"
		switch name := m[1]; {
		case strings.Contains(name, "URL"):
			value = "http://127.0.0.1:9"
		case strings.Contains(name, "HASH"):
			value = "sha256:" + strings.Repeat("ab", 32)
		case strings.Contains(name, "CLIENT_ID"):
			value = orgClient
		}
		t.Setenv(m[1], value)
	}
	t.Setenv("XDG_DATA_HOME", dir)
	t.Setenv("SCIM_STATE", dir)
	adapted, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for _, w := range warnings {
		t.Errorf("warning: %s\n%s", w, text) // "not formatted" included: readers copy this
	}

	var config map[string]any
	if err := json.Unmarshal(adapted, &config); err != nil {
		t.Fatal(err)
	}
	config["admin"] = map[string]any{"disabled": true, "config": map[string]any{"persist": false}}
	config["storage"] = map[string]any{"module": "file_system", "root": dir}
	apps := config["apps"].(map[string]any)
	delete(apps, "tls")
	delete(apps, "pki")
	addrs := map[string]bool{}
	var roots []string
	for _, s := range apps["http"].(map[string]any)["servers"].(map[string]any) {
		server := s.(map[string]any)
		addr := freeAddr(t)
		server["listen"] = []any{addr}
		server["automatic_https"] = map[string]any{"disable": true}
		delete(server, "tls_connection_policies")
		addrs[addr] = true
		roots = append(roots, scimRoots(server)...)
	}
	text2, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := caddy.Load(text2, true); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	defer func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	}()
	if !bytes.Contains(adapted, []byte("scim_gateway")) {
		return
	}
	if len(roots) == 0 {
		roots = []string{"/scim"}
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}
	for _, root := range roots {
		answered := false
		for addr := range addrs {
			req, _ := http.NewRequest(http.MethodGet, "http://"+addr+root+"/Users", nil)
			if host := hosts(adapted); host != "" {
				req.Host = host
			}
			res, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(res.Body)
			_ = res.Body.Close()
			answered = answered || res.StatusCode == http.StatusUnauthorized && bytes.Contains(body, []byte("urn:ietf:params:scim:api:messages:2.0:Error"))
		}
		if !answered {
			t.Errorf("%s/Users without a key is not answered 401 with a SCIM error\n%s", root, text)
		}
		// What is outside of the gateway's root is nobody's, and Caddy's answer to it is an empty 200 unless the site has another.
		for addr := range addrs {
			for _, path := range []string{root + "Groups/x", "/elsewhere"} {
				req, _ := http.NewRequest(http.MethodPut, "http://"+addr+path, strings.NewReader("{}"))
				if host := hosts(adapted); host != "" {
					req.Host = host
				}
				res, err := client.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				_ = res.Body.Close()
				if res.StatusCode < 400 {
					t.Errorf("PUT %s is answered %d\n%s", path, res.StatusCode, text)
				}
			}
		}
	}
}

// scimRoots are the path prefixes that the configuration's matchers lead to the gateway.
func scimRoots(v any) []string {
	text, _ := json.Marshal(v)
	var roots []string
	for _, m := range regexp.MustCompile(`"path":\["(/[^"]*)/\*"\]`).FindAllSubmatch(text, -1) {
		if root := string(m[1]); strings.Contains(root, "scim") && !strings.Contains(strings.Join(roots, " ")+" ", root+" ") {
			roots = append(roots, root)
		}
	}
	return roots
}

// hosts is the first host name that the configuration's matchers name.
func hosts(adapted []byte) string {
	if m := regexp.MustCompile(`"host":\["([^"]+)"`).FindSubmatch(adapted); m != nil {
		return string(m[1])
	}
	return ""
}
