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

// TestLinear checks that twice the input needs no more than about twice the memory, and not much more than twice the time:
// the quickest of several runs, so that a busy machine does not matter.
func TestLinear(t *testing.T) {
	n, err := quirks.New(quirks.Config{Profile: quirks.Entra})
	if err != nil {
		t.Fatal(err)
	}
	measure := func(text string) (bytes uint64, took time.Duration) {
		d, err := doc.Scan([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		verb := scim.Patch
		if strings.HasPrefix(text, `{"schemas":["`+schema.GroupURI) {
			verb = scim.Create
		}
		bytes, took = 1<<60, time.Hour
		for range 7 {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			if _, err := n.Body(n.Schemas().Group, verb, "x", d, nil); err != nil {
				t.Fatal(err)
			}
			took = min(took, time.Since(start))
			runtime.ReadMemStats(&after)
			bytes = min(bytes, after.TotalAlloc-before.TotalAlloc)
		}
		return bytes, took
	}
	for name, text := range repeated {
		t.Run(name, func(t *testing.T) {
			const size = 8000
			oneBytes, one := measure(text(size))
			twoBytes, two := measure(text(2 * size))
			if twoBytes > 3*oneBytes+1<<20 {
				t.Errorf("%d bytes for %d, %d for twice as many", oneBytes, size, twoBytes)
			}
			if two > 5*one+50*time.Millisecond {
				t.Errorf("%v for %d, %v for twice as many", one, size, two)
			}
			t.Logf("%d bytes and %v; %d bytes and %v", oneBytes, one, twoBytes, two)
		})
	}
}

// TestAllocations checks that nothing is allocated where nothing applies, and little where members do not matter.
func TestAllocations(t *testing.T) {
	n, err := quirks.New(quirks.Config{Profile: quirks.Entra})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		text  []byte
		group bool
		most  float64
	}{
		{"a canonical user", userPatch(true), false, 0},
		{"a user", userPatch(false), false, 1},
		{"one canonical member", groupPatch("add", canonicalMember, 1), true, 0},
		{"1,000 canonical members", groupPatch("add", canonicalMember, 1000), true, 4},
		{"5,000 canonical members", groupPatch("add", canonicalMember, 5000), true, 4},
		{"1,000 members", groupPatch("Add", entraMember, 1000), true, 16},
		{"5,000 members", groupPatch("Add", entraMember, 5000), true, 16},
	} {
		d, err := doc.Scan(c.text)
		if err != nil {
			t.Fatal(err)
		}
		rt := n.Schemas().User
		if c.group {
			rt = n.Schemas().Group
		}
		var acc quirks.Account
		got := testing.AllocsPerRun(50, func() {
			acc.Reset()
			if _, err := n.Body(rt, scim.Patch, "x", d, &acc); err != nil {
				t.Fatal(err)
			}
		})
		if got > c.most {
			t.Errorf("%s: %v allocations, more than %v", c.name, got, c.most)
		}
	}
}
