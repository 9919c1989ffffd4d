package command

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/caddy-scim/gateway/module/auth"
)

func run(t *testing.T, stdin string, args ...string) (string, error) {
	t.Helper()
	cmd := keygen()
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetIn(strings.NewReader(stdin))
	cmd.SetArgs(args)
	err := cmd.Execute()
	return out.String(), err
}

func TestKeygen(t *testing.T) {
	out, err := run(t, "", "okta")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^\t([A-Za-z0-9_-]{43})$(?s:.*)^\tkey okta (sha256:[0-9a-f]{64})$`).FindStringSubmatch(out)
	if m == nil {
		t.Fatalf("got %s", out)
	}
	if b, err := base64.RawURLEncoding.DecodeString(m[1]); err != nil || len(b) != 32 {
		t.Errorf("the key has %d bytes, %v", len(b), err)
	}
	if hash, err := auth.Hash(m[1]); err != nil || hash != m[2] {
		t.Errorf("the line has %s, the key's hash is %s, %v", m[2], hash, err)
	}
	if again, _ := run(t, "", "okta"); strings.Contains(again, m[1]) {
		t.Error("the same key twice")
	}
}

func TestKeygenForScripts(t *testing.T) {
	key, err := run(t, "", "--raw")
	if err != nil || len(key) != 44 {
		t.Fatalf("got %q, %v", key, err)
	}
	hash, err := run(t, key, "--hash")
	if want, _ := auth.Hash(strings.TrimSpace(key)); err != nil || hash != want+"\n" {
		t.Errorf("got %q, %v, want %q", hash, err, want)
	}
	if out, err := run(t, "tiny\n", "--hash"); err == nil {
		t.Errorf("a key that is too short was hashed: %s", out)
	}
	if out, err := run(t, "", "two words"); err == nil {
		t.Errorf("a name that no configuration accepts: %s", out)
	}
}

func list(t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd := listQuirks()
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(args)
	err := cmd.Execute()
	return out.String(), err
}

func TestQuirksOfProfile(t *testing.T) {
	out, err := list(t, "--profile", "entra")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{`(?m)^boolean-string +on `, `(?m)^empty-string +off `} {
		if !regexp.MustCompile(line).MatchString(out) {
			t.Errorf("no line %s in %s", line, out)
		}
	}
	if out, err := list(t, "--profile", "entre"); err == nil || !strings.Contains(err.Error(), "entra") {
		t.Errorf("got %v, %s", err, out)
	}
}

func TestQuirksOfConfiguration(t *testing.T) {
	file := filepath.Join(t.TempDir(), "caddy.json")
	config := `{"apps":{"http":{"servers":{"s":{"routes":[{"handle":[{"handler":"subroute","routes":[{"handle":[` +
		`{"handler":"scim_gateway","keys":[{"name":"acme","key":"{env.X}"}],"quirks":{"profile":"entra","disable":["boolean-string"],"enable":["empty-string"]}}` +
		`]}]}]}]}}}}}`
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := list(t, "--config", file)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{`keys acme`, `(?m)^boolean-string +off `, `(?m)^empty-string +on `} {
		if !regexp.MustCompile(line).MatchString(out) {
			t.Errorf("no line %s in %s", line, out)
		}
	}
	if err := os.WriteFile(file, []byte(`{}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := list(t, "--config", file); err == nil {
		t.Errorf("a configuration without a gateway: %s", out)
	}
}
