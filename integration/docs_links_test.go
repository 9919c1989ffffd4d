package integration

import (
	"bufio"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

// sources calls f for every file of the project that people write, by its path below the root.
func sources(t *testing.T, f func(path string, text string)) {
	t.Helper()
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		name := d.Name()
		switch {
		case err != nil:
			return err
		case d.IsDir() && (strings.HasPrefix(name, ".") && name != ".." || name == "build" || name == "testdata"):
			return filepath.SkipDir
		case d.IsDir(), filepath.Ext(name) != ".go" && filepath.Ext(name) != ".md" && filepath.Ext(name) != ".caddyfile":
			return nil
		}
		text, err := os.ReadFile(path)
		if err == nil {
			path, err = filepath.Rel("..", path)
			f(filepath.ToSlash(path), string(text))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// corpusRows are the ids of the requests in the corpora; tests speak of them by these.
func corpusRows(t *testing.T) map[string]bool {
	t.Helper()
	files, err := filepath.Glob("../transforms/*/testdata/*.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			var row struct{ ID string }
			if err := json.Unmarshal([]byte(line), &row); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			ids[row.ID] = true
		}
	}
	return ids
}

// TestCitations: a number of the catalogue leads to its entry in docs/providers.md, wherever it stands. In tests it may be
// the id of a row of a corpus.
func TestCitations(t *testing.T) {
	page, err := os.ReadFile("../docs/providers.md")
	if err != nil {
		t.Fatal(err)
	}
	entries := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^### ([QTHO]\d+)$`).FindAllStringSubmatch(string(page), -1) {
		entries[m[1]] = true
	}
	rows := corpusRows(t)
	number := regexp.MustCompile(`\b[QTHO]\d{1,2}\b`)
	found := 0
	sources(t, func(path, text string) {
		for _, n := range number.FindAllString(text, -1) {
			found++
			if !entries[n] && (!strings.HasSuffix(path, "_test.go") || !rows[n]) {
				t.Errorf("%s: docs/providers.md has no entry %s", path, n)
			}
		}
	})
	if len(entries) < 100 || found < 200 {
		t.Errorf("%d entries and %d citations: the search is broken", len(entries), found)
	}
}

// TestLinks: what a page links to in this repository is there, heading included.
func TestLinks(t *testing.T) {
	headings := map[string]map[string]bool{}
	pages := map[string]string{}
	sources(t, func(path, text string) {
		if filepath.Ext(path) == ".md" {
			pages[path], headings[path] = text, anchors(text)
		}
	})
	link := regexp.MustCompile(`\]\(([^()\s]+)\)`)
	found := 0
	for path, text := range pages {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			found++
			file, heading, _ := strings.Cut(m[1], "#")
			target := path
			if file != "" {
				target = filepath.ToSlash(filepath.Join(filepath.Dir(path), file))
			}
			if _, err := os.Stat(filepath.Join("..", target)); err != nil {
				t.Errorf("%s: there is no %s", path, m[1])
			} else if heading != "" && !headings[target][heading] {
				t.Errorf("%s: there is no heading %s", path, m[1])
			}
		}
	}
	if found < 200 {
		t.Errorf("%d links: the search is broken", found)
	}
}

// anchors are the names by which the headings of a page are linked to.
func anchors(text string) map[string]bool {
	names := map[string]bool{}
	fenced := false
	for s := bufio.NewScanner(strings.NewReader(text)); s.Scan(); {
		line := s.Text()
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
		}
		if fenced || !strings.HasPrefix(line, "#") {
			continue
		}
		name := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			}
			return -1
		}, strings.TrimSpace(strings.TrimLeft(line, "#")))
		names[name] = true
	}
	return names
}

// TestPaths: the folders and files that maintainers are sent to are there.
func TestPaths(t *testing.T) {
	path := regexp.MustCompile("`((?:caddyfile|module|transforms|integration|docs|examples|cmd)/[A-Za-z0-9_./-]*)`")
	found := 0
	for _, page := range []string{"../ARCHITECTURE.md", "../CONTRIBUTING.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range path.FindAllStringSubmatch(string(text), -1) {
			found++
			if _, err := os.Stat(filepath.Join("..", m[1])); err != nil {
				t.Errorf("%s: there is no %s", page, m[1])
			}
		}
	}
	if found < 50 {
		t.Errorf("%d paths: the search is broken", found)
	}
}
