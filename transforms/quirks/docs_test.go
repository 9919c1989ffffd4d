package quirks_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-scim/gateway/transforms/quirks"
)

//go:generate go test -run TestDocs -update .

// TestDocs keeps docs/quirks.md what the table says.
func TestDocs(t *testing.T) {
	const page = "../../docs/quirks.md"
	got := document()
	if *update {
		if err := os.WriteFile(page, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s is not current; run go generate ./transforms/quirks: %s", page, diff)
	}
}

func document() string {
	var b strings.Builder
	b.WriteString(`# quirks

<!-- Made from the table in transforms/quirks by go generate; do not edit. -->

What identity providers send is not always what RFC 7643 and RFC 7644 say. Each deviation that the gateway knows is a rule with a name. A rule looks at the
shape of a request and at the schema, never at the client's name, so that nobody has to guess who is calling. What nothing is wrong with is passed on byte for
byte, and every application of a rule is counted (` + "`caddy_scim_gateway_quirks_total{quirk=\"…\"}`" + `).

` + "```caddyfile" + `
scim.example.com {
	scim_gateway /scim/* backend.internal.example:8080 {
		key entra {env.SCIM_KEY}
		quirks entra {
			enable roles-json
			disable duplicate-members
		}
	}
	respond 404
}
` + "```" + `

A profile decides policy only, and most profiles are another name of ` + "`generic`" + `, for whoever looks for the name of a provider:
`)
	var names []string
	for _, p := range quirks.Profiles() {
		names = append(names, "`"+p+"`")
	}
	b.WriteString(strings.Join(names, ", ") + ". They differ in these rules:\n\n| rule | on in |\n|---|---|\n")
	for _, r := range quirks.Rules() {
		if !everywhere(r) {
			var on []string
			for _, p := range quirks.Profiles() {
				if r.On(p) {
					on = append(on, "`"+p+"`")
				}
			}
			fmt.Fprintf(&b, "| [%s](#%s) | %s |\n", r.ID, r.ID, strings.Join(on, ", "))
		}
	}
	var off []string
	for _, r := range quirks.Rules() {
		if everywhere(r) && !r.On(quirks.Generic) {
			off = append(off, fmt.Sprintf("[%s](#%s)", r.ID, r.ID))
		}
	}
	slices.Sort(off)
	b.WriteString("\nOff unless they are enabled, because they choose between two readings or lose something: " + strings.Join(off, ", ") + ". All other rules are on.\n")
	b.WriteString(`
A boolean, integer or decimal that is declared as such is made of a string; every attribute that the schema does not know is left alone, however it looks:

` + "```caddyfile" + `
scim.example.com {
	scim_gateway /scim/* backend.internal.example:8080 {
		key entra {env.SCIM_KEY}
		quirks entra {
			boolean urn:ietf:params:scim:schemas:extension:Contoso:2.0:User:contractor
			integer urn:ietf:params:scim:schemas:extension:Contoso:2.0:User:level
		}
	}
	respond 404
}
` + "```" + `

`)
	fmt.Fprintf(&b, "A PATCH may come with, and become, at most %d operations (`max_operations`); what would grow beyond %d MiB is refused with 413.\n",
		quirks.DefaultMaxOperations, quirks.DefaultMaxBytes>>20)
	b.WriteString("\n## The rules\n")
	for _, r := range quirks.Rules() {
		state := "on"
		switch {
		case !everywhere(r):
			state = "depends on the profile"
		case !r.On(quirks.Generic):
			state = "off"
		}
		fmt.Fprintf(&b, "\n### %s\n\n%s\n\n- Default: %s.\n- Off: %s\n", r.ID, r.Summary, state, lowerFirst(r.Otherwise))
		if r.Catalogue != "" {
			var links []string
			for number := range strings.FieldsSeq(r.Catalogue) {
				links = append(links, fmt.Sprintf("[%s](providers.md#%s)", number, strings.ToLower(number)))
			}
			fmt.Fprintf(&b, "- Catalogue: %s\n", strings.Join(links, ", "))
		}
	}
	return b.String()
}

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }

// TestProviders: the catalogue of what providers send names, under each number, the rules that cite it, and no others.
func TestProviders(t *testing.T) {
	page, err := os.ReadFile("../../docs/providers.md")
	if err != nil {
		t.Fatal(err)
	}
	cited := map[string][]string{}
	for _, r := range quirks.Rules() {
		for number := range strings.FieldsSeq(r.Catalogue) {
			cited[number] = append(cited[number], r.ID)
		}
	}
	entries := strings.Split(string(page), "\n### ")[1:]
	for _, entry := range entries {
		number, text, _ := strings.Cut(entry, "\n")
		var named []string
		for _, m := range regexp.MustCompile(`\(quirks\.md#([a-z0-9-]+)\)`).FindAllStringSubmatch(text, -1) {
			named = append(named, m[1])
		}
		want := cited[number]
		slices.Sort(want)
		slices.Sort(named)
		if !slices.Equal(named, want) {
			t.Errorf("%s names the rules %q; those that cite it are %q", number, named, want)
		}
		delete(cited, number)
	}
	if len(entries) < 100 || len(cited) > 0 {
		t.Errorf("%d entries; not among them: %v", len(entries), cited)
	}
}

func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range quirks.Rules() {
		if seen[r.ID] || r.ID == "" || strings.Trim(r.ID, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			t.Errorf("id %q", r.ID)
		}
		seen[r.ID] = true
		for _, text := range []string{r.Summary, r.Otherwise} {
			if !strings.HasSuffix(text, ".") || strings.Contains(text, "\n") {
				t.Errorf("%s: %q is not a line that ends with a full stop", r.ID, text)
			}
		}
		for number := range strings.FieldsSeq(r.Catalogue) {
			if !strings.Contains("QTHO", number[:1]) {
				t.Errorf("%s: catalogue number %q", r.ID, number)
			}
		}
	}
}

func TestNew(t *testing.T) {
	for _, c := range []struct {
		config quirks.Config
		want   string
	}{
		{quirks.Config{}, ""},
		{quirks.Config{Profile: "azure"}, `unknown profile "azure"; there are generic, entra`},
		{quirks.Config{Profile: "entre"}, `unknown profile "entre"; did you mean entra?`},
		{quirks.Config{Enable: []string{"bolean-string"}}, `unknown quirk "bolean-string"; did you mean boolean-string?`},
		{quirks.Config{Disable: []string{"boolean"}}, `did you mean null-boolean or boolean-string or localized-boolean or answer-boolean?`},
		{quirks.Config{Enable: []string{"xyzzy"}}, `unknown quirk "xyzzy"`},
		{quirks.Config{Enable: []string{"urn-dot"}, Disable: []string{"urn-dot"}}, `quirk "urn-dot" is both enabled and disabled`},
		{quirks.Config{MaxOperations: -1}, `MaxOperations is negative`},
	} {
		_, err := quirks.New(c.config)
		if got := fmt.Sprint(err); c.want == "" && err != nil || !strings.Contains(got, c.want) {
			t.Errorf("%+v: %s, want %s", c.config, got, c.want)
		}
	}
}

// everywhere reports whether every profile agrees on a rule.
func everywhere(r quirks.Rule) bool {
	return !slices.ContainsFunc(quirks.Profiles(), func(p string) bool { return r.On(p) != r.On(quirks.Generic) })
}
