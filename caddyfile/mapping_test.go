package caddyfile

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/google/go-cmp/cmp"

	"github.com/caddy-scim/gateway/transforms/schema"
)

// updating reports whether golden files are to be written; the flag is that of the package's other tests.
func updating() bool {
	f := flag.Lookup("update")
	return f != nil && f.Value.String() == "true"
}

// adaptMapping reads the text behind `upstream`.
func adaptMapping(name, text string) (*mappingSource, error) {
	tokens, err := caddyfile.Tokenize([]byte(text), name)
	if err != nil {
		return nil, err
	}
	d := caddyfile.NewDispenser(tokens)
	d.Next()
	read := readPreset
	if d.Val() == "rest" {
		read = readMapping
	}
	m, err := read(d, nil)
	if err != nil {
		return nil, err
	}
	return m, m.check(schema.Standard())
}

// The files hold what stands behind `upstream` in a Caddyfile and, below a line of dashes, the mapping that it becomes as
// JSON, or the error.
func TestGoldenMappings(t *testing.T) {
	files, err := filepath.Glob("testdata/mapping/*.caddyfiletest")
	if err != nil || len(files) < 20 {
		t.Fatalf("only %d files: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".caddyfiletest"), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			text, want, ok := strings.Cut(string(raw), "----------\n")
			if !ok {
				t.Fatal("there is no line of dashes")
			}
			var got string
			if m, err := adaptMapping("Caddyfile", text); err != nil {
				got = err.Error() + "\n"
			} else {
				js, err := json.MarshalIndent(m.Definition, "", "\t")
				if err != nil {
					t.Fatal(err)
				}
				got = string(js) + "\n"
			}
			got = strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(got)
			if updating() {
				if err := os.WriteFile(file, []byte(text+"----------\n"+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if bad := strings.HasPrefix(filepath.Base(file), "bad_"); bad == json.Valid([]byte(got)) {
				t.Errorf("is it a mistake? %v", bad)
			}
		})
	}
}

// Presets are read by people, who run `caddy fmt` on what they copy.
func TestPresetsAreFormatted(t *testing.T) {
	for _, name := range presetNames() {
		text, err := presetFiles.ReadFile("presets/" + name + ".caddyfile")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(caddyfile.Format(text)), string(text)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}
