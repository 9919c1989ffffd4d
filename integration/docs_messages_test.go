package integration

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

var (
	joined   = regexp.MustCompile(`"\s*\+[^"]*\+\s*"`) // "this " + kind + " is protected"
	open     = regexp.MustCompile(`"\s*\+[^"]*$`)      // "is there a " + kind
	begun    = regexp.MustCompile(`^[^"]*\+\s*"`)      // kind + " is there"
	verb     = regexp.MustCompile(`%[+#]?[a-z]`)       // "%s is read-only"
	literals = regexp.MustCompile("\"((?:[^\"\\\\]|\\\\.)*)\"|`([^`]*)`")
	quoted   = regexp.MustCompile("`([^`]+)`")
)

// texts are the string literals of a line of code, with … for what is put into them.
func texts(line string) (all []string) {
	if strings.HasPrefix(strings.TrimSpace(line), "//") {
		return nil
	}
	line = open.ReplaceAllString(begun.ReplaceAllString(joined.ReplaceAllString(line, "…"), `"…`), `…"`)
	for _, m := range literals.FindAllStringSubmatch(line, -1) {
		text := strings.ReplaceAll(verb.ReplaceAllString(m[1]+m[2], "…"), `\"`, `"`)
		all = append(all, text)
	}
	return all
}

// TestMessages: each message that docs/operations.md explains stands in one line of the code, so that whoever reads one finds
// the other. Only a preset's error rules say the same in several presets.
func TestMessages(t *testing.T) {
	code, presets := map[string][]string{}, map[string]bool{}
	sources(t, func(path, text string) {
		foreign := strings.HasPrefix(path, "integration/") || strings.HasPrefix(path, "module/console/")
		if strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, ".md") || foreign {
			return
		}
		n := 0
		for line := range strings.Lines(text) {
			n++
			for _, text := range texts(line) {
				if at := fmt.Sprintf("%s:%d", path, n); strings.HasSuffix(path, ".go") {
					code[text] = append(code[text], at)
				} else {
					presets[text] = true
				}
			}
		}
	})
	page, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	found, column := 0, 0
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(strings.ReplaceAll(line, `\|`, "¦"), "|")
		switch {
		case !strings.HasPrefix(line, "|"):
			column = 0
			continue
		case strings.HasPrefix(line, "| level |"), strings.HasPrefix(line, "| status |"):
			column = 2
		case strings.HasPrefix(line, "| message |"):
			column = 1
		}
		if column == 0 {
			continue
		}
		for _, m := range quoted.FindAllStringSubmatch(cells[column], -1) {
			found++
			said := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(m[1]), "…", ".*") + "$")
			var at []string
			for text, lines := range code {
				if said.MatchString(text) && text != "…" {
					at = append(at, lines...)
				}
			}
			inPreset := false
			for text := range presets {
				inPreset = inPreset || said.MatchString(text)
			}
			if len(at) != 1 && (len(at) != 0 || !inPreset) {
				t.Errorf("%q is in %d lines: %v", m[1], len(at), at)
			}
		}
	}
	if found < 90 {
		t.Errorf("%d messages: the search is broken", found)
	}
}
