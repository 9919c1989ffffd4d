package quirks_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/quirks"
	"github.com/caddy-scim/gateway/transforms/scim"
)

const patchHead = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[`

// groupPatch is a PATCH that adds or removes members, in canonical form or as Entra sends it.
func groupPatch(op, member string, n int) []byte {
	var b bytes.Buffer
	b.WriteString(patchHead + `{"op":"` + op + `","path":"members","value":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, member, fmt.Sprintf("%08x-7b1d-4c0e-9a55-%012x", i*2654435761&0xffffffff, i))
	}
	b.WriteString(`]}]}`)
	return b.Bytes()
}

const (
	canonicalMember = `{"value":"%s","type":"User"}`
	entraMember     = `{"$ref":null,"value":"%s"}`
)

// userPatch is a PATCH of about 600 bytes with six operations, as Entra sends it without the flag (E13), and canonical.
func userPatch(canonical bool) []byte {
	op := "Replace"
	active := `"False"`
	if canonical {
		op, active = "replace", "false"
	}
	return fmt.Appendf(nil, patchHead+`{"op":"%[1]s","path":"displayName","value":"Alex Morgan"},`+
		`{"op":"%[1]s","path":"emails[type eq \"work\"].value","value":"alex.morgan@example.com"},`+
		`{"op":"%[1]s","path":"name.givenName","value":"Alex"},{"op":"%[1]s","path":"name.familyName","value":"Morgan"},`+
		`{"op":"%[1]s","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber","value":"701984"},`+
		`{"op":"%[1]s","path":"active","value":%[2]s}]}`, op, active)
}

type benchCase struct {
	name  string
	text  []byte
	group bool
	goal  float64 // what scanning and normalizing should cost together, as a multiple of scanning
}

func benchCases() []benchCase {
	return []benchCase{
		{"600B/nothing", userPatch(true), false, 1.3},
		{"600B/rules", userPatch(false), false, 1.6},
		{"65KB/nothing", groupPatch("add", canonicalMember, 1000), true, 1.3},
		{"65KB/rules", groupPatch("Add", entraMember, 1000), true, 1.6},
		{"65KB/removal", groupPatch("Remove", entraMember, 1000), true, 1.6},
		{"3.3MB/nothing", groupPatch("add", canonicalMember, 50_000), true, 1.3},
		{"3.3MB/rules", groupPatch("Add", entraMember, 50_000), true, 1.6},
		{"3.3MB/removal", groupPatch("Remove", entraMember, 50_000), true, 1.6},
		{"6.6MB/nothing", groupPatch("add", canonicalMember, 100_000), true, 1.3},
		{"6.6MB/rules", groupPatch("Add", entraMember, 100_000), true, 1.6},
	}
}

func (c *benchCase) run(b testing.TB, n *quirks.Normalizer, acc *quirks.Account) []byte {
	d, err := doc.Scan(c.text)
	if err != nil {
		b.Fatal(err)
	}
	rt, id := n.Schemas().User, "5171a35d82074e068ce2"
	if c.group {
		rt = n.Schemas().Group
	}
	out, err := n.Body(rt, scim.Patch, id, d, acc)
	if err != nil {
		b.Fatal(err)
	}
	return out.Raw()
}

// BenchmarkNormalize measures scanning with normalizing and scanning alone in turn, so that both see the same machine, and
// reports how many times longer the first took, by the
// fastest rounds of each.
func BenchmarkNormalize(b *testing.B) {
	n, err := quirks.New(quirks.Config{Profile: quirks.Entra})
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range benchCases() {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.text)))
			b.ReportAllocs()
			var acc quirks.Account
			both, scan := time.Duration(1<<62), time.Duration(1<<62)
			batch := max(1, 100_000/len(c.text))
			for b.Loop() {
				start := time.Now()
				for range batch {
					acc.Reset()
					c.run(b, n, &acc)
				}
				middle := time.Now()
				for range batch {
					if _, err := doc.Scan(c.text); err != nil {
						b.Fatal(err)
					}
				}
				both, scan = min(both, middle.Sub(start)), min(scan, time.Since(middle))
			}
			b.ReportMetric(float64(both)/float64(scan), "×scan")
			b.ReportMetric(c.goal, "×goal")
			b.ReportMetric(float64(scan.Nanoseconds())/float64(batch), "ns/scan")
			b.ReportMetric(float64((both-scan).Nanoseconds())/float64(batch), "ns/normalize")
		})
	}
}

// BenchmarkMaps is what the usual way costs: encoding/json into maps, a walk, and out again.
func BenchmarkMaps(b *testing.B) {
	for _, c := range benchCases() {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.text)))
			b.ReportAllocs()
			for b.Loop() {
				var v map[string]any
				if err := json.Unmarshal(c.text, &v); err != nil {
					b.Fatal(err)
				}
				for _, op := range v["Operations"].([]any) {
					op := op.(map[string]any)
					members, _ := op["value"].([]any)
					for _, m := range members {
						delete(m.(map[string]any), "$ref")
					}
				}
				if _, err := json.Marshal(v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSJSON is what changing one member at a time costs: the whole document is copied for each.
func BenchmarkSJSON(b *testing.B) {
	for _, n := range []int{100, 1000} {
		text := groupPatch("Add", entraMember, n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				out := text
				for i := range n {
					path := fmt.Sprintf("Operations.0.value.%d.$ref", i)
					if gjson.GetBytes(out, path).Type == gjson.Null {
						var err error
						if out, err = sjson.DeleteBytes(out, path); err != nil {
							b.Fatal(err)
						}
					}
				}
			}
		})
	}
}
