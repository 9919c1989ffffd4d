package caddyfile_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/standard"
	"github.com/google/go-cmp/cmp"

	_ "github.com/caddy-scim/gateway/caddyfile"
)

var update = flag.Bool("update", false, "write what the adapter says into the golden files")

const divider = "\n----------\n"

// TestGolden holds the adapter against golden files: a Caddyfile, a line of dashes, and the JSON that it becomes or the
// error that it gives. The Caddyfile of every file is called Caddyfile, so that an error names it as users read it.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.caddyfiletest")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".caddyfiletest"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			input, want, found := strings.Cut(string(text), divider)
			if !found && !*update {
				t.Fatalf("%s has no line of ten dashes", file)
			}
			input = strings.TrimSuffix(input, "\n") + "\n"
			got := adapt(t, input)
			if *update {
				if err := os.WriteFile(file, []byte(strings.TrimSuffix(input, "\n")+divider+got+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(strings.TrimSpace(want), got); diff != "" {
				t.Errorf("run with -update if this is meant\n%s", diff)
			}
		})
	}
}

func adapt(t *testing.T, input string) string {
	t.Helper()
	adapted, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(input), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		if strings.HasPrefix(err.Error(), "adapt: ") || !strings.Contains(err.Error(), "Caddyfile:") {
			t.Errorf("the error names no line: %v", err)
		}
		return err.Error()
	}
	for _, w := range warnings {
		if !strings.Contains(w.Message, "not formatted") {
			t.Errorf("warning: %v", w)
		}
	}
	var out bytes.Buffer
	if err := json.Indent(&out, adapted, "", "\t"); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
