package filter_test

import (
	"strings"
	"testing"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
)

func BenchmarkParse(b *testing.B) {
	for name, text := range map[string]string{
		"one":       `userName eq "alex.morgan@example.com"`,
		"extension": enterprise + `employeeNumber eq "701984"`,
		"entra":     `emails[type eq "work"].value eq "alex.morgan@example.com"`,
		"nested":    strings.Repeat("(", 16<<10),
		"long":      strings.Repeat(`title pr or `, 1000) + `title pr`,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _, _ = filter.Parse(text, set.User, lenient)
			}
		})
	}
}

func BenchmarkMatch(b *testing.B) {
	d, err := doc.Scan([]byte(resource))
	if err != nil {
		b.Fatal(err)
	}
	f, _, err := filter.Parse(`emails[type eq "home" and value eq "b@home.example"]`, set.User, lenient)
	if err != nil {
		b.Fatal(err)
	}
	res := doc.Tree(d.Value())
	b.ReportAllocs()
	for b.Loop() {
		filter.Match(f, res, set.User)
	}
}
