package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/caddy-scim/gateway/module/admin"
	"github.com/caddy-scim/gateway/module/traffic"
)

// replay runs "caddy scim replay" against the server.
func (s *server) replay(file string, flags ...string) (string, error) {
	s.t.Helper()
	root := &cobra.Command{Use: "scim", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(admin.Commands()...)
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetArgs(append([]string{"replay", file, "--url", "http://" + s.addr + "/scim"}, flags...))
	s.t.Setenv("SCIM_KEY", testKey)
	err := root.Execute()
	return out.String(), err
}

// TestRecordAndReplay: what Entra sent is replayed against an organization that is empty, without a difference in any
// answer; and nothing in the record tells who anybody is. With another policy the difference is shown.
func TestRecordAndReplay(t *testing.T) {
	for _, flag := range []bool{false, true} {
		dir := t.TempDir()
		file := filepath.Join(dir, "traffic.jsonl")
		t.Run(fmt.Sprintf("record, flag %v", flag), func(t *testing.T) {
			s := start(t, gateway("", "record "+file+"\n"+bitwarden)+organization)
			c := s.entra("/scim")
			c.Flag = flag
			cycle(t, c, newPublicAPI(t, s, ""))
			if got := s.try(s.addr, "GET", "/scim/Users", "a wrong key"); got != 401 {
				t.Errorf("a wrong key: %d", got)
			}
		})
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{`"ada`, "ben.jamin", "cyd@", "example.com", "Engineering", "Platform", testKey, "wrong", orgSecret, "127.0.0.1"} {
			if strings.Contains(strings.ToLower(string(text)), strings.ToLower(word)) {
				t.Errorf("%q is in the record", word)
			}
		}
		if !flag && !strings.Contains(string(text), `"False"`) {
			t.Error(`no "False" is left, which is how Entra speaks`)
		}
		t.Run(fmt.Sprintf("replay, flag %v", flag), func(t *testing.T) {
			if out, err := start(t, embedded).replay(file); err != nil || !strings.HasSuffix(out, " played, 0 answers differ\n") {
				t.Errorf("%v\n%s", err, out)
			}
		})
		t.Run(fmt.Sprintf("another policy, flag %v", flag), func(t *testing.T) {
			out, err := start(t, gateway("", "delete refuse\n"+bitwarden)+organization).replay(file, "--json")
			if err == nil || !strings.Contains(err.Error(), "answers differ") {
				t.Errorf("%v\n%s", err, out)
			}
			var report traffic.Report
			if err := json.Unmarshal([]byte(out), &report); err != nil {
				t.Fatal(err)
			}
			refused := slices.ContainsFunc(report.Differ, func(d *traffic.Differ) bool {
				return d.Method == http.MethodDelete && slices.Contains(d.Changes, traffic.Difference{Where: "status", Recorded: 204., Now: 403.})
			})
			if !refused {
				t.Errorf("the refused deletion is not among\n%s", out)
			}
		})
	}
}
