package quirks_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
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
func userPatch(canonical bool) []byte { return userPatchOf(canonical, "Alex", "Morgan") }

func userPatchOf(canonical bool, given, family string) []byte {
	op := "Replace"
	active := `"False"`
	if canonical {
		op, active = "replace", "false"
	}
	return fmt.Appendf(nil, patchHead+`{"op":"%[1]s","path":"displayName","value":"%[3]s %[4]s"},`+
		`{"op":"%[1]s","path":"emails[type eq \"work\"].value","value":"%[5]s@example.com"},`+
		`{"op":"%[1]s","path":"name.givenName","value":"%[3]s"},{"op":"%[1]s","path":"name.familyName","value":"%[4]s"},`+
		`{"op":"%[1]s","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber","value":"701984"},`+
		`{"op":"%[1]s","path":"active","value":%[2]s}]}`, op, active, given, family, strings.ToLower(given+"."+family))
}

// userPatches are those of sixteen people: what is done for the same one over and over, the processor knows by heart.
func userPatches(canonical bool) (all [][]byte) {
	names := []string{"Alex", "Bo", "Christina-Maria", "Dagmar", "Emma", "Friedrich", "Gül", "Hans-Peter",
		"Ingeborg", "Jo", "Karl", "Lieselotte", "Max", "Natalie", "Olga", "Paul"}
	for i, name := range names {
		all = append(all, userPatchOf(canonical, name, names[(7*i+3)%len(names)]))
	}
	return all
}

type benchCase struct {
	name  string
	texts [][]byte // as they come, one after the other
	group bool
}

func benchCases() []benchCase {
	group := func(op, member string, n int) [][]byte { return [][]byte{groupPatch(op, member, n)} }
	return []benchCase{
		{"600B/nothing", userPatches(true), false},
		{"600B/rules", userPatches(false), false},
		{"65KB/nothing", group("add", canonicalMember, 1000), true},
		{"65KB/rules", group("Add", entraMember, 1000), true},
		{"65KB/removal", group("Remove", entraMember, 1000), true},
		{"3.3MB/nothing", group("add", canonicalMember, 50_000), true},
		{"3.3MB/rules", group("Add", entraMember, 50_000), true},
		{"3.3MB/removal", group("Remove", entraMember, 50_000), true},
	}
}

func run(b testing.TB, n *quirks.Normalizer, group bool, text []byte, acc *quirks.Account) {
	d, err := doc.Scan(text)
	if err != nil {
		b.Fatal(err)
	}
	rt, id := n.Schemas().User, "5171a35d82074e068ce2"
	if group {
		rt = n.Schemas().Group
	}
	if _, err := n.Body(rt, scim.Patch, id, d, acc); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkNormalize measures scanning with normalizing and scanning alone in turn, so that both see the same machine, and
// reports how many times longer the first took, by the fastest rounds of each.
func BenchmarkNormalize(b *testing.B) {
	n, err := quirks.New(quirks.Config{Profile: quirks.Entra})
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range benchCases() {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			var acc quirks.Account
			both, scan := time.Duration(1<<62), time.Duration(1<<62)
			batch := max(1, 100_000/len(c.texts[0])/len(c.texts))
			for b.Loop() {
				start := time.Now()
				for range batch {
					for _, text := range c.texts {
						acc = quirks.Account{}
						run(b, n, c.group, text, &acc)
					}
				}
				middle := time.Now()
				for range batch {
					for _, text := range c.texts {
						if _, err := doc.Scan(text); err != nil {
							b.Fatal(err)
						}
					}
				}
				both, scan = min(both, middle.Sub(start)), min(scan, time.Since(middle))
			}
			times := float64(batch * len(c.texts))
			b.ReportMetric(float64(both)/float64(scan), "×scan")
			b.ReportMetric(4, "×goal")
			b.ReportMetric(float64(scan.Nanoseconds())/times, "ns/scan")
			b.ReportMetric(float64((both-scan).Nanoseconds())/times, "ns/normalize")
		})
	}
}

// BenchmarkTwice reports how much longer 100,000 members take than 50,000.
func BenchmarkTwice(b *testing.B) {
	n, err := quirks.New(quirks.Config{Profile: quirks.Entra})
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct{ name, op, member string }{{"nothing", "add", canonicalMember}, {"rules", "Add", entraMember}} {
		b.Run(c.name, func(b *testing.B) {
			texts := [2][]byte{groupPatch(c.op, c.member, 50_000), groupPatch(c.op, c.member, 100_000)}
			var ratios []float64 // by the median: the longer run is also the likelier to be disturbed
			for b.Loop() {
				var took [2]time.Duration
				for i, text := range texts {
					start := time.Now()
					run(b, n, true, text, nil)
					took[i] = time.Since(start)
				}
				ratios = append(ratios, float64(took[1])/float64(took[0]))
			}
			slices.Sort(ratios)
			b.ReportMetric(ratios[len(ratios)/2], "×for-twice")
			b.ReportMetric(2.2, "×goal")
		})
	}
}

// BenchmarkMaps is what the usual way costs: encoding/json into maps, a walk, and out again.
func BenchmarkMaps(b *testing.B) {
	for _, c := range benchCases() {
		b.Run(c.name, func(b *testing.B) {
			text := c.texts[0]
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				var v map[string]any
				if err := json.Unmarshal(text, &v); err != nil {
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
