package doc_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/caddy-scim/gateway/transforms/doc"
)

// userPatch is a PATCH of one user of about 600 bytes, as Entra sends them.
const userPatch = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` +
	`{"op":"Replace","path":"active","value":"False"},` +
	`{"op":"Replace","path":"displayName","value":"Ada Lovelace"},` +
	`{"op":"Add","path":"emails[type eq \"work\"].value","value":"ada.lovelace@contoso.example"},` +
	`{"op":"Add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department","value":"Analytical Engines"},` +
	`{"op":"Add","path":"name.givenName","value":"Ada"},{"op":"Add","path":"name.familyName","value":"Lovelace"},` +
	`{"op":"Replace","path":"title","value":"Countess"}]}`

// groupPatch is a PATCH that adds so many members to a group.
func groupPatch(members int) []byte {
	var b strings.Builder
	b.WriteString(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Add","path":"members","value":[`)
	for i := range members {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"$ref":null,"value":"%08x-9c1c-4f6f-8c43-%012x"}`, i*2654435761%(1<<32), i)
	}
	b.WriteString(`]}]}`)
	return []byte(b.String())
}

// BenchmarkScan measures the scanner against gjson.ValidBytes, which checks less (no UTF-8, no duplicate keys, no depth),
// and encoding/json.Valid. Both sides of a ratio run by turns in one loop, so that whatever else the machine does falls on
// both; the ratio is that of the fastest rounds.
func BenchmarkScan(b *testing.B) {
	for _, input := range []struct {
		name string
		body []byte
	}{
		{"user-600B", []byte(userPatch)},
		{"group-1000", groupPatch(1000)},
		{"group-50000", groupPatch(50000)},
	} {
		b.Run(input.name, func(b *testing.B) {
			b.SetBytes(int64(len(input.body)))
			b.ReportAllocs()
			best := map[string]time.Duration{}
			round := func(name string, reps int, check func([]byte) bool) {
				begun := time.Now()
				for range reps {
					if !check(input.body) {
						b.Fatal(name, "refuses the body")
					}
				}
				took := time.Since(begun) / time.Duration(reps)
				if old, ok := best[name]; !ok || took < old {
					best[name] = took
				}
			}
			scan := func(body []byte) bool { _, err := doc.Scan(body); return err == nil }
			reps := max(1, 100_000/len(input.body))
			for range 5 * max(1, 20_000_000/(reps*len(input.body))) {
				round("scan", reps, scan)
				round("gjson", reps, gjson.ValidBytes)
				round("encoding/json", reps, json.Valid)
			}
			for b.Loop() {
				if !scan(input.body) {
					b.Fatal("refused")
				}
			}
			b.ReportMetric(float64(best["scan"])/float64(best["gjson"]), "x-gjson")
			b.ReportMetric(float64(best["scan"])/float64(best["encoding/json"]), "x-encoding/json")
		})
	}
}

// BenchmarkRead measures the readers on what they read most: all members of a big group.
func BenchmarkRead(b *testing.B) {
	d, err := doc.Scan(groupPatch(50_000))
	if err != nil {
		b.Fatal(err)
	}
	value := mustPath("Operations.0.value")
	for name, read := range map[string]func() int{
		"values": func() (n int) {
			for member := range d.Value().Find(value).Items() {
				if v, ok := member.Lookup("value"); ok && v.Kind() == doc.String {
					n++
				}
			}
			return n
		},
		"tree": func() (n int) {
			for _, member := range doc.Tree(d.Value().Find(mustPath("Operations.0.value"))).Items() {
				if member.Get("value").Kind() == doc.String {
					n++
				}
			}
			return n
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(d.Raw())))
			b.ReportAllocs()
			for b.Loop() {
				if n := read(); n != 50_000 {
					b.Fatal(n, "members")
				}
			}
		})
	}
}

// BenchmarkScanManyKeys shows that one object of very many keys takes time in proportion to them: ns/key stays the same.
func BenchmarkScanManyKeys(b *testing.B) {
	for _, n := range []int{10, 100, 50_000, 100_000, 400_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			text, _ := keysOf(n, `"attribute%08d"`)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := doc.Scan([]byte(text)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/key")
		})
	}
}
