package integration

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestCommandsOfMakeRun: each command that make run tells to try reaches the gateway that it starts.
func TestCommandsOfMakeRun(t *testing.T) {
	script, err := os.ReadFile("../examples/run.sh")
	if err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile("../examples/embedded.caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	socket := regexp.MustCompile(`admin (unix/\S+)\|0600`).FindStringSubmatch(string(config))
	if socket == nil {
		t.Fatal("the example has no admin endpoint that is the user's own")
	}
	address := strings.ReplaceAll(socket[1], "{$SCIM_STATE:.run}", ".run")
	commands := regexp.MustCompile(`\$caddy scim (.*) --address (\S+)`).FindAllStringSubmatch(string(script), -1)
	if len(commands) < 3 {
		t.Fatalf("make run tells of %q", commands)
	}
	dir := t.TempDir()
	s := startServer(&server{t: t, dir: dir, admin: "unix/" + dir + "/admin.sock"}, loggedOrganization)
	for _, c := range commands {
		if c[2] != address {
			t.Errorf("%s is told to ask %s, and the gateway is at %s", c[1], c[2], address)
		}
		out, err := s.scim(strings.Fields(c[1])...)
		if c[1] == "dry-run report" {
			if err == nil || !strings.Contains(err.Error(), `no gateway of the running configuration has "dry_run"`) {
				t.Errorf("%s: %v, %s", c[1], err, out)
			}
		} else if err != nil || out == "" {
			t.Errorf("%s: %v", c[1], err)
		}
	}
}
