package integration

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	namedTest   = regexp.MustCompile("`(Test[A-Z][A-Za-z0-9]*)[`/]")
	writtenTest = regexp.MustCompile(`(?m)^func (Test[A-Z][A-Za-z0-9]*)\(`)
)

// TestPromisesAreKept finds every test that README and docs name: a promise whose test has gone or has another name is one
// that nobody keeps.
func TestPromisesAreKept(t *testing.T) {
	written, named := map[string]bool{}, map[string]string{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		test, doc := strings.HasSuffix(path, "_test.go"), strings.HasSuffix(path, ".md")
		if err != nil || d.IsDir() || !test && !doc {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range writtenTest.FindAllSubmatch(text, -1) {
			written[string(m[1])] = written[string(m[1])] || test
		}
		for _, m := range namedTest.FindAllSubmatch(text, -1) {
			if doc {
				named[string(m[1])] = path
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(named) < 20 || len(written) < 100 {
		t.Fatalf("%d tests are named and %d written: the search is broken", len(named), len(written))
	}
	for name, path := range named {
		if !written[name] {
			t.Errorf("%s names %s, which is no test", path, name)
		}
	}
}
