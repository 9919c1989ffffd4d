package integration

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
)

// TestMain lets the test binary be a Caddy of its own, so that two gateways share nothing but the storage, and a benchmark
// can tell Caddy's processor time from its own.
func TestMain(m *testing.M) {
	if file := os.Getenv("GATEWAY_TEST_CADDYFILE"); file != "" {
		os.Exit(serveCaddyfile(file))
	}
	os.Exit(m.Run())
}

func serveCaddyfile(file string) int {
	text, err := os.ReadFile(file)
	if err == nil {
		var adapted []byte
		if adapted, _, err = caddyconfig.GetAdapter("caddyfile").Adapt(text, map[string]any{"filename": file}); err == nil {
			err = caddy.Load(adapted, true)
		}
	}
	if err != nil {
		fmt.Println("error:", err)
		return 1
	}
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin) // until the parent is gone
	return 0
}

// startProcess runs Caddy with the sites and the storage folder given in a process of its own, and returns its process id.
// {KEY} in the sites is the API key.
func startProcess(t testing.TB, storage, sites string) int {
	t.Helper()
	text := `{
	admin off
	auto_https off
	persist_config off
	log {
		level ERROR
	}
	storage file_system ` + storage + `
}
` + strings.ReplaceAll(sites, "{KEY}", testKey)
	file := filepath.Join(t.TempDir(), "Caddyfile")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), "GATEWAY_TEST_CADDYFILE="+file)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stdin.Close(); cancel(); _ = cmd.Wait() })
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if lines.Text() == "ready" {
			return cmd.Process.Pid
		}
		t.Log(lines.Text())
	}
	t.Fatal("Caddy did not start")
	return 0
}
