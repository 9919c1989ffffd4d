package filter_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// seed gives the fuzzer the corpus's texts of one kind.
func seed(f *testing.F, kind string) {
	file, err := os.Open("testdata/corpus.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	defer file.Close()
	for scan := bufio.NewScanner(file); scan.Scan(); {
		var c struct{ Kind, In string }
		if err := json.Unmarshal(scan.Bytes(), &c); err != nil {
			f.Fatal(err)
		}
		if c.Kind == kind {
			f.Add(c.In)
		}
	}
}

// again is what the canonical form, which can be longer than what was sent, has to pass: the grammar of the RFC.
var again = filter.Options{MaxBytes: 1 << 20}

// mends are the leniencies that leave alone what the grammar takes. The other two find out what an attribute is, and with
// it that a value does not fit.
var mends = filter.Options{Allow: ^(filter.BareExtension | filter.ComplexCompare)}

func rejected(t *testing.T, text string, err error) {
	e, ok := errors.AsType[*filter.Error](err)
	if !ok || e.Reason == "" || e.Offset < 0 || e.Offset > len(text) {
		t.Fatalf("%q: %#v", text, err)
	}
}

// FuzzFilter: no text makes the parser panic, and what it takes has one canonical form, which the bare grammar reads as
// the same filter.
func FuzzFilter(f *testing.F) {
	seed(f, "filter")
	for _, text := range []string{
		`not (a pr) and (b[c eq "d" or not(e le 1.5e3)].f eq True or g eq null)`, `a eq "\u0041\ud83d\ude00\\"`,
		enterprise + `manager eq x and ` + schema.EnterpriseURI + `.department eq 1`, `meta.created gt "2011-05-13T04:42:34Z"`,
		contoso + `:level ge "42"`, `((((a pr))))`, `a eq b or a eq c and a eq d`,
	} {
		f.Add(text)
	}
	d, err := doc.Scan([]byte(resource))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, rt := range []*schema.ResourceType{set.User, nil} {
			if plain, _, err := filter.Parse(text, rt, filter.Options{}); err == nil {
				mended, _, err := filter.Parse(text, rt, mends)
				if err != nil || cmp.Diff(plain, mended) != "" {
					t.Fatalf("%q is a filter, but with leniencies it is %v, %v", text, mended, err)
				}
			}
			got, _, err := filter.Parse(text, rt, lenient)
			if err != nil {
				rejected(t, text, err)
				continue
			}
			canonical := got.String()
			same, notes, err := filter.Parse(canonical, rt, again)
			if err != nil || notes != 0 || cmp.Diff(got, same) != "" || same.String() != canonical || !utf8.ValidString(canonical) {
				t.Fatalf("%q: %q is not canonical: [%s] %v", text, canonical, notes, err)
			}
			res := doc.Tree(d.Value())
			if filter.Match(got, res, rt) != filter.Match(same, res, rt) {
				t.Fatalf("%q: %q matches otherwise", text, canonical)
			}
		}
	})
}

// FuzzPath is [FuzzFilter] for paths.
func FuzzPath(f *testing.F) {
	seed(f, "path")
	f.Add(`a[b eq "]" and (c pr or d pr)].e`)
	f.Add(schema.EnterpriseURI + `.manager.value`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, rt := range []*schema.ResourceType{set.User, nil} {
			got, _, err := filter.ParsePath(text, rt, lenient)
			if err != nil {
				rejected(t, text, err)
				continue
			}
			canonical := got.String()
			same, notes, err := filter.ParsePath(canonical, rt, again)
			if err != nil || notes != 0 || cmp.Diff(got, same) != "" || same.String() != canonical {
				t.Fatalf("%q: %q is not canonical: [%s] %v", text, canonical, notes, err)
			}
		}
	})
}
