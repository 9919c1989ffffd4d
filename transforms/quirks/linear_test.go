package quirks_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/quirks"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// repeated are shapes of requests of n like parts, each of which could make something grow with the square of n.
var repeated = map[string]func(n int) string{
	"small removals": func(n int) string {
		return patchHead + join(n, `{"op":"Remove","path":"members","value":[{"$ref":null,"value":"%08d"}]}`) + `]}`
	},
	"lists of forty": func(n int) string {
		return patchHead + join(n/40, `{"op":"Add","path":"members","value":[`+join(40, `{"value":"%%[1]d-%d"}`)+`]}`) + `]}`
	},
	"operations to split": func(n int) string {
		return patchHead + join(n, `{"op":"Add","value":{"name.givenName":"%d","name.familyName":"x"}}`) + `]}`
	},
	"members of two shapes": func(n int) string {
		return patchHead + `{"op":"Add","path":"members","value":[` + join(n, `{"$ref":null,"value":"a%[1]d"},{"value":"b%[1]d","display":"x\n%[1]d"}`) + `]}]}`
	},
	"one member many times": func(n int) string {
		return patchHead + `{"op":"Add","path":"members","value":[` + join(n, `{"value":"%[1]d"},{"value":"x"}`) + `]}]}`
	},
	"one removal many times": func(n int) string {
		return patchHead + `{"op":"Remove","path":"members","value":[` + join(n, `{"value":"%[1]d"},"x"`) + `]}]}`
	},
	"strings in place of members": func(n int) string {
		return patchHead + `{"op":"Add","path":"members","value":[` + join(n, `"%d"`) + `]}]}`
	},
	"members with escapes": func(n int) string {
		return patchHead + `{"op":"Remove","path":"members","value":[` + join(n, `{"value":"\u0061%d"}`) + `]}]}`
	},
	"paths that are never the same": func(n int) string {
		return patchHead + join(n, `{"op":"Replace","path":"emails[value eq \"%d\"].primary","value":"True"}`) + `]}`
	},
	"nulls": func(n int) string {
		return patchHead + join(n, `{"op":"add","path":"title","value":null,"x":%d}`) + `]}`
	},
	"keys of one operation": func(n int) string {
		return patchHead + `{"op":"replace","value":{` + join(n, `"a%[1]d.b":"x","c%[1]d":null`) + `}}]}`
	},
	"members of a resource": func(n int) string {
		return `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"x","members":[` + join(n, `{"value":"%d","$ref":null}`) + `]}`
	},
}

func join(n int, format string) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = fmt.Sprintf(format, i)
	}
	return strings.Join(parts, ",")
}

// TestLinear checks that twice the input needs no more than about twice the memory; BenchmarkLinear measures the time.
func TestLinear(t *testing.T) {
	n, err := quirks.New(quirks.Config{Profile: quirks.Entra})
	if err != nil {
		t.Fatal(err)
	}
	measure := func(text string) (bytes uint64) {
		d, err := doc.Scan([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		bytes = 1 << 60
		for range 5 {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			if _, err := n.Body(n.Schemas().Group, verbOf(text), "x", d, nil); err != nil {
				t.Fatal(err)
			}
			runtime.ReadMemStats(&after)
			bytes = min(bytes, after.TotalAlloc-before.TotalAlloc)
		}
		return bytes
	}
	for name, text := range repeated {
		t.Run(name, func(t *testing.T) {
			const size = 8000
			one, two := measure(text(size)), measure(text(2*size))
			if two > 3*one+1<<20 {
				t.Errorf("%d bytes for %d, %d for twice as many", one, size, two)
			}
		})
	}
}

// BenchmarkLinear reports how much longer twice the input takes: 2 is linear, 4 is quadratic.
func BenchmarkLinear(b *testing.B) {
	n, err := quirks.New(quirks.Config{Profile: quirks.Entra})
	if err != nil {
		b.Fatal(err)
	}
	for name, text := range repeated {
		b.Run(name, func(b *testing.B) {
			var docs [2]doc.Doc
			for i, size := range []int{8000, 16000} {
				if docs[i], err = doc.Scan([]byte(text(size))); err != nil {
					b.Fatal(err)
				}
			}
			took := [2]time.Duration{time.Hour, time.Hour} // the quickest counts: others may use the machine too
			for b.Loop() {
				for i, d := range docs {
					start := time.Now()
					if _, err := n.Body(n.Schemas().Group, verbOf(text(0)), "x", d, nil); err != nil {
						b.Fatal(err)
					}
					took[i] = min(took[i], time.Since(start))
				}
			}
			b.ReportMetric(float64(took[1])/float64(took[0]), "×for-twice")
		})
	}
}

// verbOf is what a text is sent with.
func verbOf(text string) scim.Verb {
	if strings.HasPrefix(text, `{"schemas":["`+schema.GroupURI) {
		return scim.Create
	}
	return scim.Patch
}

// TestAllocations checks that a canonical PATCH of a user needs nearly none, and that they grow no faster than a list does.
func TestAllocations(t *testing.T) {
	n, err := quirks.New(quirks.Config{Profile: quirks.Entra})
	if err != nil {
		t.Fatal(err)
	}
	measure := func(text []byte, group bool) float64 {
		d, err := doc.Scan(text)
		if err != nil {
			t.Fatal(err)
		}
		rt := n.Schemas().User
		if group {
			rt = n.Schemas().Group
		}
		return testing.AllocsPerRun(5, func() {
			var acc quirks.Account
			if _, err := n.Body(rt, scim.Patch, "x", d, &acc); err != nil {
				t.Fatal(err)
			}
		})
	}
	if got := measure(userPatch(true), false); got > 4 {
		t.Errorf("a canonical user: %v allocations", got)
	}
	for _, c := range []struct{ op, member string }{{"add", canonicalMember}, {"Add", entraMember}, {"Remove", entraMember}} {
		one, two := measure(groupPatch(c.op, c.member, 1000), true), measure(groupPatch(c.op, c.member, 2000), true)
		if two > 2.2*one+10 {
			t.Errorf("%s %s: %v allocations for 1,000 members, %v for 2,000", c.op, c.member, one, two)
		}
	}
}
